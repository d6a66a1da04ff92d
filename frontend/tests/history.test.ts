import { expect, test } from 'vitest'
import type { Action, FigureHistory, PeriodFigure } from '../src/live/protocol'
import { cumulative, dayAt, firstDrawn, lastMonths, middleOf, numberedActions, withGaps } from '../src/procedures/history'

function history(items: PeriodFigure[], actions: Partial<Action>[] = []): FigureHistory {
  return { indicator: 'online-share', unit: 'phu-tho', cycle: 'month', uom: '%', items, breaks: [], actions: actions as Action[] }
}

function month(period: string, numerator: number | null, denominator: number | null = 10): PeriodFigure {
  return { period, value: numerator === null ? null : 1, numerator, denominator: numerator === null ? null : denominator }
}

test('the last months end with the running one and go over the turn of a year', () => {
  expect(lastMonths('2026-02-03', 4)).toEqual(['2025-11', '2025-12', '2026-01', '2026-02'])
  expect(lastMonths('2026-12-31', 2)).toEqual(['2026-11', '2026-12'])
})

test('a line begins a month before the first figure, and a year of it is always drawn', () => {
  const months = lastMonths('2026-11-28')
  const from = (first: number) => history(months.map((period, place) => month(period, place < first ? null : 1)))
  expect(firstDrawn([from(7)])).toBe(6)
  expect(firstDrawn([from(7), from(3)])).toBe(2)
  expect(firstDrawn([from(20)])).toBe(12)
  expect(firstDrawn([from(0)])).toBe(0)
  expect(firstDrawn([from(99)])).toBe(12)
})

test('a share of the year is made of counts that are added up first, anew each January', () => {
  const items = [month('2025-11', 1), month('2025-12', 9), month('2026-01', 2, 10), month('2026-02', null), month('2026-03', 28, 40)]
  // Of 2025 the months before are not known, so that nothing is said of it.
  expect(cumulative(items)).toEqual([null, null, 20, null, 60])
})

test('a break is a gap in every line, a new year one in the yearly line alone', () => {
  const periods = ['2025-12', '2026-01', '2026-02']
  const breaks = [{ at: '2026-02-01', reason: { vi: '', en: '' } }]
  const { time, columns } = withGaps(periods, [[1, 2, 3], [4, 5, 6]], breaks, 1)
  expect(time).toEqual([middleOf('2025-12'), dayAt('2026-01-01'), middleOf('2026-01'), dayAt('2026-02-01'), middleOf('2026-02')])
  expect(columns).toEqual([
    [1, undefined, 2, null, 3],
    [4, null, 5, null, 6],
  ])
})

test('an action of two lines has one number, and one that ended before the drawing has none', () => {
  const one = { id: 'a', from: '2026-05-05', until: null }
  const two = { id: 'b', from: '2026-03-01', until: '2026-04-01' }
  const old = { id: 'c', from: '2025-01-01', until: '2025-02-01' }
  const numbered = numberedActions([history([], [one, old]), history([], [one, two])], dayAt('2026-01-01'))
  expect(numbered.map(({ number, action }) => [number, action.id])).toEqual([
    [1, 'b'],
    [2, 'a'],
  ])
})
