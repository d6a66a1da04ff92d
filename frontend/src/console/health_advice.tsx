/** What would make rules less of a burden, and what a trial on stored observations says of it. */

import { useSignal } from '@preact/signals'
import { duration, number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { w } from '../i18n/words'
import { get, post, Problem } from '../live/api'
import type { Page } from '../live/protocol'
import { useCentre } from '../panels/centre'
import type { Advice, AlertHealth } from './health_answer'
import { ruleName } from './health_rules'

/** Days of stored observations that a trial goes over. */
const DAYS = 30

interface Rule {
  id: string
  document: Record<string, unknown>
}

interface Trial {
  raised: number
  pending: number
  series: number
}

export function AdviceList({ found }: { found: AlertHealth }) {
  const words = consoleWords().alertHealth
  return (
    <section class="panel health-advice">
      <header class="panel-head">
        <h2>{words.advice}</h2>
        <span class="aside">{found.advice.length > 0 && number(found.advice.length)}</span>
      </header>
      {found.advice.length === 0 && <p class="caption health-empty">{words.noAdvice}</p>}
      <ol>
        {found.advice.map((advice) => (
          <Row key={`${advice.rule} ${advice.kind}`} name={ruleName(found, advice.rule)} advice={advice} />
        ))}
      </ol>
    </section>
  )
}

function Row({ name, advice }: { name: string; advice: Advice }) {
  const centre = useCentre()
  const words = consoleWords().alertHealth
  // A sentence that is said anew when the language changes.
  const said = useSignal<() => string>(() => '')
  const tried = async () => {
    said.value = () => consoleWords().alertHealth.trying
    said.value = await trial(advice).catch((error: unknown) => () => {
      const reason = error instanceof Problem && error.message ? error.message : w().unreachable
      return consoleWords().alertHealth.trialFailed(reason)
    })
  }
  return (
    <li data-testid="health-advice" data-rule={advice.rule} data-kind={advice.kind}>
      <h3>{name}</h3>
      <p>{sentence(advice)}</p>
      <p class="caption">{lost(advice)}</p>
      {centre.may('alert.handle') && (
        <button type="button" data-testid="health-try" onClick={() => void tried()}>
          {words.tryRule(String(DAYS))}
        </button>
      )}
      <p class="health-trial" role="status" data-testid="health-trial">
        {said.value()}
      </p>
    </li>
  )
}

function sentence(advice: Advice): string {
  const words = consoleWords().alertHealth
  const counts = [number(advice.avoided), number(advice.alerts)] as const
  if (advice.field === null) return words.inDoubt[advice.kind]?.(...counts) ?? ''
  const changed = words.changes[advice.field]?.(length(advice.present), length(advice.proposed)) ?? ''
  return [changed, words.avoids(...counts), rest(advice), advice.lacks_clear ? words.lacksClear : ''].filter(Boolean).join(' ')
}

/** What becomes of the alerts that are not avoided. */
function rest(advice: Advice): string {
  const words = consoleWords().alertHealth
  if (!advice.delayed) return ''
  const later = length(advice.later)
  return advice.kind === 'clear' ? words.endsLater(later) : words.comesLater(number(advice.delayed), later)
}

function length(seconds: number | null): string {
  return duration(seconds ?? 0)
}

function lost(advice: Advice): string {
  const words = consoleWords().alertHealth
  if (advice.lost === 0) return words.nothingLost
  return words.lost(number(advice.lost), number(advice.lost_acknowledged), number(advice.lost_incidents))
}

/** What the rule would have raised as it is, and as it is proposed. */
async function trial(advice: Advice): Promise<() => string> {
  const rules = await get<Page<Rule>>('/rules')
  const document = rules.items.find((rule) => rule.id === advice.rule)?.document
  if (!document) return () => consoleWords().alertHealth.ruleGone
  const ask = (changes: object) =>
    post<Trial>(`/rules/${encodeURIComponent(advice.rule)}/trial?days=${DAYS}`, { ...document, ...changes })
  const present = await ask({})
  if (advice.field === null) return () => consoleWords().alertHealth.triedPresent(number(present.raised), number(present.series))
  const proposed = await ask({ [advice.field]: `PT${advice.proposed}S` })
  const avoided = present.raised - proposed.raised
  return () => consoleWords().alertHealth.triedBoth(number(avoided), number(present.raised), number(proposed.raised))
}
