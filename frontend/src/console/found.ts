/** Which of the open alerts the list shows, in an order that stays still while somebody works with it. */

import { useRef } from 'preact/hooks'
import type { Centre } from '../live/centre'
import { tick } from '../live/clock'
import { RESORT_EVERY, StillOrder, worstFirst } from '../live/order'
import type { AlertItem } from '../live/protocol'
import { type Filter, passes } from './filter'

/** When somebody last went through the list with keys or the pointer, by the page's own clock. */
let usedAt = Number.NEGATIVE_INFINITY

/** The list is being read: it holds still for a while from now on. */
export function holdStill(): void {
  usedAt = performance.now()
}

export interface Found {
  alerts: AlertItem[]
  /** Of all that are open, matching or not. */
  of: number
}

export function useFound(centre: Centre, filter: Filter): Found {
  const still = useRef(new StillOrder())
  void tick.value
  const open = centre.alerts.read()
  const now = performance.now()
  const order = still.current.arrange([...open].sort(worstFirst).map((alert) => alert.id), now, now - usedAt < RESORT_EVERY)
  const me = centre.me.value
  const alerts = order.flatMap((id) => centre.alerts.items.get(id) ?? []).filter((alert) => passes(alert, filter, me))
  return { alerts, of: open.length + centre.alerts.others }
}
