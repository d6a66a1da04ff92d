/** What the list of alerts is narrowed to; it stands in the address. */

import { bare } from '../i18n/bare'
import { SEVERITIES } from '../live/order'
import type { AlertItem, Me, Severity } from '../live/protocol'

export const STATES = ['unacknowledged', 'acknowledged', 'cleared', 'shelved'] as const
export type StateFilter = (typeof STATES)[number]

export interface Filter {
  text: string
  /** None is all of them. */
  severities: readonly Severity[]
  domain: string
  unit: string
  state: StateFilter | ''
  /** Only what I have in hand, or what one of my units is to deal with. */
  mine: boolean
  /** What is kept quiet is left out. */
  loud: boolean
}

export const NO_FILTER: Filter = { text: '', severities: [], domain: '', unit: '', state: '', mine: false, loud: false }

export function readFilter(address: URLSearchParams): Filter {
  const severities = address.get('severity')?.split(',') ?? []
  return {
    text: address.get('q') ?? '',
    severities: SEVERITIES.filter((one) => severities.includes(one)),
    domain: address.get('domain') ?? '',
    unit: address.get('unit') ?? '',
    state: STATES.find((one) => one === address.get('state')) ?? '',
    mine: address.has('mine'),
    loud: address.has('loud'),
  }
}

/** The filter as the address holds it; null is not said. */
export function writeFilter(filter: Filter): Record<string, string | null> {
  return {
    q: filter.text || null,
    severity: filter.severities.join(',') || null,
    domain: filter.domain || null,
    unit: filter.unit || null,
    state: filter.state || null,
    mine: filter.mine ? '1' : null,
    loud: filter.loud ? '1' : null,
  }
}

export function isNarrow(filter: Filter): boolean {
  return Object.values(writeFilter(filter)).some((value) => value !== null)
}

const STANDS: Record<StateFilter, (alert: AlertItem) => boolean> = {
  unacknowledged: (alert) => !alert.acknowledged,
  acknowledged: (alert) => alert.acknowledged,
  cleared: (alert) => alert.state === 'cleared',
  shelved: (alert) => Boolean(alert.shelved),
}

/** What can be searched of an alert, in both languages; made once, for an alert never changes in place. */
const searched = new WeakMap<AlertItem, string>()

function searchedOf(alert: AlertItem): string {
  let text = searched.get(alert)
  if (text === undefined) {
    const { title, place, unit, assignee } = alert
    text = bare([title.vi, title.en, place.name, unit?.name, assignee?.name, alert.incident?.code].filter(Boolean).join(' '))
    searched.set(alert, text)
  }
  return text
}

/** Whether an alert is wanted; each word of the text must be in it somewhere. */
export function passes(alert: AlertItem, filter: Filter, me: Me | null): boolean {
  if (filter.severities.length && !filter.severities.includes(alert.severity)) return false
  if (filter.domain && alert.domain !== filter.domain) return false
  if (filter.unit && alert.unit?.id !== filter.unit && alert.assignee?.id !== filter.unit) return false
  if (filter.state && !STANDS[filter.state](alert)) return false
  if (filter.mine && !isMine(alert, me)) return false
  if (filter.loud && (alert.muted || alert.shelved)) return false
  return bare(filter.text).split(/\s+/).every((word) => searchedOf(alert).includes(word))
}

function isMine(alert: AlertItem, me: Me | null): boolean {
  if (!me) return false
  return alert.acknowledged_by === me.name || me.units.some((unit) => unit.id === alert.assignee?.id)
}

/** The same filter as `GET /alerts` takes it, for alerts that the wire no longer has. */
export function asked(filter: Filter): URLSearchParams {
  const query = new URLSearchParams()
  for (const severity of filter.severities) query.append('severity', severity)
  if (filter.domain) query.set('domain', filter.domain)
  if (filter.unit) query.set('unit', filter.unit)
  if (filter.loud) query.set('muted', 'false')
  if (filter.text.trim()) query.set('q', filter.text.trim())
  return query
}
