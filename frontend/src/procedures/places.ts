/** Which units a ranking shows at once: the weakest always, the others page by page. */

import type { FigureItem } from '../live/protocol'

/** Rows that there is room for. */
export const ROWS = 12
export const WEAKEST = 5

export interface Places {
  /** Units with the lowest places, lowest first; none where all units fit. */
  weakest: string[]
  /** All others, best first and those without a place last, cut into pages. */
  pages: string[][]
  ranked: number
  unranked: number
}

/** A unit without a denominator has a figure and no place. */
export function placesOf(figures: Iterable<FigureItem>): Places {
  const all = [...figures].sort(byPlace)
  const placed = all.filter((figure) => figure.rank)
  const fits = all.length <= ROWS
  const weakest = fits ? [] : placed.slice(-WEAKEST).reverse()
  const low = new Set(weakest)
  const others = all.filter((figure) => !low.has(figure))
  const size = fits ? ROWS : ROWS - WEAKEST
  const pages: string[][] = []
  for (let at = 0; at < others.length; at += size) pages.push(others.slice(at, at + size).map(unitOf))
  return { weakest: weakest.map(unitOf), pages, ranked: placed.length, unranked: all.length - placed.length }
}

/** The places that more than one unit has. */
export function tiedPlaces(figures: Iterable<FigureItem>): Set<number> {
  const seen = new Set<number>()
  const tied = new Set<number>()
  for (const { rank } of figures) {
    if (!rank) continue
    if (seen.has(rank)) tied.add(rank)
    seen.add(rank)
  }
  return tied
}

function byPlace(a: FigureItem, b: FigureItem): number {
  const place = (figure: FigureItem) => figure.rank || Number.POSITIVE_INFINITY
  const [left, right] = [place(a), place(b)]
  if (left !== right) return left - right
  return (a.unit?.name ?? '').localeCompare(b.unit?.name ?? '', 'vi') || (a.id < b.id ? -1 : 1)
}

function unitOf(figure: FigureItem): string {
  return figure.unit?.id ?? ''
}
