/** The dossiers that are overdue longest: which procedure, where it is held, how late; nothing about a person. */

import { clockTime, number } from '../i18n/format'
import { w } from '../i18n/words'
import type { LateDossier } from '../live/protocol'
import type { Board } from './board'

export function Oldest({ board, known }: { board: Board; known: boolean }) {
  const words = w()
  const overdue = board.own.get('in-hand-overdue')
  const late = overdue?.late ?? []
  return (
    <section class="panel proc-oldest" aria-label={words.procOldest} data-testid="oldest">
      <header class="panel-head">
        <h2>{words.procOldest}</h2>
        {overdue?.value != null && overdue.value > 0 && (
          <span class="aside" data-testid="oldest-of">
            {words.procOldestOf(number(late.length), number(overdue.value))}
          </span>
        )}
      </header>
      {late.length === 0 ? (
        <p class="caption pad proc-empty">
          {!known && words.loading}
          {known && (overdue?.value == null ? words.notYet : words.procNoneLate)}
          {known && overdue?.time && ` · ${words.procSeen(clockTime(overdue.time))}`}
        </p>
      ) : (
        <ol>
          {late.map((one) => (
            <Dossier key={one.code} one={one} />
          ))}
        </ol>
      )}
    </section>
  )
}

/** In working days; one that the calendar does not reach says only that it is overdue. */
function lateness({ days_late: days }: LateDossier): string {
  const words = w()
  if (days === null) return words.procOverdue
  return days > 0 ? words.procDaysLate(number(days)) : words.lateToday
}

function Dossier({ one }: { one: LateDossier }) {
  return (
    <li data-testid="late-dossier" data-code={one.code}>
      <span class="procedure">{one.procedure_name ?? one.procedure}</span>
      <b class="behind">{lateness(one)}</b>
      <span class="caption">{[one.code, one.unit.name, one.office].filter(Boolean).join(' · ')}</span>
    </li>
  )
}
