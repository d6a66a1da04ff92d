/** The figures of the procedures board by what they are of: the province's own, and those of each unit. */

import type { FigureItem } from '../live/protocol'

export interface Board {
  /** The province's figures by indicator. */
  own: ReadonlyMap<string, FigureItem>
  /** The units' figures by indicator and unit. */
  units: ReadonlyMap<string, ReadonlyMap<string, FigureItem>>
}

export function boardOf(items: readonly FigureItem[]): Board {
  const own = new Map<string, FigureItem>()
  const units = new Map<string, Map<string, FigureItem>>()
  for (const item of items) {
    if (item.id === item.indicator || item.unit === null) {
      own.set(item.indicator, item)
      continue
    }
    const known = units.get(item.indicator) ?? new Map<string, FigureItem>()
    known.set(item.unit.id, item)
    units.set(item.indicator, known)
  }
  return { own, units }
}
