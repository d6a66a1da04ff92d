/** What happened to an alert and who did it, and the place to write beside it. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { moment, number } from '../i18n/format'
import { changeWord, w } from '../i18n/words'
import { get, Problem } from '../live/api'
import { tick } from '../live/clock'
import type { AlertChange, AlertItem, Page } from '../live/protocol'
import { useCentre } from '../panels/centre'

/** How the log names what no person did. */
const ENGINE = 'engine'

export function History({ alert, comment }: { alert: AlertItem; comment: { current: HTMLInputElement | null } }) {
  const centre = useCentre()
  const words = w()
  const log = useSignal<AlertChange[] | null>(null)
  const failure = useSignal('')
  const load = () =>
    get<Page<AlertChange>>(`/alerts/${encodeURIComponent(alert.id)}/log`)
      .then((page) => (log.value = page.items))
      .catch(() => (log.value = []))
  useEffect(() => void load(), [alert.id, alert.version])
  const write = async (event: SubmitEvent) => {
    event.preventDefault()
    const field = comment.current
    const text = field?.value.trim()
    if (!field || !text) return
    failure.value = ''
    try {
      await centre.comment(alert, text)
      field.value = ''
      await load()
    } catch (error) {
      failure.value = words.actionFailed(error instanceof Problem && error.message ? error.message : words.unreachable)
    }
  }
  return (
    <div class="history">
      <h3>
        {words.history} {log.value && <span class="caption">{number(log.value.length)}</span>}
      </h3>
      {log.value?.length === 0 && <p class="caption">{words.historyNone}</p>}
      <ol>
        {log.value?.map((entry, i) => (
          <li key={i}>
            <span class="caption">{moment(entry.at, tick.value)}</span>
            <span>
              <b>{changeWord(entry.change)}</b>
              {entry.actor && ` · ${entry.actor === ENGINE ? words.engine : entry.actor}`}
              {entry.comment && <q>{entry.comment}</q>}
            </span>
          </li>
        ))}
      </ol>
      {centre.me.value && centre.me.value.role !== 'wall' && (
        <form onSubmit={(event) => void write(event)}>
          <input ref={comment} placeholder={words.commentPlaceholder} aria-label={words.comment} maxLength={2000} />
          <button type="submit">{words.send}</button>
        </form>
      )}
      <p class="failure" role="alert">
        {failure.value}
      </p>
    </div>
  )
}
