/** A silence as it is asked for: which alerts, from when, until when, and why. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Refusal, problemOf } from '../agency/refusal'
import { fieldInstant, fieldTime } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { domainWord, say, severityWord } from '../i18n/words'
import { get, post, type Problem } from '../live/api'
import { serverNow } from '../live/clock'
import type { Domain, Page, Severity, Text, UnitRef } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { UnitPicker } from './units'

const DOMAINS: readonly Domain[] = ['traffic', 'health', 'electricity', 'environment', 'service', 'it']
const SEVERITIES: readonly Severity[] = ['high', 'medium', 'low']
interface RuleName {
  id: string
  document: { name: Text }
}

const TWO_HOURS = 7_200_000

export function SilenceForm({ done }: { done: () => void }) {
  const centre = useCentre()
  const words = consoleWords().silences
  const rules = useSignal<RuleName[]>([])
  const unit = useSignal<UnitRef[]>([])
  // One that names nothing would keep every alert quiet, and is refused.
  const named = useSignal(false)
  const failure = useSignal<Problem | null>(null)
  useEffect(() => {
    get<Page<RuleName>>('/rules')
      .then((page) => (rules.value = page.items))
      .catch((error: unknown) => (failure.value = problemOf(error)))
  }, [])
  const look = (event: Event) => {
    const said = new FormData(event.currentTarget as HTMLFormElement)
    named.value = ['domain', 'feed', 'rule', 'severity'].some((facet) => said.get(facet))
  }
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const said = Object.fromEntries([...new FormData(event.currentTarget as HTMLFormElement)].map(([name, value]) => [name, String(value).trim()]))
    const { starts = '', ends = '', why, plan, ...facets } = said
    const given = Object.entries({ ...facets, unit: unit.value[0]?.id ?? '' }).filter(([, value]) => value)
    try {
      await post('/silences', { matcher: Object.fromEntries(given), starts: fieldInstant(starts), ends: fieldInstant(ends), why, ...(plan && { plan }) })
      done()
    } catch (error) {
      failure.value = problemOf(error)
    }
  }
  return (
    <form class="bulletin-form" data-testid="silence-form" onInput={look} onSubmit={(event) => void submit(event)}>
      <fieldset>
        <label>
          {words.facets['domain']}
          <select name="domain" autofocus>
            <option value="">{words.any}</option>
            {DOMAINS.map((one) => (
              <option key={one} value={one}>
                {domainWord(one)}
              </option>
            ))}
          </select>
        </label>
        <label>
          {words.facets['feed']}
          <select name="feed">
            <option value="">{words.any}</option>
            {centre.feeds.read().map((feed) => (
              <option key={feed.id} value={feed.id}>
                {feed.name}
              </option>
            ))}
          </select>
        </label>
        <label>
          {words.facets['rule']}
          <select name="rule">
            <option value="">{words.any}</option>
            {rules.value.map((rule) => (
              <option key={rule.id} value={rule.id}>
                {say(rule.document.name)}
              </option>
            ))}
          </select>
        </label>
        <label>
          {words.worst}
          <select name="severity">
            <option value="">{words.any}</option>
            {SEVERITIES.map((one) => (
              <option key={one} value={one}>
                {severityWord(one)}
              </option>
            ))}
          </select>
        </label>
        <label>
          {words.starts}
          <input name="starts" type="datetime-local" required value={fieldTime(serverNow())} />
        </label>
        <label>
          {words.ends}
          <input name="ends" type="datetime-local" required min={fieldTime(serverNow())} value={fieldTime(serverNow() + TWO_HOURS)} />
        </label>
        <div class="wide">
          <UnitPicker label={words.facets['unit'] ?? ''} chosen={unit.value} change={(chosen) => (unit.value = chosen.slice(-1))} />
        </div>
        <label class="wide">
          {words.why}
          <input name="why" required maxLength={2000} />
        </label>
        <label class="wide">
          {words.plan}
          <input name="plan" maxLength={200} placeholder={words.planExample} />
        </label>
      </fieldset>
      <div class="bar">
        <button type="submit" class="primary" disabled={!named.value && unit.value.length === 0} data-testid="silence-send">
          {words.write}
        </button>
        <span class="caption">{named.value || unit.value.length > 0 ? words.note : words.needsFacet}</span>
      </div>
      <Refusal problem={failure.value} />
    </form>
  )
}
