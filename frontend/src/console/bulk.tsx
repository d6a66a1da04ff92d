/** One move with one reason on all alerts that are marked; each answers for itself. */

import { type Signal, useSignal } from '@preact/signals'
import { number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { say, w } from '../i18n/words'
import { post, Problem } from '../live/api'
import { serverNow } from '../live/clock'
import type { AlertItem, Text } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { mark, marks, unmark } from './marks'
import { Assign, ShelveFor, SHELVES } from './moves'

/** As many alerts as one request takes. */
const MOST = 500

interface BulkItem {
  id: string
  version: number | null
  refusal: string | null
  reason: Text | null
}

interface Outcome {
  done: number
  refused: { name: string; why: string }[]
  failure: string
}

type Move = 'acknowledge' | 'assign' | 'shelve'

/** The form that is open for what is marked; a key of the console opens it too. */
export function Bulk({ form, shown }: { form: Signal<Move | null>; shown: AlertItem[] }) {
  const centre = useCentre()
  const words = w()
  const outcome = useSignal<Outcome | null>(null)
  const reason = useSignal('')
  const busy = useSignal(false)
  const marked = [...marks.value].flatMap((id) => centre.alerts.find(id) ?? [])
  const run = async (body: object) => {
    busy.value = true
    outcome.value = await sent(marked, { comment: reason.value.trim(), ...body })
    busy.value = false
    if (outcome.value.failure) return
    reason.value = ''
    form.value = null
    unmark()
  }
  if (marked.length === 0) return outcome.value && <Told outcome={outcome.value} close={() => (outcome.value = null)} />
  const moves: [Move, string, string][] = [
    ['acknowledge', 'alert.acknowledge', words.acknowledge],
    ['assign', 'alert.assign', words.assign],
    ['shelve', 'alert.handle', words.shelve],
  ]
  return (
    <div class="bulk" data-testid="bulk">
      <div class="filters-row">
        <b data-testid="marked">{consoleWords().marked(number(marked.length))}</b>
        {moves.map(([move, permission, name]) => (
          centre.may(permission) && (
            <button key={move} type="button" aria-expanded={form.value === move} data-testid={`bulk-${move}`} onClick={() => (form.value = form.value === move ? null : move)}>
              {name}
            </button>
          )
        ))}
        <button type="button" data-testid="mark-all" onClick={() => mark(shown)}>
          {consoleWords().markAll}
        </button>
        <button type="button" data-testid="unmark" onClick={unmark}>
          {consoleWords().unmark}
        </button>
      </div>
      {form.value && <BulkForm move={form.value} reason={reason} busy={busy.value} run={run} />}
      {outcome.value?.failure && <p class="failure" role="alert">{outcome.value.failure}</p>}
    </div>
  )
}

interface FormProps {
  move: Move
  reason: Signal<string>
  busy: boolean
  run: (body: object) => Promise<void>
}

function BulkForm({ move, reason, busy, run }: FormProps) {
  const words = w()
  const minutes = useSignal<number>(SHELVES[0])
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    if (busy || move === 'assign') return
    const until = move === 'shelve' ? { until: new Date(serverNow() + minutes.value * 60_000).toISOString() } : {}
    void run({ move, ...until })
  }
  const needed = move === 'shelve'
  return (
    <form class="moves-form" onSubmit={submit}>
      <input
        autofocus
        required={needed}
        maxLength={2000}
        data-testid="bulk-reason"
        aria-label={needed ? words.shelveWhy : consoleWords().reason}
        placeholder={needed ? words.shelveWhy : consoleWords().reason}
        value={reason.value}
        onInput={(event) => (reason.value = event.currentTarget.value)}
      />
      {move === 'shelve' && <ShelveFor minutes={minutes} />}
      {move === 'assign' && <Assign done={(assignee) => void run({ move, assignee })} />}
      {move !== 'assign' && (
        <button type="submit" disabled={busy} data-testid="bulk-do">
          {move === 'acknowledge' ? words.acknowledgeLong : words.shelve}
        </button>
      )}
    </form>
  )
}

function Told({ outcome, close }: { outcome: Outcome; close: () => void }) {
  const words = w()
  return (
    <div class="bulk" role="status" data-testid="bulk-outcome">
      <div class="filters-row">
        <b>{consoleWords().bulkDone(number(outcome.done))}</b>
        {outcome.refused.length > 0 && <b class="failure">{consoleWords().bulkRefused(number(outcome.refused.length))}</b>}
        <button type="button" onClick={close}>
          {words.close}
        </button>
      </div>
      <ul>
        {outcome.refused.map((one) => (
          <li key={one.name}>
            {one.name}: <span class="caption">{one.why}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

/** Send the move with the versions that were seen; what is refused is named. */
async function sent(alerts: AlertItem[], body: object): Promise<Outcome> {
  const outcome: Outcome = { done: 0, refused: [], failure: '' }
  for (let from = 0; from < alerts.length; from += MOST) {
    const some = alerts.slice(from, from + MOST)
    const seen = some.map(({ id, version }) => ({ id, version: version ?? 1 }))
    try {
      const answer = await post<{ done: number; items: BulkItem[] }>('/alerts/bulk', { ...body, alerts: seen })
      outcome.done += answer.done
      answer.items.forEach((item, at) => {
        const alert = some[at]
        if (item.refusal && alert) outcome.refused.push({ name: `${say(alert.title)} · ${alert.place.name}`, why: say(item.reason) })
      })
    } catch (error) {
      const why = error instanceof Problem && error.message ? error.message : w().unreachable
      return { ...outcome, failure: w().actionFailed(why) }
    }
  }
  return outcome
}
