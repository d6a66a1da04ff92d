/** What may be done with an incident now, each with what it needs and its key. */

import { signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { consoleWords } from '../i18n/console/words'
import { post } from '../live/api'
import type { IncidentDetail, IncidentMove } from '../live/incidents'
import { failureText, isOvertaken } from './incident_failure'
import { NEEDS, MoveForm } from './incident_needs'

/** The form of the chosen incident that is open; a key of the board opens it too. */
export const moving = signal<IncidentMove | null>(null)

/** Moves in the order of the work, those that have a key with it. */
const ORDER: readonly [IncidentMove, string][] = [
  ['acknowledge', 'a'],
  ['assign', 's'],
  ['start', 'b'],
  ['support', 'p'],
  ['resolve', 'r'],
  ['close', 'x'],
  ['return', ''],
  ['reopen', 'm'],
  ['escalate', 'e'],
  ['de-escalate', ''],
  ['extend', ''],
  ['recategorise', ''],
  ['hand-over', ''],
]

/** What the keys of moves do. */
export function movesByKey(ask: (move: IncidentMove) => void): Record<string, () => void> {
  return Object.fromEntries(ORDER.filter(([, key]) => key).map(([move, key]) => [key, () => ask(move)]))
}

interface Props {
  item: IncidentDetail
  moved: (item: IncidentDetail) => void
  renew: () => void
}

export function IncidentMoves({ item, moved, renew }: Props) {
  const words = consoleWords().incidents
  const failure = useSignal('')
  const busy = useSignal(false)
  const act = async (move: IncidentMove, body: object) => {
    if (busy.value) return
    busy.value = true
    failure.value = ''
    try {
      // The version that was seen goes along: who is slower is told so, and overwrites nobody.
      moved(await post<IncidentDetail>(`/incidents/${item.id}/${move}`, { version: item.version, ...body }))
      moving.value = null
    } catch (error) {
      failure.value = failureText(error)
      if (isOvertaken(error)) renew()
    } finally {
      busy.value = false
    }
  }
  useEffect(() => {
    failure.value = ''
  }, [item.id])
  const wanted = moving.value
  const open = wanted !== null && item.allowed.includes(wanted) ? wanted : null
  useEffect(() => {
    // A key that was pressed too early does nothing later.
    if (wanted !== null && open === null && moving.peek() === wanted) moving.value = null
  }, [wanted, open])
  useEffect(() => {
    // What a key asks for and needs nothing more is done at once.
    if (open === null || NEEDS[open].length > 0 || moving.peek() !== open) return
    moving.value = null
    void act(open, {})
  }, [open])
  return (
    <div class="moves" data-testid="incident-moves">
      <div class="moves-row">
        {ORDER.filter(([move]) => item.allowed.includes(move)).map(([move, key]) => (
          <button
            key={move}
            type="button"
            aria-expanded={open === move}
            disabled={busy.value}
            data-testid={`move-${move}`}
            onClick={() => (moving.value = open === move ? null : move)}
          >
            {words.moves[move]} {key && <kbd>{key}</kbd>}
          </button>
        ))}
        {item.allowed.length === 0 && <span class="caption">{words.noMoves}</span>}
      </div>
      {open !== null && NEEDS[open].length > 0 && <MoveForm key={open} move={open} item={item} act={(body) => void act(open, body)} />}
      <p class="failure" role="alert" data-testid="incident-failure">
        {failure.value}
      </p>
    </div>
  )
}
