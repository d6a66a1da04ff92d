/** What the server says of alert health, and how its figures are written. */

import { duration, number, withUom } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import type { Severity, Text } from '../live/protocol'

export interface Benchmark {
  source: string
  at_most: number | null
  at_least: number | null
  limit: number | null
  noted: string
}

export interface Figure {
  value: number | null
  numerator: number
  denominator: number | null
  uom: string
  benchmark: Benchmark | null
  met: boolean | null
}

export interface RuleCounts {
  rule: string
  alerts: number
  share: number
  stale: number
  chattering: number
  flapping: number
  shelved: number
  judged: number
  false: number
}

export interface Advice {
  rule: string
  kind: 'hold' | 'clear' | 'stale' | 'shelved' | 'false'
  avoided: number
  alerts: number
  lost: number
  lost_acknowledged: number
  lost_incidents: number
  field: string | null
  present: number | null
  proposed: number | null
  later: number | null
  delayed: number | null
  lacks_clear: boolean
}

export interface AlertHealth {
  since: string
  until: string
  staff: { operator_hours: number; hours_by_shift: number; hours_by_sign_in: number; hours_by_position: number }
  health: {
    raised: number
    told: number
    figures: Record<string, Figure>
    floods: { begins: string; ends: string; alerts: number }[]
    rules: RuleCounts[]
    hours: number[]
    operators: number[]
  }
  reasons: { cause: string; why: string; alerts: number }[]
  names: Record<string, { name: Text; severity: Severity }>
  advice: Advice[]
}

/** The value with its measuring unit: "6,2 mỗi người mỗi giờ", "12 phút". */
export function valueText(figure: Figure): string {
  if (figure.value === null) return '–'
  if (figure.uom === 's') return duration(figure.value)
  if (figure.uom === 'min') return duration(figure.value * 60)
  if (figure.uom === '%') return `${number(figure.value, 1)} %`
  if (figure.uom === '{alerts}/h') return number(figure.value, 2)
  return withUom(figure.value, null, 0)
}

/** What of what: "12 / 48 giờ trực"; nothing where the value says it all. */
export function partsText(name: string, figure: Figure): string {
  if (figure.denominator === null) return ''
  const whole = (value: number) => number(value, Math.abs(value - Math.round(value)) < 0.05 ? 0 : 1)
  return consoleWords().alertHealth.parts(whole(figure.numerator), whole(figure.denominator), name)
}

/** What a standard wants: "≤ 6". */
export function wantedText(benchmark: Benchmark, uom: string): string {
  const sign = uom === '%' ? ' %' : ''
  if (benchmark.at_least !== null) return `≥ ${number(benchmark.at_least)}${sign}`
  return `≤ ${number(benchmark.at_most ?? 0)}${sign}`
}

/** The standard's short name, where there is little room; its whole one is told beside it. */
export function sourceName(benchmark: Benchmark): string {
  return benchmark.source.startsWith('EEMUA') ? 'EEMUA 191' : 'ISA-18.2'
}
