/** What an operator does with an alert besides acknowledging it: assign, put aside, close. */

import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { w } from '../i18n/words'
import { post, Problem } from '../live/api'
import { serverNow } from '../live/clock'
import type { AlertItem } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { useUnitSearch } from './unit_search'

/** Minutes for which an alert is put aside. */
export const SHELVES = [30, 120, 480] as const

type Open = 'assign' | 'shelve' | null

/** The form that is open; a key of the console opens it too. */
export function Moves({ alert, open, setOpen }: { alert: AlertItem; open: Open; setOpen: (open: Open) => void }) {
  const centre = useCentre()
  const words = w()
  const failure = useSignal('')
  const move = async (name: string, body: object = {}) => {
    failure.value = ''
    try {
      // The version that was seen goes along: who is slower is told so, and overwrites nobody. The
      // answer is not taken in: the stream tells the same in order, and may have closed the alert.
      await post(`/alerts/${encodeURIComponent(alert.id)}/${name}`, { version: alert.version, ...body })
      setOpen(null)
    } catch (error) {
      failure.value = reason(error)
    }
  }
  useEffect(() => {
    failure.value = ''
  }, [alert.id])
  const mayHandle = centre.may('alert.handle')
  if (!mayHandle && !centre.may('alert.assign')) return null
  return (
    <div class="moves" data-testid="moves">
      <div class="moves-row">
        {centre.may('alert.assign') && (
          <button type="button" aria-expanded={open === 'assign'} onClick={() => setOpen(open === 'assign' ? null : 'assign')}>
            {words.assign}
          </button>
        )}
        {mayHandle && !alert.shelved && (
          <button type="button" aria-expanded={open === 'shelve'} onClick={() => setOpen(open === 'shelve' ? null : 'shelve')}>
            {words.shelve}
          </button>
        )}
        {mayHandle && alert.shelved && (
          <button type="button" data-testid="unshelve" onClick={() => void move('unshelve')}>
            {words.unshelve}
          </button>
        )}
        {mayHandle && alert.state === 'cleared' && (
          <button type="button" data-testid="close" onClick={() => void move('close')}>
            {words.closeAlert}
          </button>
        )}
        {alert.assignee && <span class="caption" data-testid="assignee">{words.assignedTo(alert.assignee.name)}</span>}
      </div>
      {open === 'assign' && <Assign done={(unit) => void move('assign', { assignee: unit })} />}
      {open === 'shelve' && <Shelve done={(until, comment) => void move('shelve', { until, comment })} />}
      <p class="failure" role="alert" data-testid="move-failure">
        {failure.value}
      </p>
    </div>
  )
}

function reason(error: unknown): string {
  const words = w()
  if (!(error instanceof Problem)) return words.actionFailed(words.unreachable)
  if (error.values['refusal'] === 'overtaken') return words.overtaken
  return words.actionFailed(error.message)
}

/** A unit is looked up by its name, and chosen. */
export function Assign({ done }: { done: (unit: string) => void }) {
  const words = w()
  const { text, found, look } = useUnitSearch()
  return (
    <div class="moves-form">
      <input
        autofocus
        type="search"
        data-testid="assign-search"
        aria-label={words.assignSearch}
        placeholder={words.assignSearch}
        value={text.value}
        onInput={(event) => void look(event.currentTarget.value)}
      />
      <ul>
        {found.value.map((unit) => (
          <li key={unit.id}>
            <button type="button" data-testid="assign-unit" data-id={unit.id} onClick={() => done(unit.id)}>
              {unit.name}
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}

function Shelve({ done }: { done: (until: string, comment: string) => void }) {
  const words = w()
  const minutes = useSignal<number>(SHELVES[0])
  const why = useSignal('')
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    if (why.value.trim()) done(new Date(serverNow() + minutes.value * 60_000).toISOString(), why.value.trim())
  }
  return (
    <form class="moves-form" onSubmit={submit}>
      <ShelveFor minutes={minutes} />
      <input
        autofocus
        required
        maxLength={2000}
        data-testid="shelve-why"
        aria-label={words.shelveWhy}
        placeholder={words.shelveWhy}
        value={why.value}
        onInput={(event) => (why.value = event.currentTarget.value)}
      />
      <button type="submit" data-testid="shelve-do">
        {words.shelve}
      </button>
    </form>
  )
}

export function ShelveFor({ minutes }: { minutes: Signal<number> }) {
  const words = w()
  return (
    <select aria-label={words.shelveFor} value={minutes.value} onChange={(event) => (minutes.value = Number(event.currentTarget.value))}>
      {SHELVES.map((each) => (
        <option key={each} value={each}>
          {each < 60 ? words.minutes(String(each)) : words.hours(String(each / 60))}
        </option>
      ))}
    </select>
  )
}
