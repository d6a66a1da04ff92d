/** How far the report of a period is, from what was handed in of its measures. */

import type { DueItem, MeasureItem, ReportItem, ReportState } from '../live/protocol'

export type Stage = 'none' | 'part' | ReportState

const ORDER: readonly ReportState[] = ['draft', 'submitted', 'approved', 'closed']

/** What was handed in of exactly a period, by measure. */
export function ofPeriod(due: DueItem, reports: ReportItem[]): Map<string, ReportItem> {
  const { start, end } = due.period
  return new Map(
    reports
      .filter((one) => one.unit.id === due.unit.id && one.period.start === start && one.period.end === end)
      .map((one) => [one.measure, one]),
  )
}

/** The newest that was handed in of each measure for a period before this one. */
export function before(due: DueItem, reports: ReportItem[]): Map<string, ReportItem> {
  const found = new Map<string, ReportItem>()
  for (const one of reports) {
    if (one.unit.id !== due.unit.id || one.period.end > due.period.start || one.state === 'draft') continue
    const known = found.get(one.measure)
    if (!known || known.period.end < one.period.end) found.set(one.measure, one)
  }
  return found
}

/** A report is as far as its measure that is furthest behind. */
export function stageOf(measures: MeasureItem[], held: Map<string, ReportItem>): { stage: Stage; handedIn: number } {
  const states = measures.flatMap((measure) => held.get(measure.id)?.state ?? [])
  const handedIn = states.filter((state) => state !== 'draft').length
  if (states.length === 0) return { stage: 'none', handedIn }
  if (states.length < measures.length) return { stage: handedIn === 0 ? 'draft' : 'part', handedIn }
  const lowest = Math.min(...states.map((state) => ORDER.indexOf(state)))
  return { stage: ORDER[lowest] ?? 'draft', handedIn }
}

/** Days behind which the report of the period before lies, whatever its cycle. */
export function spanBefore(due: DueItem): string {
  const [start, end] = [Date.parse(due.period.start), Date.parse(due.period.end)]
  const back = Math.max(7 * 86_400_000, (end - start) * 1.2)
  return `${new Date(start - back).toISOString().slice(0, 10)}/${due.period.end}`
}
