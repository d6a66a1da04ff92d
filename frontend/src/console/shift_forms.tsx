/** Taking a shift, and handing it over with every open incident in somebody's hands. */

import { useSignal } from '@preact/signals'
import { number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { post } from '../live/api'
import type { IncidentItem, ShiftItem } from '../live/incidents'
import { useCentre } from '../panels/centre'
import { takeFocus } from './focus'
import { Marks } from './incident_card'
import { failureText } from './incident_failure'
import { byDeadline, followIncidents, incidents } from './incident_list'

export function BeginShift({ done }: { done: () => void }) {
  const centre = useCentre()
  const words = consoleWords().shift
  const people = useSignal(centre.me.value?.full_name || centre.me.value?.name || '')
  const note = useSignal('')
  const failure = useSignal('')
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    failure.value = ''
    const on_duty = people.value
      .split(/[,;]/)
      .map((name) => name.trim())
      .filter(Boolean)
    try {
      await post<ShiftItem>('/shifts', { on_duty, note: note.value.trim() })
      done()
    } catch (error) {
      failure.value = failureText(error)
    }
  }
  return (
    <form class="moves-form" data-testid="begin-shift" onSubmit={(event) => void submit(event)}>
      <label>
        <span>{words.onDuty}</span>
        <input required maxLength={2000} data-testid="shift-people" value={people.value} onInput={(event) => (people.value = event.currentTarget.value)} />
      </label>
      <label>
        <span>{words.note}</span>
        <input maxLength={4000} value={note.value} onInput={(event) => (note.value = event.currentTarget.value)} />
      </label>
      <button type="submit" class="primary" data-testid="shift-begin">
        {words.begin}
      </button>
      <p class="failure" role="alert">
        {failure.value}
      </p>
    </form>
  )
}

export function EndShift({ shift, done }: { shift: ShiftItem; done: () => void }) {
  const centre = useCentre()
  followIncidents(centre)
  const words = consoleWords().shift
  const open = useSignal(false)
  const to = useSignal('')
  const summary = useSignal('')
  const takers = useSignal<Record<string, string>>({})
  const failure = useSignal('')
  const left = incidents.read().sort(byDeadline)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    failure.value = ''
    try {
      await post(`/shifts/${shift.id}/end`, {
        to: to.value.trim() || null,
        summary: summary.value.trim(),
        handovers: left.flatMap((item) => {
          const taker = takers.value[item.id]?.trim()
          return taker ? [{ incident: item.id, to: taker }] : []
        }),
      })
      done()
    } catch (error) {
      failure.value = failureText(error)
    }
  }
  if (!open.value)
    return (
      <button type="button" data-testid="shift-hand-over" onClick={() => (open.value = true)}>
        {words.handOver}
      </button>
    )
  return (
    <form class="moves-form" data-testid="end-shift" onSubmit={(event) => void submit(event)}>
      <label>
        <span>{words.to}</span>
        <input ref={takeFocus} required={left.length > 0} maxLength={120} data-testid="shift-to" value={to.value} onInput={(event) => (to.value = event.currentTarget.value)} />
      </label>
      <p class="caption">{words.handsOver(number(left.length))}</p>
      <ul class="shift-left">
        {left.map((item) => (
          <Left key={item.id} item={item} usual={to.value} taker={takers.value[item.id] ?? ''} take={(name) => (takers.value = { ...takers.value, [item.id]: name })} />
        ))}
      </ul>
      <label>
        <span>{words.summary}</span>
        <textarea rows={4} maxLength={4000} data-testid="shift-summary" value={summary.value} onInput={(event) => (summary.value = event.currentTarget.value)} />
      </label>
      <div class="moves-row">
        <button type="submit" class="primary" data-testid="shift-end">
          {words.handOverDo}
        </button>
        <button type="button" onClick={() => (open.value = false)}>
          {consoleWords().incidents.cancel}
        </button>
      </div>
      <p class="failure" role="alert">
        {failure.value}
      </p>
    </form>
  )
}

function Left({ item, usual, taker, take }: { item: IncidentItem; usual: string; taker: string; take: (name: string) => void }) {
  return (
    <li>
      <span>
        <span class="caption">{item.code}</span> {item.title} <Marks item={item} />
      </span>
      <input maxLength={120} aria-label={`${consoleWords().shift.to}: ${item.code}`} placeholder={usual || consoleWords().shift.toOther} value={taker} onInput={(event) => take(event.currentTarget.value)} />
    </li>
  )
}
