/** All that was done with an incident, the newest first, and the field in which one writes. */

import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { moment, number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { say, w } from '../i18n/words'
import { post } from '../live/api'
import { tick } from '../live/clock'
import type { IncidentDetail, IncidentEntry } from '../live/incidents'
import { failureText } from './incident_failure'
import { writing } from './incident_writing'

/** How the log names what no person did. */
const ENGINE = 'engine'

export function IncidentLog({ item, put }: { item: IncidentDetail; put: (item: IncidentDetail) => void }) {
  const words = consoleWords().incidents
  const field = useRef<HTMLInputElement>(null)
  const failure = useSignal('')
  const asked = writing.value
  useEffect(() => {
    if (asked > 0) field.current?.focus()
  }, [asked])
  const write = async (event: SubmitEvent) => {
    event.preventDefault()
    const text = field.current?.value.trim()
    if (!field.current || !text) return
    failure.value = ''
    try {
      put(await post<IncidentDetail>(`/incidents/${item.id}/entries`, { text }))
      field.current.value = ''
    } catch (error) {
      failure.value = failureText(error)
    }
  }
  return (
    <section class="incident-section history">
      <h3>
        {words.log} <span class="caption">{number(item.log.length)}</span>
      </h3>
      <form onSubmit={(event) => void write(event)}>
        <input ref={field} data-testid="entry" placeholder={words.entryAsk} aria-label={words.entryAsk} maxLength={4000} />
        <button type="submit">{w().send}</button>
      </form>
      <p class="failure" role="alert">
        {failure.value}
      </p>
      <ol data-testid="incident-log">
        {[...item.log].reverse().map((entry, i) => (
          <li key={item.log.length - i}>
            <span class="caption">{moment(entry.at, tick.value)}</span>
            <span>
              <b>{words.changes[entry.change] ?? entry.change}</b> · {entry.actor === ENGINE ? w().engine : entry.actor}
              {told(entry, item) && <q>{told(entry, item)}</q>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  )
}

/** What an entry says besides its kind: the words, else what it changed. */
function told(entry: IncidentEntry, item: IncidentDetail): string {
  const words = consoleWords().incidents
  const { detail } = entry
  const step = item.checklist.steps.find((each) => each.id === detail['step'])
  const parts = [
    step && `${say(step.text)}${detail['done'] ? '' : ` (${words.undone})`}`,
    typeof detail['name'] === 'string' && detail['name'],
    typeof detail['assignee'] === 'string' && detail['assignee'],
    typeof detail['level'] === 'number' && words.levels[detail['level']],
    typeof detail['result'] === 'string' && (words.results as Record<string, string>)[detail['result']],
    entry.comment && (words.whys[entry.comment] ?? entry.comment),
  ]
  return parts.filter(Boolean).join(' · ')
}
