/** Administrative procedures: the online share against its target, then what is overdue, then the weakest units. */

import { Measure } from '../charts/measure'
import { figureScale, figureText } from '../i18n/format'
import { w } from '../i18n/words'
import type { FigureItem } from '../live/protocol'
import { useCentre } from './centre'
import { FigureAge, FigureCounts, FigureMeasure, FigureName, FigureValue, Gap, OutlookNote, TargetNote } from './figure'
import { byPlace } from './placing'

const HEADLINE = 'online-share'
const BESIDE = ['on-time-share', 'in-hand-overdue']
/** What stands below the headline; the procedures board holds far more than this panel has room for. */
const WORST = 5

export function ProceduresPanel() {
  const centre = useCentre()
  const words = w()
  const items = centre.procedures.read()
  const province = centre.city.value?.province.id
  const own = items.filter((item) => item.unit === null || item.unit.id === province)
  const fallback = centre.overview.read().filter((item) => item.domain === 'service')
  const figures = (own.length ? own : fallback).sort(byPlace)
  const headline = figures.find((item) => item.indicator === HEADLINE) ?? figures[0]
  const others = BESIDE.flatMap((id) => figures.filter((item) => item.indicator === id))
  const worst = lowest(items, headline?.indicator ?? HEADLINE, province)
  return (
    <section class="panel procedures" aria-label={words.procedures} data-testid="panel-procedures">
      <header class="panel-head">
        <h2>{words.procedures}</h2>
        {headline?.period && <span class="aside">{period(headline.period)}</span>}
      </header>
      {headline ? <Headline figure={headline} /> : <p class="caption pad">{centre.procedures.known.value ? words.notYet : words.loading}</p>}
      {others.length > 0 && (
        <div class="procedure-others">
          {others.map((figure) => (
            <div key={figure.id} class="procedure-other">
              <FigureName figure={figure} />
              <span class="procedure-value">
                <FigureValue figure={figure} />
                <span class="caption">
                  <FigureCounts figure={figure} />
                </span>
                <span class="caption">
                  <FigureAge figure={figure} brief />
                </span>
              </span>
            </div>
          ))}
        </div>
      )}
      {worst.length > 0 && <WorstUnits figures={worst} />}
    </section>
  )
}

function Headline({ figure }: { figure: FigureItem }) {
  return (
    <div class="headline">
      <FigureName figure={figure} />
      <div class="headline-row">
        <FigureValue figure={figure} big />
        <div class="headline-notes">
          <Gap figure={figure} />
          <span class="caption">
            <TargetNote figure={figure} />
          </span>
          <span class="caption">
            <OutlookNote figure={figure} />
          </span>
          <span class="caption">
            <FigureCounts figure={figure} /> {figure.denominator !== null && w().dossiers} <FigureAge figure={figure} />
          </span>
        </div>
      </div>
      <FigureMeasure figure={figure} />
    </div>
  )
}

function WorstUnits({ figures }: { figures: FigureItem[] }) {
  const words = w()
  const most = Math.max(...figures.map((f) => Math.max(f.value ?? 0, f.target?.value ?? 0)), 0) || 1
  const scale = (figure: FigureItem, value: number | null | undefined) => {
    if (value == null) return null
    return figureScale(figure).sign === '%' ? (value * figureScale(figure).factor) / 100 : value / most
  }
  return (
    <div class="worst">
      <h3 class="caption">{words.worstUnits}</h3>
      <ol>
        {figures.map((figure) => (
          <li key={figure.id} data-testid="worst-unit" data-id={figure.unit?.id}>
            <span class="worst-name">{figure.unit?.name}</span>
            <Measure filled={scale(figure, figure.value)} tick={scale(figure, figure.target?.value)} behind={figure.standing === 'behind'} />
            <span class={`worst-value${figure.standing === 'behind' ? ' behind' : ''}`}>{figureText(figure)}</span>
          </li>
        ))}
      </ol>
    </div>
  )
}

/** The units furthest from the wanted side; a unit without a denominator has no place in a ranking. */
function lowest(items: FigureItem[], indicator: string, province: string | undefined): FigureItem[] {
  const ranked = items.filter(
    (item) => item.indicator === indicator && item.unit !== null && item.unit.id !== province && item.value !== null,
  )
  const sign = ranked[0]?.target?.direction === 'down' ? -1 : 1
  return ranked.sort((a, b) => sign * ((a.value ?? 0) - (b.value ?? 0))).slice(0, WORST)
}

/** "2026-11" as people write it. */
function period(text: string): string {
  const month = /^(\d{4})-(\d{2})$/.exec(text)
  return month ? `${month[2]}/${month[1]}` : text
}
