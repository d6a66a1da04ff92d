/** The order of open alerts: worst first, and still while somebody reads. */

import type { AlertItem, Severity } from './protocol'

export const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low']
export const SEVERITY_RANK: Record<Severity, number> = { critical: 0, high: 1, medium: 2, low: 3 }

/** Lists re-sort at most this often, ms. */
export const RESORT_EVERY = 10_000

/** Kept quiet: explained by another alert, expected by a silence, or put aside for a while. */
export function isQuiet(alert: AlertItem): boolean {
  return Boolean(alert.muted ?? alert.shelved)
}

/** Loud before quiet, then active before cleared, worse before better, nobody's before somebody's, newer before older. */
export function worstFirst(a: AlertItem, b: AlertItem): number {
  return (
    Number(isQuiet(a)) - Number(isQuiet(b)) ||
    Number(a.state === 'cleared') - Number(b.state === 'cleared') ||
    SEVERITY_RANK[a.severity] - SEVERITY_RANK[b.severity] ||
    Number(a.acknowledged) - Number(b.acknowledged) ||
    Date.parse(b.since) - Date.parse(a.since) ||
    (a.id < b.id ? -1 : 1)
  )
}

/** A list that keeps its order between re-sorts: what left is gone, what is new stands at the end. */
export class StillOrder {
  private order: string[] = []
  private sortedAt = Number.NEGATIVE_INFINITY

  /** The order to show at `now` (ms); `held` while the pointer rests on the list. */
  arrange(sorted: string[], now: number, held: boolean): string[] {
    if (this.order.length === 0 || (!held && now - this.sortedAt >= RESORT_EVERY)) {
      if (sorted.join() !== this.order.join()) {
        this.sortedAt = now
        this.order = sorted
      }
      return this.order
    }
    const present = new Set(sorted)
    const kept = this.order.filter((id) => present.has(id))
    const known = new Set(kept)
    this.order = [...kept, ...sorted.filter((id) => !known.has(id))]
    return this.order
  }
}

/** Whether it tells of a warning of others, which is then its feature. */
export function isWarning(alert: AlertItem): boolean {
  return alert.kind === 'warning'
}
