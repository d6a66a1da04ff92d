/** The places of figures: a figure stands where it always stood, whatever order it arrives in. */

import type { FigureItem } from '../live/protocol'

const PLACES: readonly string[] = [
  'traffic-slow-share',
  'traffic-mean-speed',
  'bed-occupancy-planned',
  'bed-occupancy-actual',
  'emergency-calls',
  'dengue-cases',
  'load-share',
  'customers-out',
  'pm25-worst',
  'water-level-worst',
  'online-share',
  'on-time-share',
  'in-hand-overdue',
  'data-right',
  'data-complete',
  'data-clean',
  'data-live',
  'feeds-fresh-share',
  'stored-share',
  'quarantined-share',
  'incidents-acknowledged-on-time-share',
  'incidents-acknowledge-time',
  'incidents-assigned-on-time-share',
  'incidents-assign-time',
  'incidents-resolved-on-time-share',
  'incidents-resolve-time',
  'incidents-false-share',
]

const place = new Map(PLACES.map((id, at) => [id, at]))

/** Figures that are not placed stand last, by name of their id. */
export function byPlace(a: FigureItem, b: FigureItem): number {
  const at = (figure: FigureItem) => place.get(figure.indicator) ?? PLACES.length
  return at(a) - at(b) || (a.id < b.id ? -1 : 1)
}
