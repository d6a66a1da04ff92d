/** The forms of moves: each asks for what its move needs, and no more. */

import { useSignal } from '@preact/signals'
import { consoleWords } from '../i18n/console/words'
import { w } from '../i18n/words'
import { serverNow } from '../live/clock'
import type { IncidentDetail, IncidentMove, IncidentResult } from '../live/incidents'
import type { UnitRef } from '../live/protocol'
import { takeFocus } from './focus'
import { lookCategories } from './incident_open'
import { type Choice, Pick } from './pick'
import { findUnits } from './unit_search'

type Need = 'unit' | 'person' | 'support' | 'result' | 'due' | 'category' | 'reason' | 'words'

/** `reason` must be given, `words` may be. */
export const NEEDS: Record<IncidentMove, readonly Need[]> = {
  acknowledge: [],
  assign: ['unit', 'person'],
  start: [],
  support: ['support'],
  extend: ['due', 'reason'],
  recategorise: ['category', 'reason'],
  escalate: ['reason'],
  'de-escalate': ['reason'],
  'hand-over': ['person', 'words'],
  resolve: ['result', 'words'],
  return: ['reason'],
  close: [],
  reopen: ['reason'],
}

const RESULTS: readonly IncidentResult[] = ['handled', 'false_alarm', 'no_action', 'transferred']
/** Hours by which a deadline is usually put off. */
const EXTENSIONS = [1, 2, 4, 8, 24, 72] as const

interface Props {
  move: IncidentMove
  item: IncidentDetail
  act: (body: object) => void
}

export function MoveForm({ move, item, act }: Props) {
  const words = consoleWords().incidents
  const needs = NEEDS[move]
  const unit = useSignal<Choice | null>(item.lead)
  const person = useSignal('')
  const support = useSignal<UnitRef[]>(item.support)
  const result = useSignal<IncidentResult | ''>('')
  const hours = useSignal<number>(EXTENSIONS[0])
  const category = useSignal<Choice | null>(null)
  const text = useSignal('')
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    act({
      ...(needs.includes('unit') && unit.value ? { unit: unit.value.id } : {}),
      ...(needs.includes('person') ? { person: person.value.trim() } : {}),
      ...(needs.includes('support') ? { support: support.value.map((each) => each.id) } : {}),
      ...(needs.includes('result') ? { result: result.value } : {}),
      ...(needs.includes('due') ? { due_at: putOff(item, hours.value) } : {}),
      ...(needs.includes('category') ? { category: category.value?.id } : {}),
      ...(text.value.trim() ? { reason: text.value.trim() } : {}),
    })
  }
  const asksText = needs.includes('reason') || needs.includes('words')
  const textWord = move === 'resolve' ? words.outcome : needs.includes('reason') ? words.reason : words.note
  const results = item.exercise ? [...RESULTS, 'exercise' as const] : RESULTS
  return (
    <form class="moves-form" data-testid="move-form" onSubmit={submit}>
      {needs.includes('unit') && <Pick label={words.lead} testid="move-unit" chosen={unit.value} look={findUnits} choose={(choice) => (unit.value = choice)} />}
      {needs.includes('person') && (
        <label>
          <span>{move === 'assign' ? words.assigneeAsk : words.keeperAsk}</span>
          <input ref={takeFocus} required maxLength={120} data-testid="move-person" value={person.value} onInput={(event) => (person.value = event.currentTarget.value)} />
        </label>
      )}
      {needs.includes('support') && <Support units={support.value} change={(units) => (support.value = units)} />}
      {needs.includes('result') && (
        <label>
          <span>{words.result}</span>
          <select ref={takeFocus} required data-testid="move-result" value={result.value} onChange={(event) => (result.value = event.currentTarget.value as IncidentResult)}>
            <option value="" disabled>
              {words.resultAsk}
            </option>
            {results.map((each) => (
              <option key={each} value={each}>
                {words.results[each]}
              </option>
            ))}
          </select>
        </label>
      )}
      {needs.includes('due') && (
        <label>
          <span>{words.extendBy}</span>
          <select ref={takeFocus} value={hours.value} onChange={(event) => (hours.value = Number(event.currentTarget.value))}>
            {EXTENSIONS.map((each) => (
              <option key={each} value={each}>
                {w().hours(String(each))}
              </option>
            ))}
          </select>
        </label>
      )}
      {needs.includes('category') && (
        <Pick label={words.category} testid="move-category" autofocus required chosen={category.value} look={lookCategories} choose={(choice) => (category.value = choice)} />
      )}
      {asksText && (
        <label>
          <span>{textWord}</span>
          <input
            ref={needs[0] === 'reason' ? takeFocus : null}
            required={needs.includes('reason')}
            maxLength={2000}
            data-testid="move-text"
            value={text.value}
            onInput={(event) => (text.value = event.currentTarget.value)}
          />
        </label>
      )}
      <button type="submit" data-testid="move-do">
        {words.moves[move]} <kbd>Enter</kbd>
      </button>
    </form>
  )
}

/** So many hours after the deadline, or after now where that has passed. */
function putOff(item: IncidentDetail, hours: number): string {
  return new Date(Math.max(Date.parse(item.due_at), serverNow()) + hours * 3_600_000).toISOString()
}

function Support({ units, change }: { units: UnitRef[]; change: (units: UnitRef[]) => void }) {
  const words = consoleWords().incidents
  return (
    <>
      <ul class="support-units">
        {units.map((unit) => (
          <li key={unit.id}>
            {unit.name}{' '}
            <button type="button" aria-label={words.supportDrop(unit.name)} onClick={() => change(units.filter((each) => each.id !== unit.id))}>
              ×
            </button>
          </li>
        ))}
      </ul>
      <Pick
        key={units.length}
        label={words.supportAsk}
        testid="move-support"
        autofocus
        chosen={null}
        look={findUnits}
        choose={(choice) => choice && !units.some((each) => each.id === choice.id) && change([...units, { id: choice.id, name: choice.name }])}
      />
    </>
  )
}
