/** Silences: planned work whose alerts are expected; what runs, what comes, what is over. */

import { useSignal } from '@preact/signals'
import { Refusal, problemOf } from '../agency/refusal'
import { moment } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { domainWord, severityWord } from '../i18n/words'
import { post } from '../live/api'
import { tick } from '../live/clock'
import type { SilenceItem } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { useAnnounced } from './announced_list'
import { SilenceForm } from './silence_form'

export function Silences() {
  const centre = useCentre()
  const words = consoleWords().silences
  const writing = useSignal(false)
  const { items, failure, load } = useAnnounced<SilenceItem>('/silences', '')
  const end = async (silence: SilenceItem) => {
    try {
      await post(`/silences/${silence.id}/end`)
      await load()
    } catch (error) {
      failure.value = problemOf(error)
    }
  }
  const mayHandle = centre.may('alert.handle')
  return (
    <section class="panel silences" data-testid="silences">
      <header class="panel-head">
        <h2>{words.title}</h2>
        {mayHandle && (
          <button type="button" data-testid="write-silence" aria-expanded={writing.value} onClick={() => (writing.value = !writing.value)}>
            {words.write}
          </button>
        )}
      </header>
      {writing.value && (
        <SilenceForm
          done={() => {
            writing.value = false
            void load()
          }}
        />
      )}
      <Refusal problem={failure.value} />
      {items.value?.length === 0 && <p class="caption empty">{words.none}</p>}
      <ul class="bulletin-list">
        {(items.value ?? []).map((one) => {
          const standing = standingOf(one)
          return (
            <li key={one.id} data-testid="silence" data-id={one.id} data-standing={standing} class={standing === 'over' ? 'over' : ''}>
              <p class="bulletin-head">
                <b>{one.why}</b>
                <span class="caption">
                  {words.standings[standing]} · {words.span(moment(one.starts, tick.value), moment(one.ended_at ?? one.ends, tick.value))}
                </span>
              </p>
              <p>{meant(one.matcher)}</p>
              <p class="caption">
                {one.plan && `${words.plan}: ${one.plan} · `}
                {words.by(one.by)}
                {one.ended_by && ` · ${words.endedBy(one.ended_by)}`}
              </p>
              {mayHandle && standing !== 'over' && (
                <button type="button" data-testid="end-silence" onClick={() => void end(one)}>
                  {standing === 'running' ? words.endNow : words.callOff}
                </button>
              )}
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function standingOf(silence: SilenceItem): 'running' | 'coming' | 'over' {
  if (silence.ended_at || Date.parse(silence.ends) <= tick.value) return 'over'
  return Date.parse(silence.starts) > tick.value ? 'coming' : 'running'
}

/** Which alerts a silence means, in words: each part narrows it. */
function meant(matcher: SilenceItem['matcher']): string {
  const words = consoleWords().silences
  const { domain, severity, ...rest } = matcher
  const parts = Object.entries(rest).map(([facet, value]) => `${words.facets[facet] ?? facet}: ${value}`)
  if (domain) parts.unshift(domainWord(domain))
  if (severity) parts.push(words.upTo(severityWord(severity)))
  return parts.join(' · ')
}
