import { describe, expect, it } from 'vitest'
import { csv } from '../src/agency/csv'
import { changed, draftOf, reportOf } from '../src/agency/entry'
import { before, ofPeriod, stageOf } from '../src/agency/report_state'
import { inOrder } from '../src/agency/ticket_needs'
import { exceptions, workingDays } from '../src/agency/working'
import type { DueItem, MeasureItem, ReportItem, ReportState } from '../src/live/protocol'

const DUE = { unit: { id: 'so-a', name: 'Sở A' }, period: { text: '2026-11', start: '2026-10-15', end: '2026-11-15' } } as DueItem

function measure(id: string, more: Partial<MeasureItem> = {}): MeasureItem {
  return { id, name: { vi: id, en: id }, uom: '{x}', kind: 'flow', decimals: 0, group: 'g', legal_reference: null, ...more }
}

function report(id: string, state: ReportState, more: Partial<ReportItem> = {}): ReportItem {
  return {
    id, feed: 'f', measure: id, unit: DUE.unit, period: DUE.period, version: 1, state, value: 3,
    numerator: null, denominator: null, nothing_occurred: false, document: 'BC 1', submitted_at: null, ...more,
  }
}

function held(...reports: ReportItem[]): Map<string, ReportItem> {
  return ofPeriod(DUE, reports)
}

describe('a report', () => {
  const measures = [measure('a'), measure('b')]

  it('is as far as the measure that is furthest behind', () => {
    expect(stageOf(measures, held()).stage).toBe('none')
    expect(stageOf(measures, held(report('a', 'approved'))).stage).toBe('part')
    expect(stageOf(measures, held(report('a', 'draft')))).toEqual({ stage: 'draft', handedIn: 0 })
    expect(stageOf(measures, held(report('a', 'closed'), report('b', 'submitted'))).stage).toBe('submitted')
    expect(stageOf(measures, held(report('a', 'closed'), report('b', 'closed')))).toEqual({ stage: 'closed', handedIn: 2 })
  })

  it('begins with the newest figure of a period before, never with a draft or another unit', () => {
    const old = { text: '2026-09', start: '2026-08-15', end: '2026-09-15' }
    const last = { text: '2026-10', start: '2026-09-15', end: '2026-10-15' }
    const found = before(DUE, [
      report('a', 'closed', { period: old, value: 1 }),
      report('a', 'submitted', { period: last, value: 2 }),
      report('a', 'submitted', { value: 3 }),
      report('b', 'draft', { period: last }),
      report('b', 'closed', { period: last, unit: { id: 'so-b', name: 'Sở B' } }),
    ])
    expect([...found].map(([id, one]) => [id, one.value])).toEqual([['a', 2]])
  })
})

describe('typed figures', () => {
  const measures = [measure('a'), measure('b')]

  it('are sent where they differ from what is stored, or where a draft is handed in', () => {
    const stored = held(report('a', 'submitted', { value: 1803.5 }), report('b', 'draft'))
    const draft = draftOf(measures, stored)
    expect(draft.a?.value).toBe('1803,5')
    expect(changed(draft, stored, 'BC 1', 'submitted')).toEqual(['b'])
    expect(changed(draft, stored, 'BC 1', 'draft')).toEqual([])
    expect(changed(draft, stored, 'BC 2', 'draft')).toEqual(['a', 'b'])
    const typed = { ...draft, a: { value: '7', numerator: '', denominator: '', nothing: false } }
    expect(changed(typed, stored, 'BC 1', 'draft')).toEqual(['a'])
  })

  it('fill only empty fields from the period before', () => {
    const typed = { a: { value: '9', numerator: '', denominator: '', nothing: false } }
    const draft = draftOf(measures, held(report('a', 'closed'), report('b', 'closed')), typed)
    expect([draft.a?.value, draft.b?.value]).toEqual(['9', '3'])
  })

  it('say that nothing occurred instead of a figure', () => {
    const cell = { value: '3', numerator: '', denominator: '', nothing: true }
    const said = reportOf(DUE, 'a', cell, { document: ' BC 1 ', reason: '', state: 'submitted' })
    expect(said).toEqual({ measure: 'a', unit: 'so-a', period: '2026-11', nothing_occurred: true, document: 'BC 1', state: 'submitted' })
  })
})

describe('working days', () => {
  const days = exceptions([
    { year: 2026, items: [{ day: '2026-12-02', working: false, name: 'nghỉ' }, { day: '2026-12-05', working: true, name: 'làm bù' }] },
  ])
  const at = (text: string) => Date.parse(`${text}+07:00`)

  it('leave out week ends and days of rest, and count make-up days', () => {
    expect(workingDays(at('2026-11-27T23:00'), at('2026-12-04T08:00'), days)).toBe(4)
    expect(workingDays(at('2026-12-04T08:00'), at('2026-12-05T17:00'), days)).toBe(1)
    expect(workingDays(at('2026-12-04T08:00'), at('2026-12-04T17:00'), days)).toBe(0)
    expect(workingDays(at('2026-12-04T08:00'), at('2026-11-27T17:00'), days)).toBe(-4)
  })
})

describe('a table to take away', () => {
  it('is what a spreadsheet here opens, and runs nothing', () => {
    expect(csv([['a;b', 1.5, null], ['=1+1', 'nói "có"', 'Sở Y tế']])).toBe('\ufeff"a;b";1,5;\r\n\'=1+1;"nói ""có""";Sở Y tế\r\n')
  })
})

describe('the moves of a ticket', () => {
  it('begin with the one that leads on', () => {
    expect(inOrder(['return', 'accept'])).toEqual({ moves: ['accept', 'return'], first: 'accept' })
    expect(inOrder(['return'])).toEqual({ moves: ['return'], first: null })
  })
})
