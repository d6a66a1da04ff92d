/** One incident whole: what is to be done with it, its checklist, what is in it, and all that was done. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { moment, number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { say, w } from '../i18n/words'
import { get, post } from '../live/api'
import { serverNow, tick } from '../live/clock'
import type { Caller, IncidentDetail, IncidentStep } from '../live/incidents'
import { useCentre } from '../panels/centre'
import { Fact } from '../panels/detail'
import { Calls } from './calls'
import { Marks, TimeLeft } from './incident_card'
import { failureText } from './incident_failure'
import { Files, Parts } from './incident_holds'
import { incidents } from './incident_list'
import { IncidentLog } from './incident_log'
import { IncidentMoves } from './incident_moves'
import { PlaceMap } from './place_map'

/** The incident as it stands, asked anew with each change that the stream tells of. */
function useIncident(id: string) {
  const item = useSignal<IncidentDetail | null>(null)
  const failure = useSignal('')
  const told = incidents.find(id)
  const renew = () =>
    get<IncidentDetail>(`/incidents/${id}`)
      .then((found) => {
        item.value = found
        failure.value = ''
      })
      .catch((error: unknown) => (failure.value = failureText(error)))
  useEffect(() => void renew(), [id, told?.version, told?.entries])
  return { item: item.value?.id === id ? item.value : null, failure: failure.value, put: (found: IncidentDetail) => (item.value = found), renew: () => void renew() }
}

export function IncidentPanel({ id }: { id: string }) {
  const { item, failure, put, renew } = useIncident(id)
  if (!item) return <p class="caption empty">{failure || w().loading}</p>
  return <IncidentWhole key={id} item={item} put={put} renew={renew} />
}

interface Props {
  item: IncidentDetail
  put: (item: IncidentDetail) => void
  renew: () => void
}

function IncidentWhole({ item, put, renew }: Props) {
  const words = consoleWords().incidents
  return (
    <article class="incident-whole" data-testid="incident-detail" data-state={item.state} data-version={item.version}>
      <p class="incident-marks">
        <span class="caption">{item.code}</span>
        <Marks item={item} />
      </p>
      <h2 class="detail-title">{item.title}</h2>
      <p class="detail-sub">
        {words.states[item.state]}
        {item.result && ` · ${words.results[item.result]}`}
        {item.outcome && ` · ${item.outcome}`}
      </p>
      <IncidentMoves item={item} moved={put} renew={renew} />
      <div class="incident-columns">
        <div>
          <Facts item={item} />
          <Clocks item={item} />
          {item.place.point && <PlaceMap point={item.place.point} />}
          <Parts item={item} put={put} />
          <Files item={item} put={put} />
        </div>
        <div>
          <Checklist item={item} put={put} renew={renew} />
          <Calls about={{ incident: item.id }} unit={item.lead.id} />
          <IncidentLog item={item} put={put} />
        </div>
      </div>
    </article>
  )
}

function Facts({ item }: { item: IncidentDetail }) {
  const words = consoleWords().incidents
  const now = tick.value
  return (
    <dl class="facts">
      <Fact term={words.category}>{say(item.category.name)}</Fact>
      <Fact term={w().place}>{item.place.name || item.place_unit?.name || words.placeUnknown}</Fact>
      <Fact term={words.lead}>{item.lead.name}</Fact>
      {item.support.length > 0 && <Fact term={words.support}>{item.support.map((unit) => unit.name).join(', ')}</Fact>}
      <Fact term={words.assignee}>{item.assignee ?? words.nobody}</Fact>
      <Fact term={words.keeper}>{item.keeper}</Fact>
      <Fact term={words.openedAt}>
        {moment(item.opened_at, now)} · {item.opened_by} · {words.origins[item.origin] ?? item.origin}
      </Fact>
      {item.description && <Fact term={words.description}>{item.description}</Fact>}
      {item.caller_known && <CallerFact id={item.id} />}
    </dl>
  )
}

