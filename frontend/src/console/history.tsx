/** What happened to an alert and who did it, and the place to write beside it. */

import { useSignal } from '@preact/signals'
import type { RefObject } from 'preact'
import { useEffect } from 'preact/hooks'
import { moment, number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { w } from '../i18n/words'
import { get, Problem } from '../live/api'
import { tick } from '../live/clock'
import type { AlertChange, AlertItem, AlertSheet, CallItem, Page } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { type Entry, entriesOf, untold } from './timeline'

interface Props {
  alert: AlertItem
  sheet: AlertSheet | null
  comment: RefObject<HTMLInputElement | null>
}

export function History({ alert, sheet, comment }: Props) {
  const centre = useCentre()
  const words = w()
  const log = useSignal<AlertChange[] | null>(null)
  const calls = useSignal<CallItem[]>([])
  const place = `/alerts/${encodeURIComponent(alert.id)}`
  const load = async () => {
    const [changes, called] = await Promise.all([
      get<Page<AlertChange>>(`${place}/log`).catch(() => null),
      centre.may('shift.read') ? get<Page<CallItem>>(`/calls?alert=${encodeURIComponent(alert.id)}`).catch(() => null) : null,
    ])
    log.value = changes?.items ?? log.peek() ?? []
    calls.value = called?.items ?? []
  }
  useEffect(() => void load(), [alert.id, alert.version])
  const entries = log.value && entriesOf(log.value, sheet, calls.value)
  const nobody = sheet && centre.may('alert.handle') ? untold(alert, sheet) : null
  return (
    <div class="history" data-testid="timeline">
      <h3>
        {words.history} {entries && <span class="caption">{number(entries.length)}</span>}
      </h3>
      {entries?.length === 0 && <p class="caption">{words.historyNone}</p>}
      <ol>{entries?.map((entry, i) => <Line key={i} entry={entry} />)}</ol>
      {nobody && <p class="caption" data-testid="untold">{consoleWords().toldNobody(nobody)}</p>}
      {centre.may('alert.comment') && centre.alerts.items.has(alert.id) && <Comment alert={alert} comment={comment} done={load} />}
    </div>
  )
}

function Line({ entry }: { entry: Entry }) {
  return (
    <li>
      <span class="caption">{moment(entry.at, tick.value)}</span>
      <span>
        <b>{entry.what}</b>
        {entry.who && ` · ${entry.who}`}
        {entry.said && <q>{entry.said}</q>}
      </span>
    </li>
  )
}

interface CommentProps {
  alert: AlertItem
  comment: RefObject<HTMLInputElement | null>
  done: () => Promise<void>
}

function Comment({ alert, comment, done }: CommentProps) {
  const centre = useCentre()
  const words = w()
  const failure = useSignal('')
  const write = async (event: SubmitEvent) => {
    event.preventDefault()
    const field = comment.current
    const text = field?.value.trim()
    if (!field || !text) return
    failure.value = ''
    try {
      await centre.comment(alert, text)
      field.value = ''
      await done()
    } catch (error) {
      failure.value = words.actionFailed(error instanceof Problem && error.message ? error.message : words.unreachable)
    }
  }
  return (
    <>
      <form onSubmit={(event) => void write(event)}>
        <input ref={comment} placeholder={words.commentPlaceholder} aria-label={words.comment} maxLength={2000} />
        <button type="submit">{words.send}</button>
      </form>
      <p class="failure" role="alert">
        {failure.value}
      </p>
    </>
  )
}
