/** What a shift writes down, and whom it calls. */

import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { moment, number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { w } from '../i18n/words'
import { get, post } from '../live/api'
import { tick } from '../live/clock'
import type { CallItem, ShiftEntry, ShiftItem } from '../live/incidents'
import type { Page } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { CallForm, CallList } from './calls'
import { failureText } from './incident_failure'

const RENEW_EVERY = 10_000

/** Ask for a list now and again, and when something was added to it. */
function useList<T>(path: string | null) {
  const items = useSignal<T[] | null>(null)
  const renew = () => {
    if (path === null) return
    get<Page<T>>(path)
      .then((page) => (items.value = page.items))
      .catch(() => (items.value ??= []))
  }
  useEffect(() => {
    renew()
    const timer = window.setInterval(renew, RENEW_EVERY)
    return () => window.clearInterval(timer)
  }, [path])
  return { items: items.value, renew }
}

export function ShiftLog({ shift }: { shift: ShiftItem }) {
  const centre = useCentre()
  const words = consoleWords().shift
  const { items, renew } = useList<ShiftEntry>(`/shifts/${shift.id}/entries`)
  const field = useRef<HTMLInputElement>(null)
  const failure = useSignal('')
  const write = async (event: SubmitEvent) => {
    event.preventDefault()
    const text = field.current?.value.trim()
    if (!field.current || !text) return
    failure.value = ''
    try {
      await post<ShiftEntry>(`/shifts/${shift.id}/entries`, { text })
      field.current.value = ''
      renew()
    } catch (error) {
      failure.value = failureText(error)
    }
  }
  return (
    <div class="history">
      <h2>
        {shift.ended_at === null ? words.log : words.logOfLast} <span class="caption">{items ? number(items.length) : ''}</span>
      </h2>
      {centre.may('incident.run') && (
        <form onSubmit={(event) => void write(event)}>
          <input ref={field} data-testid="shift-entry" placeholder={words.entryAsk} aria-label={words.entryAsk} maxLength={4000} />
          <button type="submit">{w().send}</button>
        </form>
      )}
      <p class="failure" role="alert">
        {failure.value}
      </p>
      {items?.length === 0 && <p class="caption">{words.logNone}</p>}
      <ol data-testid="shift-log">
        {[...(items ?? [])].reverse().map((entry) => (
          <li key={entry.id}>
            <span class="caption">{moment(entry.at, tick.value)}</span>
            <span>
              {entry.text} <span class="caption">{entry.actor}</span>
            </span>
          </li>
        ))}
      </ol>
    </div>
  )
}

export function ShiftCalls({ shift }: { shift: ShiftItem | null }) {
  const centre = useCentre()
  const words = consoleWords().shift
  const { items, renew } = useList<CallItem>(shift && `/calls?since=${encodeURIComponent(shift.began_at)}`)
  const open = useSignal(false)
  return (
    <section class="calls">
      <h2>
        {words.calls} <span class="caption">{items ? number(items.length) : ''}</span>
      </h2>
      {centre.may('incident.run') && (
        <button type="button" aria-expanded={open.value} data-testid="call-note" onClick={() => (open.value = !open.value)}>
          {words.callNote}
        </button>
      )}
      {open.value && (
        <CallForm
          called={{ person: '', phone: '', unit: null }}
          about={null}
          done={() => {
            open.value = false
            renew()
          }}
        />
      )}
      {items?.length === 0 && <p class="caption">{words.callsNone}</p>}
      <CallList calls={items ?? []} />
    </section>
  )
}
