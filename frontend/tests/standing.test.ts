import { describe, expect, it } from 'vitest'
import { countCourses, furthestFirst, isBad, outlookOf } from '../src/standing/standing'
import type { FigureItem, UnitStanding } from '../src/live/protocol'

const figure = (unit: string, value: number | null, target: number | null, direction: 'up' | 'down' = 'up', rank = 0) =>
  ({
    id: unit,
    unit: { id: unit, name: unit },
    value,
    rank,
    target: target === null ? null : { value: target, direction },
    standing: 'none',
  }) as FigureItem

const standing = (of: FigureItem, course?: string) =>
  ({ figure: of, pace: course ? { course } : null, forecast: null, reason: null }) as UnitStanding

const order = (...figures: FigureItem[]) => furthestFirst(figures.map((one) => standing(one))).map((one) => one.figure.id)

describe('units against their targets', () => {
  it('begin with the one that is furthest behind its own target, not with the lowest', () => {
    expect(order(figure('low', 30, 35), figure('far', 40, 60), figure('met', 70, 60))).toEqual(['far', 'low', 'met'])
  })

  it('are judged by the side of the target on which they are behind', () => {
    expect(order(figure('few', 2, 5, 'down'), figure('many', 9, 5, 'down'))).toEqual(['many', 'few'])
  })

  it('without a target follow by their place, the last first, and without a figure not at all', () => {
    expect(order(figure('first', 90, null, 'up', 1), figure('last', 10, null, 'up', 8), figure('none', null, 50), figure('bound', 60, 50))).toEqual([
      'bound',
      'last',
      'first',
    ])
  })

  it('that are equally far stand by how many dossiers they have', () => {
    const of = (unit: string, denominator: number) => ({ ...figure(unit, 0, 51, 'up', 9), denominator })
    expect(order(of('one', 1), of('many', 30))).toEqual(['many', 'one'])
  })

  it('are counted by their course, the worst first and the unknown last', () => {
    const items = ['on_track', 'off_track', 'unknown', 'off_track'].map((course, at) => standing(figure(`u${at}`, 1, 2), course))
    expect(countCourses(items)).toEqual({
      of: 4,
      counts: [
        { course: 'off_track', count: 2 },
        { course: 'on_track', count: 1 },
        { course: 'unknown', count: 1 },
      ],
    })
  })

  it('must be answered for when they are headed wrong, though they are not behind yet', () => {
    const met = figure('met', 70, 60)
    expect(isBad(met, null)).toBe(false)
    expect(isBad(met, { course: 'at_risk', reason: { vi: '', en: '' } })).toBe(true)
    expect(isBad({ ...met, standing: 'behind' }, null)).toBe(true)
  })

  it('have no outlook where nobody said why', () => {
    expect(outlookOf(standing(figure('u', 1, 2), 'at_risk'))).toBeNull()
  })
})
