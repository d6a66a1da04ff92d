/** Whom to call about something, by which number, and whom one has called: who, when, what came of it. */

import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { moment, number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { get, post } from '../live/api'
import { tick } from '../live/clock'
import type { CallItem, CallResult, DutyPerson, DutyUnit } from '../live/incidents'
import type { Page } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { failureText } from './incident_failure'

const RESULTS: readonly CallResult[] = ['reached', 'no_answer', 'busy', 'message_left', 'wrong_number']

export interface Called {
  person: string
  phone: string
  unit: string | null
}

export function Calls({ about, unit }: { about: { alert: string } | { incident: string }; unit: string | null }) {
  const centre = useCentre()
  const words = consoleWords().shift
  const calls = useSignal<CallItem[] | null>(null)
  const called = useSignal<Called | null>(null)
  const query = new URLSearchParams({ ...about }).toString()
  const load = () =>
    get<Page<CallItem>>(`/calls?${query}`)
      .then((page) => (calls.value = page.items))
      .catch(() => (calls.value = []))
  useEffect(() => {
    called.value = null
    void load()
  }, [query])
  if (!centre.may('shift.read')) return null
  const may = centre.may('incident.run')
  return (
    <section class="incident-section calls" data-testid="calls">
      <h3>
        {words.calls} {calls.value && <span class="caption">{number(calls.value.length)}</span>}
      </h3>
      {unit !== null && <OnCall unit={unit} note={may ? (who) => (called.value = who) : null} />}
      {may && (
        <button type="button" class="small" data-testid="call-note" aria-expanded={called.value !== null} onClick={() => (called.value = called.value ? null : { person: '', phone: '', unit: null })}>
          {words.callNote}
        </button>
      )}
      {called.value && (
        <CallForm
          key={called.value.person}
          called={called.value}
          about={about}
          done={() => {
            called.value = null
            void load()
          }}
        />
      )}
      <CallList calls={calls.value ?? []} />
    </section>
  )
}

/** Who is on call for a unit now, with the number as a link. */
function OnCall({ unit, note }: { unit: string; note: ((who: Called) => void) | null }) {
  const found = useSignal<DutyUnit[] | null>(null)
  useEffect(() => {
    get<Page<DutyUnit>>(`/duty?unit=${encodeURIComponent(unit)}`)
      .then((page) => (found.value = page.items))
      .catch(() => (found.value = []))
  }, [unit])
  if (found.value?.length === 0) return <p class="caption">{consoleWords().shift.nobodyOnCall}</p>
  return (
    <ul class="duty">
      {found.value?.map((each) => each.people.filter((person) => person.hours).map((person) => <DutyRow key={person.id} unit={each} person={person} note={note} />))}
    </ul>
  )
}

export function DutyRow({ unit, person, note }: { unit: DutyUnit; person: DutyPerson; note: ((who: Called) => void) | null }) {
  const words = consoleWords().shift
  return (
    <li data-testid="duty" data-on-call={String(person.hours !== null)}>
      <span>
        {person.name}
        <span class="caption">
          {unit.unit.name} · {person.hours ? words.onCall(person.hours) : words.offCall}
        </span>
      </span>
      {person.phone ? <a href={`tel:${person.phone}`}>{person.phone}</a> : <span class="caption">{words.noPhone}</span>}
      {note && (
        <button type="button" class="small" onClick={() => note({ person: person.name, phone: person.phone ?? '', unit: unit.unit.id })}>
          {words.called}
        </button>
      )}
    </li>
  )
}

export function CallForm({ called, about, done }: { called: Called; about: { alert: string } | { incident: string } | null; done: () => void }) {
  const words = consoleWords().shift
  const person = useSignal(called.person)
  const phone = useSignal(called.phone)
  const result = useSignal<CallResult>('reached')
  const note = useSignal('')
  const failure = useSignal('')
  const first = useRef<HTMLInputElement>(null)
  const choice = useRef<HTMLSelectElement>(null)
  useEffect(() => (called.person ? choice.current?.focus() : first.current?.focus()), [])
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    failure.value = ''
    try {
      await post<CallItem>('/calls', {
        person: person.value.trim(),
        phone: phone.value.trim(),
        ...(called.unit ? { unit: called.unit } : {}),
        result: result.value,
        note: note.value.trim(),
        ...about,
      })
      done()
    } catch (error) {
      failure.value = failureText(error)
    }
  }
  return (
    <form class="moves-form call-form" data-testid="call-form" onSubmit={(event) => void submit(event)}>
      <input ref={first} required maxLength={120} data-testid="call-person" placeholder={words.callPerson} aria-label={words.callPerson} value={person.value} onInput={(event) => (person.value = event.currentTarget.value)} />
      <input type="tel" maxLength={24} pattern="[0-9+ .()\-]*" placeholder={words.callPhone} aria-label={words.callPhone} value={phone.value} onInput={(event) => (phone.value = event.currentTarget.value)} />
      <select ref={choice} data-testid="call-result" aria-label={words.callResult} value={result.value} onChange={(event) => (result.value = event.currentTarget.value as CallResult)}>
        {RESULTS.map((each) => (
          <option key={each} value={each}>
            {words.callResults[each]}
          </option>
        ))}
      </select>
      <input maxLength={2000} placeholder={words.callWords} aria-label={words.callWords} value={note.value} onInput={(event) => (note.value = event.currentTarget.value)} />
      <button type="submit" data-testid="call-do">
        {words.callSave}
      </button>
      <p class="failure" role="alert">
        {failure.value}
      </p>
    </form>
  )
}

export function CallList({ calls }: { calls: CallItem[] }) {
  const words = consoleWords().shift
  return (
    <ol class="call-list">
      {calls.map((call) => (
        <li key={call.id} data-testid="call">
          <span class="caption">{moment(call.at, tick.value)}</span>
          <span>
            <b>{call.person}</b> · {words.callResults[call.result]}
            <span class="caption">
              {[call.phone, words.callBy(call.made_by), call.note].filter(Boolean).join(' · ')}
            </span>
          </span>
        </li>
      ))}
    </ol>
  )
}
