/** The figures that a unit answers for: those of its procedures against their targets, and others in its charge. */

import { get, Problem } from '../live/api'
import { serverNow } from '../live/clock'
import type { FigureItem, Standing, UnitStanding } from '../live/protocol'
import { dayOf } from './working'

interface Board {
  items: FigureItem[]
}

/** Figures that units have are counted by period; a score is the province's alone. */
const UNIT_KINDS: ReadonlySet<FigureItem['kind']> = new Set(['share', 'sum', 'count', 'ratio'])

const bare = (figure: FigureItem): UnitStanding => ({ figure, pace: null, forecast: null, reason: null })

/** How a unit stands by an indicator; a figure of which nothing is steered has no pace. */
async function standingOf(indicator: string, steered: boolean, unit: string): Promise<UnitStanding[]> {
  const of = `unit=${encodeURIComponent(unit)}`
  try {
    if (steered) {
      const { items } = await get<Standing>(`/targets/standing?indicator=${indicator}&${of}`)
      if (items.length > 0) return items
    }
    return [bare(await get<FigureItem>(`/indicators/${indicator}/values?${of}`))]
  } catch (error) {
    // What is one figure of the whole province is no unit's, and what is not defined any more has none.
    if (error instanceof Problem && (error.code === 'invalid' || error.code === 'not_found')) return []
    throw error
  }
}

export interface OwnFigures {
  procedures: UnitStanding[]
  /** Of the whole province, in the charge of this unit. */
  charge: UnitStanding[]
}

export async function loadFigures(unit: string): Promise<OwnFigures> {
  const of = `unit=${encodeURIComponent(unit)}&on=${dayOf(serverNow())}`
  const [procedures, overview, targets] = await Promise.all([
    get<Board>('/boards/procedures'),
    get<Board>('/boards/overview'),
    get<{ items: { indicator: string }[] }>(`/targets?${of}`),
  ])
  const whole = procedures.items.filter((item) => item.id === item.indicator)
  const counted = whole.filter((item) => item.period !== null && UNIT_KINDS.has(item.kind))
  const targeted = targets.items.map(({ indicator }) => indicator)
  const steered = new Set([...targeted, ...counted.filter((item) => item.use !== 'statistical').map((item) => item.id)])
  const wanted = [...new Set([...counted.map((item) => item.id), ...targeted])]
  const own = await Promise.all(wanted.map((id) => standingOf(id, steered.has(id), unit)))
  const charge = [...overview.items, ...whole].filter(
    (item, place, all) =>
      item.answering?.unit.id === unit && !wanted.includes(item.id) && all.findIndex((other) => other.id === item.id) === place,
  )
  return { procedures: own.flat(), charge: charge.map(bare) }
}
