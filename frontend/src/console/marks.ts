/** The alerts that are marked, to be acted upon together. */

import { signal } from '@preact/signals'
import type { AlertItem } from '../live/protocol'

export const marks = signal<ReadonlySet<string>>(new Set())

/** From where a range is marked. */
let anchor: string | null = null

export function toggle(id: string): void {
  const next = new Set(marks.peek())
  if (!next.delete(id)) next.add(id)
  anchor = id
  marks.value = next
}

/** Mark all from the last one that was marked by itself up to this one, as the list stands. */
export function markTo(id: string, shown: readonly AlertItem[]): void {
  const to = shown.findIndex((alert) => alert.id === id)
  const from = shown.findIndex((alert) => alert.id === anchor)
  if (to < 0) return
  const [first, last] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)]
  mark(shown.slice(first, last + 1))
}

export function mark(alerts: readonly AlertItem[]): void {
  marks.value = new Set([...marks.peek(), ...alerts.map((alert) => alert.id)])
}

/** Mark what belongs to the same matter, itself too. */
export function markMatter(alert: AlertItem, open: readonly AlertItem[]): void {
  mark(alert.matter ? open.filter((one) => one.matter === alert.matter) : [alert])
  anchor = alert.id
}

export function unmark(): void {
  marks.value = new Set()
  anchor = null
}