/** Who called is asked for one by one: every look is noted. */
function CallerFact({ id }: { id: string }) {
  const centre = useCentre()
  const words = consoleWords().incidents
  const caller = useSignal<Caller | null>(null)
  const failure = useSignal('')
  if (!centre.may('incident.run')) return null
  const look = () =>
    get<Caller>(`/incidents/${id}/caller`)
      .then((found) => (caller.value = found))
      .catch((error: unknown) => (failure.value = failureText(error)))
  return (
    <Fact term={words.caller}>
      {caller.value ? (
        <span data-testid="caller">
          {[caller.value.name, caller.value.phone].filter(Boolean).join(', ')}{' '}
          <span class="caption">{caller.value.masked ? words.callerMasked(caller.value.taken_by) : words.callerWhole}</span>
        </span>
      ) : (
        <button type="button" class="small" data-testid="caller-look" onClick={() => void look()}>
          {words.callerLook}
        </button>
      )}
      <span class="failure">{failure.value}</span>
    </Fact>
  )
}

function Clocks({ item }: { item: IncidentDetail }) {
  const words = consoleWords().incidents
  const now = tick.value
  return (
    <table class="incident-clocks" data-testid="clocks">
      <tbody>
        {item.clocks.map((clock) => {
          const due = Date.parse(clock.due_at)
          return (
            <tr key={clock.task}>
              <th scope="row">{words.tasksLong[clock.task]}</th>
              <td class="caption">{words.dueAt(moment(due, now))}</td>
              <td>
                {clock.done_at === null ? (
                  <TimeLeft task="" due={due} />
                ) : (
                  <span class={clock.standing === 'missed' ? 'behind' : ''}>
                    {moment(clock.done_at, now)} · {clock.standing === 'missed' ? words.missed : words.met}
                  </span>
                )}
              </td>
            </tr>
          )
        })}
      </tbody>
      <caption class="caption">{words.deadlineSource(item.deadline_source)}</caption>
    </table>
  )
}

function Checklist({ item, put, renew }: Props) {
  const centre = useCentre()
  const words = consoleWords().incidents
  const failure = useSignal('')
  const { steps } = item.checklist
  const open = item.state !== 'closed' && centre.may('incident.handle')
  const mark = async (step: IncidentStep) => {
    failure.value = ''
    // Shown at once; the server's answer, or its refusal, sets it right.
    const done = step.done_at === null ? { done_at: new Date(serverNow()).toISOString(), done_by: centre.me.peek()?.name ?? null } : { done_at: null, done_by: null }
    put({ ...item, checklist: { ...item.checklist, steps: steps.map((each) => (each.id === step.id ? { ...each, ...done } : each)) } })
    try {
      put(await post<IncidentDetail>(`/incidents/${item.id}/steps/${encodeURIComponent(step.id)}`, { done: step.done_at === null }))
    } catch (error) {
      failure.value = failureText(error)
      renew()
    }
  }
  return (
    <section class="incident-section">
      <h3>
        {words.checklist} <span class="caption">{w().of(number(steps.filter((step) => step.done_at).length), number(steps.length))}</span>
      </h3>
      {steps.length === 0 && <p class="caption">{words.checklistNone}</p>}
      <ul class="checklist">
        {steps.map((step) => (
          <li key={step.id}>
            <label>
              <input type="checkbox" data-testid="step" data-step={step.id} checked={step.done_at !== null} disabled={!open} onChange={() => void mark(step)} />
              <span>
                {say(step.text)} {step.required && <span class="caption">{words.required}</span>}
                {step.done_at && (
                  <span class="caption">
                    {step.done_by}, {moment(step.done_at, tick.value)}
                    {step.note && ` · ${step.note}`}
                  </span>
                )}
              </span>
            </label>
          </li>
        ))}
      </ul>
      <p class="failure" role="alert">
        {failure.value}
      </p>
    </section>
  )
}
