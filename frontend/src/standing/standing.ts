/** How far units are from their targets, and which is furthest. */

import type { Course, FigureItem, Outlook, UnitStanding } from '../live/protocol'

/** How far a figure is on the wrong side of its target: positive is behind, null where there is none. */
export function shortfall(figure: FigureItem): number | null {
  const { target, value } = figure
  if (!target || value === null) return null
  return target.direction === 'up' ? target.value - value : value - target.value
}

/**
 * Units with a figure, furthest from their target first, of equals the one with more to do;
 * those without a target behind them, lowest place first.
 */
export function furthestFirst(items: UnitStanding[]): UnitStanding[] {
  const far = (one: UnitStanding) => shortfall(one.figure) ?? Number.NEGATIVE_INFINITY
  const place = (one: UnitStanding) => one.figure.rank || 0
  const name = (one: UnitStanding) => one.figure.unit?.id ?? ''
  return items
    .filter((one) => one.figure.value !== null)
    .sort((a, b) => {
      const [left, right] = [far(a), far(b)]
      if (left !== right) return right - left
      return place(b) - place(a) || (b.figure.denominator ?? 0) - (a.figure.denominator ?? 0) || (name(a) < name(b) ? -1 : 1)
    })
}

const COURSES: readonly Course[] = ['off_track', 'at_risk', 'on_track', 'met', 'unknown']

/** How many units there are of each course, worst first, and of all that have a target. */
export function countCourses(items: UnitStanding[]): { of: number; counts: { course: Course; count: number }[] } {
  const courses = items.flatMap((one) => (one.pace ? [one.pace.course] : []))
  const counts = COURSES.map((course) => ({ course, count: courses.filter((one) => one === course).length }))
  return { of: courses.length, counts: counts.filter(({ count }) => count > 0) }
}

/** Where a unit's figure is headed, as the boards tell it of the province. */
export function outlookOf({ pace, forecast, reason }: UnitStanding): Outlook | null {
  if (!pace || !reason) return null
  return {
    course: pace.course,
    reason,
    at: forecast?.at,
    needed: pace.needed,
    recent: pace.recent,
    value: forecast?.value,
    low: forecast?.low,
    high: forecast?.high,
  }
}

/** Whether somebody must answer for a figure now. */
export function isBad(figure: FigureItem, outlook: Outlook | null | undefined): boolean {
  return figure.standing === 'behind' || figure.severity != null || isHeadedWrong(outlook?.course)
}

export function isHeadedWrong(course: Course | undefined): boolean {
  return course === 'at_risk' || course === 'off_track'
}
