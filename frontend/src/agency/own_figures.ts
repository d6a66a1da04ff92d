/** The figures that a unit answers for: those of its procedures against their targets, and others in its charge. */

import { get } from '../live/api'
import { Problem } from '../live/api'
import type { FigureItem, Standing, UnitStanding } from '../live/protocol'

interface Board {
  items: FigureItem[]
}

/** Figures that units have are counted by period; a score is the province's alone. */
const UNIT_KINDS: ReadonlySet<FigureItem['kind']> = new Set(['share', 'sum', 'count', 'ratio'])

const bare = (figure: FigureItem): UnitStanding => ({ figure, pace: null, forecast: null, reason: null })

/** How a unit stands by an indicator; a figure of which nothing is steered has no pace. */
async function standingOf(like: FigureItem, unit: string): Promise<UnitStanding[]> {
  const of = `unit=${encodeURIComponent(unit)}`
  if (like.use === 'steering') {
    const { items } = await get<Standing>(`/targets/standing?indicator=${like.indicator}&${of}`)
    if (items.length > 0) return items
  }
  try {
    return [bare(await get<FigureItem>(`/indicators/${like.indicator}/values?${of}`))]
  } catch (error) {
    // What is one figure of the whole province is no unit's.
    if (error instanceof Problem && error.code === 'invalid') return []
    throw error
  }
}

export interface OwnFigures {
  procedures: UnitStanding[]
  /** Of the whole province, in the charge of this unit. */
  charge: UnitStanding[]
}

export async function loadFigures(unit: string): Promise<OwnFigures> {
  const [procedures, overview] = await Promise.all([get<Board>('/boards/procedures'), get<Board>('/boards/overview')])
  const whole = procedures.items.filter((item) => item.id === item.indicator)
  const counted = whole.filter((item) => item.period !== null && UNIT_KINDS.has(item.kind))
  const own = await Promise.all(counted.map((item) => standingOf(item, unit)))
  const shown = new Set(counted.map((item) => item.id))
  const charge = [...overview.items, ...whole].filter(
    (item, place, all) =>
      item.answering?.unit.id === unit && !shown.has(item.id) && all.findIndex((other) => other.id === item.id) === place,
  )
  return { procedures: own.flat(), charge: charge.map(bare) }
}
