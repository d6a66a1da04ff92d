import { describe, expect, it } from 'vitest'
import { changesSince, lookAt } from '../src/live/lastlook'
import type { AlertItem, FigureItem } from '../src/live/protocol'

const alert = (id: string, state: 'active' | 'cleared' = 'active') =>
  ({ id, state, title: { vi: id, en: id }, place: { feature: null, name: 'p', point: null } }) as AlertItem

const figure = (value: number, indicator = 'online-share') =>
  ({ id: indicator, indicator, value, decimals: 1, target: null }) as FigureItem

describe('since the last look', () => {
  const before = lookAt([alert('old'), alert('waning')], [figure(50)], 0)

  it('tells what came, what cleared and what is over', () => {
    const changes = changesSince(before, [alert('waning', 'cleared'), alert('fresh')], [])
    expect(changes.map((change) => [change.kind, change.worse])).toEqual([
      ['new', true],
      ['cleared', false],
      ['gone', false],
    ])
  })

  it('judges a figure by the side on which it is better', () => {
    const open = [alert('old'), alert('waning')]
    expect(changesSince(before, open, [figure(45)])[0]?.worse).toBe(true)
    expect(changesSince(before, open, [figure(55)])[0]?.worse).toBe(false)
  })

  it('says nothing of a tremble, nor of a figure whose better side is unknown', () => {
    const open = [alert('old'), alert('waning')]
    expect(changesSince(before, open, [figure(50.4)])).toEqual([])
    expect(changesSince(lookAt(open, [figure(1, 'unheard-of')], 0), open, [figure(9, 'unheard-of')])).toEqual([])
  })
})
