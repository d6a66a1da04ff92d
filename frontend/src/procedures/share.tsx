/** The online share month by month and since the year began, against its target, and where it is headed. */

import type uPlot from 'uplot'
import { figureNumber, figureText } from '../i18n/format'
import { w } from '../i18n/words'
import type { FigureItem, LineBreak, Outlook, PeriodFigure, TargetRef } from '../live/protocol'
import { countsOf } from '../standing/tell'
import type { Histories } from './asked'
import { breaksIn, cumulative, dayAt, firstDrawn, middleOf, numberedActions, withGaps } from './history'
import { drawActions, drawBreaks, drawForeseen, drawTarget, type Foreseen } from './marks'
import { Plot, type Ink } from './plot'
import { monthTicks, monthWord, type Tick } from './ticks'
import { Key, Sign } from './key'

const HALF_MONTH = 16 * 86_400_000

export interface ShareLines {
  months: number
  ticks: Tick[]
  breaks: LineBreak[]
  data: uPlot.AlignedData
  newest: PeriodFigure | undefined
  foreseen: Foreseen | null
  draw: (ink: Ink) => Pick<uPlot.Options, 'series' | 'scales' | 'hooks'>
}

export function shareOf(histories: Histories, wanted: TargetRef | null | undefined, outlook: Outlook | null | undefined): ShareLines | null {
  const history = histories['online-share']
  const first = firstDrawn([histories['dossiers-received'], histories['dossiers-resolved']])
  const items = history.items.slice(first)
  if (items.every(({ value }) => value === null)) return null
  const periods = items.map(({ period }) => period)
  const sums = cumulative(history.items).slice(first)
  const from = middleOf(periods[0] ?? '1970-01') - HALF_MONTH
  const end = middleOf(periods.at(-1) ?? '1970-01')
  const foreseen = foreseenOf(wanted, outlook, end, sums.at(-1) ?? null)
  const to = Math.max(end + HALF_MONTH, (foreseen?.at ?? 0) + HALF_MONTH / 2)
  const breaks = breaksIn(history.breaks, from, to)
  const { time, columns } = withGaps(periods, [items.map(({ value }) => value), sums], breaks, 1)
  const own = numberedActions(Object.values(histories), from).filter(({ action }) => action.indicators.includes('online-share'))
  const target = wanted?.value ?? null
  const known = [...items.map(({ value }) => value), ...sums, target, foreseen?.low, foreseen?.high].filter((value) => value != null)
  const [least, most] = [Math.min(...known), Math.max(...known)]
  const air = Math.max(1, (most - least) * 0.12)
  return {
    months: periods.length,
    ticks: monthTicks(periods),
    breaks,
    data: [time, ...columns] as uPlot.AlignedData,
    newest: items.at(-1),
    foreseen,
    draw: (ink) => ({
      scales: { x: { time: true, range: [from, to] }, y: { range: [Math.max(0, least - air), Math.min(100, most + air)] } },
      series: [
        {},
        { stroke: ink.ghost, width: ink.font / 14, points: { show: true, size: ink.font * 0.45, fill: ink.ghost, stroke: ink.line } },
        { stroke: ink.line, width: ink.font / 6, points: { show: false } },
      ],
      hooks: {
        draw: [
          (plot) => {
            if (target !== null) drawTarget(plot, target, ink)
            drawBreaks(plot, breaks, ink)
            drawActions(plot, own, ink)
            if (foreseen) drawForeseen(plot, foreseen, ink)
          },
        ],
      },
    }),
  }
}

function foreseenOf(
  target: TargetRef | null | undefined,
  outlook: Outlook | null | undefined,
  end: number,
  newest: number | null,
): Foreseen | null {
  if (!target?.until || outlook?.value == null || outlook.low == null || outlook.high == null) return null
  const from = newest === null ? null : { at: end, value: newest }
  return { at: dayAt(target.until), value: outlook.value, low: outlook.low, high: outlook.high, from }
}

export function OnlineShare({ share, figure }: { share: ShareLines; figure: FigureItem | undefined }) {
  const words = w()
  const { newest, foreseen } = share
  return (
    <>
      <div class="proc-plot">
        <Plot data={share.data} make={share.draw} ticks={share.ticks} label={words.procTrend} />
      </div>
      <Key>
        {figure && (
          <span data-testid="since-january">
            <Sign kind="solid" /> {words.procCumulative} <b>{figureText(figure)}</b>
          </span>
        )}
        {figure && newest && (
          <span data-testid="month-share">
            <Sign kind="thin" /> {words.procMonth(monthWord(newest.period))} <b>{figureText(figure, newest.value)}</b>{' '}
            ({countsOf(figure, newest)})
          </span>
        )}
        {figure?.target && (
          <span>
            <Sign kind="target" /> {words.procTargetLine(figureText(figure, figure.target.value))}
          </span>
        )}
        {figure && foreseen && (
          <span data-testid="foreseen">
            <Sign kind="range" /> {words.procForecast(figureText(figure, foreseen.value), figureNumber(figure, foreseen.low), figureNumber(figure, foreseen.high))}
          </span>
        )}
      </Key>
    </>
  )
}
