/** The index of Decision 766 by group: the points that were given, and beside them ours as an estimate. */

import { number } from '../i18n/format'
import { say, w } from '../i18n/words'
import type { FigureItem, OfficialScore } from '../live/protocol'
import type { Board } from './board'

const INDEX = 'd766'

export function Score({ board, known }: { board: Board; known: boolean }) {
  const words = w()
  const index = board.own.get(INDEX)
  const groups = [...board.own.values()].filter(({ indicator }) => indicator.startsWith(`${INDEX}-`)).sort((a, b) => (a.id < b.id ? -1 : 1))
  const shown = index ? [...groups, index] : groups
  return (
    <section class="panel proc-score" aria-label={say(index?.name)} data-testid="score">
      <header class="panel-head">
        <h2>{words.procIndex}</h2>
        {shown.length > 0 && <span class="aside">{words.procOfficial}</span>}
      </header>
      {shown.length === 0 ? (
        <p class="caption pad proc-empty">{known ? words.procIndexMissing : words.loading}</p>
      ) : (
        <>
          <ul>
            {shown.map((figure) => (
              <Group key={figure.id} figure={figure} whole={figure === index} />
            ))}
          </ul>
          <Foot figures={shown} />
        </>
      )}
    </section>
  )
}

function Group({ figure, whole }: { figure: FigureItem; whole: boolean }) {
  const words = w()
  const { official, own } = figure
  const maximum = figure.maximum ?? own?.maximum ?? null
  const points = official?.score ?? own?.value ?? null
  return (
    <li class={whole ? 'whole' : ''} data-testid={`score-${figure.indicator}`}>
      <span class="line">
        <span>
          {whole ? words.procGroupAll : say(figure.name)}
          {official && <Rank official={official} />}
        </span>
        <span class="n" data-testid="official">
          {official ? <b>{number(official.score, figure.decimals)}</b> : '–'}
          {maximum !== null && <span class="caption"> / {number(maximum)}</span>}
        </span>
      </span>
      <span class="line caption">
        <span class={`proc-points${official ? '' : ' ours'}`} aria-hidden="true">
          {points !== null && maximum !== null && <i style={{ width: `${Math.min(100, (points / maximum) * 100)}%` }} />}
        </span>
        <span class="n" data-testid="estimate">
          {estimateOf(figure)}
        </span>
      </span>
    </li>
  )
}

function Rank({ official: { rank, of, movement } }: { official: OfficialScore }) {
  if (!rank || !of) return null
  const words = w()
  const moved = movement == null ? '' : movement > 0 ? ` ${words.rankRose(number(movement))}` : movement < 0 ? ` ${words.rankFell(number(-movement))}` : ''
  return (
    <span class="caption">
      {' '}
      · {words.rankOf(number(rank), number(of))}
      {moved}
    </span>
  )
}

/** "ước tính 19,30 (phủ 20/20 điểm)", or why there is none. */
function estimateOf({ own, decimals }: FigureItem): string {
  const words = w()
  if (!own || !own.formula) return words.procNoFormula
  const covered = words.procCovered(number(own.covered), number(own.maximum))
  return words.procEstimate(own.value === null ? words.procNotCovered : number(own.value, decimals), covered)
}

/** Which documents the official points are from, each once, and what there is to know of a group. */
function Foot({ figures }: { figures: FigureItem[] }) {
  const words = w()
  const told = figures.flatMap(({ official, provisional }) => {
    if (!official) return []
    const at = provisional ? `${monthOf(official.at)} (${words.procProvisional})` : monthOf(official.at)
    return [words.procScoreAt(at, official.document)]
  })
  const notes = figures.flatMap(({ note, name }) => (note ? [`${say(name)}: ${say(note)}`] : []))
  return (
    <div class="caption proc-foot" data-testid="documents">
      {told.length === 0 && <p>{words.procScoreNone}</p>}
      {[...new Set([...told, ...notes])].map((text) => (
        <p key={text}>{text}</p>
      ))}
    </div>
  )
}

/** "2026-09" as people write it. */
function monthOf(period: string): string {
  return period.replace(/^(\d{4})-(\d{2})$/, '$2/$1')
}
