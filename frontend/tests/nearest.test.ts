import { describe, expect, it } from 'vitest'
import { nearest } from '../src/console/nearest'
import type { LayerFeature } from '../src/live/protocol'

function at(id: string, ...coordinates: [number, number]): LayerFeature {
  return { type: 'Feature', id, geometry: { type: 'Point', coordinates }, properties: { name: id, unit: null, values: {} } }
}

describe('what is nearest', () => {
  const here = [105.4, 21.3] as const

  it('stands first, with its distance in metres, and what is too far is left out', () => {
    const found = nearest([at('far', 105.5, 21.3), at('north', 105.4, 21.31), at('near', 105.401, 21.3)], here, 3, 5_000)
    expect(found.map(({ feature }) => feature.id)).toEqual(['near', 'north'])
    expect(found[0]?.metres).toBeCloseTo(104, 0)
    expect(found[1]?.metres).toBeCloseTo(1113, 0)
  })

  it('is no more than was asked for, and nothing that has no place', () => {
    const nowhere = { ...at('nowhere', 0, 0), geometry: null }
    expect(nearest([nowhere, at('b', ...here), at('a', ...here)], here, 1, 10).map(({ feature }) => feature.id)).toEqual(['a'])
  })
})
