import { expect, test } from 'vitest'
import type { FigureItem } from '../src/live/protocol'
import { placesOf, ROWS, tiedPlaces, WEAKEST } from '../src/procedures/places'

function figure(unit: string, rank: number): FigureItem {
  return { id: `online-share@${unit}`, indicator: 'online-share', unit: { id: unit, name: unit }, rank } as FigureItem
}

const many = (count: number) => Array.from({ length: count }, (_, place) => figure(`xa-${String(place + 1).padStart(3, '0')}`, place + 1))

test('units that fit are one page, the best first', () => {
  const places = placesOf(many(ROWS).reverse())
  expect(places.weakest).toEqual([])
  expect(places.pages).toHaveLength(1)
  expect(places.pages[0]?.[0]).toBe('xa-001')
})

test('of more units than there are rows the weakest stand apart, lowest first, and nobody is shown twice or left out', () => {
  const all = [...many(40), figure('so-x', 0)]
  const { weakest, pages } = placesOf(all)
  expect(weakest).toEqual(['xa-040', 'xa-039', 'xa-038', 'xa-037', 'xa-036'])
  const shown = [...weakest, ...pages.flat()]
  expect(shown).toHaveLength(all.length)
  expect(new Set(shown).size).toBe(all.length)
  expect(Math.max(...pages.map((page) => page.length))).toBe(ROWS - WEAKEST)
})

test('a unit without a place stands last and is not among the weakest', () => {
  const { weakest, pages, ranked, unranked } = placesOf([figure('so-x', 0), ...many(20)])
  expect(weakest).not.toContain('so-x')
  expect(pages.flat().at(-1)).toBe('so-x')
  expect([ranked, unranked]).toEqual([20, 1])
})

test('a place is tied where two units have it, and where none has one there is no tie', () => {
  expect([...tiedPlaces([figure('a', 1), figure('b', 2), figure('c', 2), figure('d', 0), figure('e', 0)])]).toEqual([2])
})
