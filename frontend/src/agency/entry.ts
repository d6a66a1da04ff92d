/** What is typed of each measure, and what of it is to be sent. */

import type { DueItem, MeasureItem, ReportItem } from '../live/protocol'

export interface Cell {
  value: string
  numerator: string
  denominator: string
  nothing: boolean
}

export type Draft = Record<string, Cell>

const EMPTY: Cell = { value: '', numerator: '', denominator: '', nothing: false }

/** A share is handed in as its counts. */
export function isShare(measure: MeasureItem): boolean {
  return measure.uom === '%' && measure.kind !== 'score' && measure.kind !== 'rank'
}

/** A stored number as somebody would type it: 1803,5. */
export function typed(value: number | null): string {
  return value === null ? '' : String(value).replace('.', ',')
}

function cellOf(report: ReportItem | undefined): Cell {
  if (!report) return EMPTY
  if (report.nothing_occurred) return { ...EMPTY, nothing: true }
  const counted = report.denominator !== null
  return {
    value: counted ? '' : typed(report.value),
    numerator: typed(report.numerator),
    denominator: typed(report.denominator),
    nothing: false,
  }
}

export function isEmpty(cell: Cell): boolean {
  return !cell.nothing && [cell.value, cell.numerator, cell.denominator].every((text) => !text.trim())
}

/** Fields as they stand; what is typed already stays, and only what is empty is filled. */
export function draftOf(measures: MeasureItem[], reports: Map<string, ReportItem>, kept: Draft = {}): Draft {
  return Object.fromEntries(
    measures.map(({ id }): [string, Cell] => {
      const was = kept[id]
      return [id, was && !isEmpty(was) ? was : cellOf(reports.get(id))]
    }),
  )
}

function same(a: Cell, b: Cell): boolean {
  return a.nothing === b.nothing && a.value.trim() === b.value && a.numerator.trim() === b.numerator && a.denominator.trim() === b.denominator
}

/** The measures whose figure, document or state would be another; what is empty or closed is not sent. */
export function changed(draft: Draft, held: Map<string, ReportItem>, document: string, state: 'draft' | 'submitted'): string[] {
  return Object.entries(draft).flatMap(([measure, cell]) => {
    const report = held.get(measure)
    if (isEmpty(cell) || report?.state === 'closed') return []
    const promoted = report?.state === 'draft' && state === 'submitted'
    if (report && !promoted && same(cell, cellOf(report)) && report.document === document) return []
    return [measure]
  })
}

interface Words {
  document: string
  reason: string
  state: 'draft' | 'submitted'
}

/** A report as the door takes it; numbers stay texts, which the server reads as people here write them. */
export function reportOf(due: DueItem, measure: string, cell: Cell = EMPTY, words: Words): Record<string, unknown> {
  const said = Object.entries({ value: cell.value, numerator: cell.numerator, denominator: cell.denominator }).filter(([, text]) => text.trim())
  return {
    measure,
    unit: due.unit.id,
    period: due.period.text,
    ...(cell.nothing ? { nothing_occurred: true } : Object.fromEntries(said.map(([name, text]) => [name, text.trim()]))),
    document: words.document.trim(),
    state: words.state,
    ...(words.reason.trim() && { reason: words.reason.trim() }),
  }
}
