/** Units by the online share, with what each received, resolved and holds overdue; the weakest always in sight. */

import { useRef } from 'preact/hooks'
import { Measure } from '../charts/measure'
import { figureText, number } from '../i18n/format'
import { w } from '../i18n/words'
import { tick } from '../live/clock'
import { figureFreshness } from '../live/freshness'
import type { Answering, FigureItem } from '../live/protocol'
import { FigureAge, useFigureState } from '../panels/figure'
import { countsOf } from '../standing/tell'
import type { Board } from './board'
import { phoneOf, postOf } from './figure'
import { placesOf, tiedPlaces, WEAKEST, type Places } from './places'
import { useTurns } from './turn'

const BY = 'online-share'
const COUNTS = ['dossiers-received', 'dossiers-resolved', 'in-hand-overdue'] as const

export function Ranking({ board, known }: { board: Board; known: boolean }) {
  const words = w()
  const units = board.units.get(BY)
  const { places, turns } = useStillPlaces(units)
  const tied = tiedPlaces(units?.values() ?? [])
  const page = places.pages[turns % Math.max(1, places.pages.length)] ?? []
  const first = units?.values().next().value
  const rows = (ids: string[]) => ids.map((id) => <Row key={id} id={id} board={board} tied={tied} />)
  return (
    <section class="panel proc-ranking" aria-label={words.procRanking} data-testid="ranking">
      <header class="panel-head">
        <h2>{words.procRanking}</h2>
        {first && (
          <span class="aside">
            <FigureAge figure={first} always />
          </span>
        )}
      </header>
      {!first ? (
        <p class="caption pad proc-empty">{known ? words.unitsNone : words.loading}</p>
      ) : (
        <>
          <table>
            <thead>
              <tr>
                <th class="place">{words.procPlace}</th>
                <th>
                  <span class="line">
                    <span>{words.procUnit}</span>
                    <span>{words.procShare}</span>
                  </span>
                </th>
                <th class="n">{words.procReceived}</th>
                <th class="n">{words.procResolved}</th>
                <th class="n">{words.procOverdue}</th>
              </tr>
            </thead>
            {places.weakest.length > 0 && (
              <tbody data-testid="weakest">
                <tr class="part">
                  <th colSpan={5}>{words.procWeakest(number(WEAKEST))}</th>
                </tr>
                {rows(places.weakest)}
              </tbody>
            )}
            <tbody data-testid="others">
              {places.weakest.length > 0 && (
                <tr class="part">
                  <th colSpan={5}>
                    {words.procOthers} · <span data-testid="page">{words.procPage(number((turns % places.pages.length) + 1), number(places.pages.length))}</span>
                  </th>
                </tr>
              )}
              {rows(page)}
            </tbody>
          </table>
          <Foot places={places} tied={tied.size > 0} />
        </>
      )}
    </section>
  )
}

function Foot({ places: { ranked, unranked }, tied }: { places: Places; tied: boolean }) {
  const words = w()
  return (
    <p class="caption proc-foot" data-testid="ranked">
      {words.procRanked(number(ranked))}
      {unranked > 0 && ` · ${words.procUnranked(number(unranked))}`}
      {tied && ` · ${words.procTied}`}
    </p>
  )
}

/** The order holds still between two turns of the page; the figures in it do not. */
function useStillPlaces(units: ReadonlyMap<string, FigureItem> | undefined): { places: Places; turns: number } {
  const turns = useTurns()
  const kept = useRef<{ turns: number; of: number; places: Places } | null>(null)
  const of = units?.size ?? 0
  if (kept.current === null || kept.current.turns !== turns || kept.current.of !== of) {
    kept.current = { turns, of, places: placesOf(units?.values() ?? []) }
  }
  return { places: kept.current.places, turns }
}

function Row({ id, board, tied }: { id: string; board: Board; tied: ReadonlySet<number> }) {
  const figure = board.units.get(BY)?.get(id)
  if (!figure) return null
  return (
    <tr data-testid="unit" data-id={id} data-standing={figure.standing}>
      <td class="place">
        <Place figure={figure} tied={tied} />
      </td>
      <td>
        <span class="line">
          <span class="name">{figure.unit?.name}</span>
          <Share figure={figure} />
        </span>
        <span class="line caption">
          <span class="who">{figure.standing === 'behind' && <Who answering={figure.answering} />}</span>
          <span data-testid="counts">{countsOf(figure)}</span>
        </span>
      </td>
      {COUNTS.map((indicator) => (
        <Count key={indicator} figure={board.units.get(indicator)?.get(id)} />
      ))}
    </tr>
  )
}

/** "=158" where others have the same, and how many places up or down since the period before. */
function Place({ figure, tied }: { figure: FigureItem; tied: ReadonlySet<number> }) {
  const words = w()
  const { rank, movement } = figure
  if (!rank) return <span class="caption">{words.procNoPlace}</span>
  const moved =
    movement == null ? words.procNew : movement > 0 ? words.rankRose(number(movement)) : movement < 0 ? words.rankFell(number(-movement)) : words.rankKept
  return (
    <>
      <span class="name">
        {tied.has(rank) && '='}
        {number(rank)}
      </span>
      <span class="caption" data-testid="movement">
        {moved}
      </span>
    </>
  )
}

function Share({ figure }: { figure: FigureItem }) {
  const stale = useFigureState(figure) === 'stale'
  const behind = figure.standing === 'behind'
  if (figure.value === null) return <span class="caption">{w().procNothingFiled}</span>
  const part = (share: number | undefined) => (share === undefined ? null : share / 100)
  return (
    <>
      <Measure filled={part(figure.value)} tick={part(figure.target?.value)} behind={behind} stale={stale} />
      <b class={stale ? 'is-stale' : behind ? 'behind' : ''} data-testid="share">
        {figureText(figure)}
      </b>
    </>
  )
}

/** The number first: it is what is dialled, and a long post may be cut. */
function Who({ answering }: { answering: Answering | null | undefined }) {
  if (!answering) return <>{w().procNobody}</>
  return (
    <>
      {phoneOf(answering)} · {postOf(answering)}
    </>
  )
}

function Count({ figure }: { figure: FigureItem | undefined }) {
  if (figure?.value == null) return <td class="n">–</td>
  const stale = figureFreshness(figure, tick.value) === 'stale'
  return (
    <td class={`n${stale ? ' is-stale' : ''}`} data-testid={`unit-${figure.indicator}`}>
      {number(figure.value)}
    </td>
  )
}
