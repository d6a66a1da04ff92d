/** Working days as the province's calendar counts them. */

import type { CalendarYear } from '../live/protocol'

const DAY = 86_400_000
/** No clock of ours runs longer; what is further away is not counted day by day. */
const MOST = 400

/** The days that differ from what their weekday says: whether they are worked on. */
export type Exceptions = ReadonlyMap<string, boolean>

export function exceptions(years: CalendarYear[]): Exceptions {
  return new Map(years.flatMap((year) => year.items.map(({ day, working }): [string, boolean] => [day, working])))
}

/** The day in Vietnam of an instant, as 2026-11-28. */
export function dayOf(time: number): string {
  return new Date(time + 7 * 3_600_000).toISOString().slice(0, 10)
}

/** Working days behind the day of one instant up to and with that of another; negative where it lies before. */
export function workingDays(from: number, to: number, days: Exceptions): number | null {
  if (to < from) {
    const back = workingDays(to, from, days)
    return back === null ? null : -back
  }
  const last = dayOf(to)
  let count = 0
  let at = Date.parse(`${dayOf(from)}T00:00:00Z`)
  for (let step = 0; step < MOST; step++) {
    if (new Date(at).toISOString().slice(0, 10) >= last) return count
    at += DAY
    const day = new Date(at)
    const usual = day.getUTCDay() !== 0 && day.getUTCDay() !== 6
    if (days.get(day.toISOString().slice(0, 10)) ?? usual) count += 1
  }
  return null
}
