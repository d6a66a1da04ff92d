/** The ten rules that bring the most alerts, and what came in each hour. */

import { Line } from '../charts/line'
import { Measure } from '../charts/measure'
import { Shape } from '../design/shape'
import { duration, number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { say } from '../i18n/words'
import type { AlertHealth, RuleCounts } from './health_answer'

const TOP = 10
const HOUR = 3_600_000

export function Rules({ found }: { found: AlertHealth }) {
  const words = consoleWords().alertHealth
  const rules = found.health.rules.slice(0, TOP)
  const most = rules[0]?.alerts ?? 1
  return (
    <section class="panel health-rules">
      <header class="panel-head">
        <h2>{words.topRules}</h2>
        <span class="aside">{words.ofAll(number(found.health.told))}</span>
      </header>
      {rules.length === 0 && <p class="caption health-empty">{words.noAlerts}</p>}
      <ol>
        {rules.map((rule) => (
          <li key={rule.rule} data-testid="health-rule" data-rule={rule.rule}>
            <span class="health-name">
              {found.names[rule.rule] && <Shape severity={found.names[rule.rule]!.severity} />}
              {ruleName(found, rule.rule)}
            </span>
            <Measure filled={rule.alerts / most} tick={null} behind={false} />
            <span class="health-count">
              {number(rule.alerts)} <small>{number(rule.share, 1)} %</small>
            </span>
            <span class="caption health-marks">{marks(rule).join(' · ')}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}

export function ruleName(found: AlertHealth, rule: string): string {
  return say(found.names[rule]?.name) || rule
}

/** What is wrong with a rule's alerts, as far as anything is. */
function marks(rule: RuleCounts): string[] {
  const words = consoleWords().alertHealth.marks
  const found = (['chattering', 'flapping', 'stale', 'shelved'] as const).filter((name) => rule[name] > 0)
  const said = found.map((name) => words[name](number(rule[name])))
  if (rule.false > 0) said.push(words.false(number(rule.false), number(rule.judged)))
  return said
}

export function Hours({ found }: { found: AlertHealth }) {
  const words = consoleWords().alertHealth
  const { hours, operators, figures, floods } = found.health
  const start = Math.floor(Date.parse(found.since) / HOUR) * HOUR
  const limit = figures['rate']?.benchmark?.limit ?? null
  const longest = figures['flood_longest']?.value ?? 0
  return (
    <section class="panel health-hours">
      <header class="panel-head">
        <h2>{words.hours}</h2>
        <span class="aside">
          {floods.length === 0
            ? words.noFloods
            : words.floodsSaid(number(floods.length), duration(longest * 60), number(figures['flood_biggest']?.value ?? 0))}
        </span>
      </header>
      <div class="health-line">
        <Line
          time={hours.map((_, place) => start + place * HOUR)}
          value={hours.map((alerts, place) => alerts / Math.max(operators[place] ?? 1, 1))}
          level={limit}
          label={words.hours}
        />
      </div>
      <p class="caption health-note">{limit !== null && words.limit(number(limit))}</p>
    </section>
  )
}
