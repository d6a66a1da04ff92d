/** Figures month by month: which months are asked for, and what is drawn of them. */

import type { Action, FigureHistory, LineBreak, PeriodFigure } from '../live/protocol'

/** A year, and the one before to hold it against. */
export const MONTHS = 24
/** Months before the first figure are left out, but a year is always drawn. */
const LEAST = 12

type Column = (number | null)[]

/** The last months up to the running one, as periods; `today` is a day of the province, 2026-11-28. */
export function lastMonths(today: string, count = MONTHS): string[] {
  const [year = 0, month = 1] = today.split('-').map(Number)
  const newest = year * 12 + month - 1
  return Array.from({ length: count }, (_, place) => {
    const at = newest - count + 1 + place
    return `${Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, '0')}`
  })
}

/** What is not known before the first figure says nothing; one month of it shows where the line begins. */
export function firstDrawn(histories: readonly FigureHistory[]): number {
  const lengths = histories.map(({ items }) => items.length)
  const most = Math.max(0, ...lengths)
  let first = most
  for (const { items } of histories) {
    const known = items.findIndex(({ value }) => value !== null)
    if (known >= 0) first = Math.min(first, known)
  }
  return Math.max(0, Math.min(first - 1, most - LEAST))
}

/** The middle of a month in ms. */
export function middleOf(period: string): number {
  const [year = 0, month = 1] = period.split('-').map(Number)
  return (Date.UTC(year, month - 1, 1) + Date.UTC(year, month, 1)) / 2
}

/** The noon of a day, which is on that day in every province. */
export function dayAt(day: string): number {
  return Date.parse(`${day}T12:00:00Z`)
}

/** The last day before one that is not in it any more. */
export function lastBefore(day: string): number {
  return dayAt(day) - 86_400_000
}

/** A share from the beginning of each year on, added up before it is divided. */
export function cumulative(items: readonly PeriodFigure[]): Column {
  let year = ''
  let over = 0
  let under = 0
  let partial = false
  return items.map(({ period, numerator, denominator }, place) => {
    if (!period.startsWith(year) || year === '') {
      year = period.slice(0, 4)
      over = 0
      under = 0
      // A year that begins before the first month that is asked for cannot be added up.
      partial = place === 0 && !period.endsWith('-01')
    }
    if (numerator == null || denominator == null) return null
    over += numerator
    under += denominator
    return partial || under === 0 ? null : (over / under) * 100
  })
}

/** Columns over time with a gap at each break, and a gap in the last column where a year begins. */
export function withGaps(
  periods: readonly string[],
  columns: readonly Column[],
  breaks: readonly LineBreak[],
  yearly: number | null = null,
): { time: number[]; columns: (number | null | undefined)[][] } {
  const points = periods.map((period, place) => ({
    at: middleOf(period),
    values: columns.map((column) => column[place] ?? null) as (number | null | undefined)[],
  }))
  const [first, last] = [points[0]?.at ?? 0, points.at(-1)?.at ?? 0]
  for (const one of breaks) {
    const at = dayAt(one.at)
    if (at > first && at < last) points.push({ at, values: columns.map(() => null) })
  }
  if (yearly !== null) {
    for (const period of periods) {
      const at = dayAt(`${period}-01`)
      // Not known and not drawn are different things: only the yearly line has a gap here.
      if (period.endsWith('-01') && at > first && points.every((point) => point.at !== at)) {
        points.push({ at, values: columns.map((_, place) => (place === yearly ? null : undefined)) })
      }
    }
  }
  points.sort((a, b) => a.at - b.at)
  return { time: points.map(({ at }) => at), columns: columns.map((_, place) => points.map(({ values }) => values[place])) }
}

/** Breaks within what is drawn. */
export function breaksIn(breaks: readonly LineBreak[], from: number, to: number): LineBreak[] {
  return breaks.filter(({ at }) => dayAt(at) >= from && dayAt(at) <= to)
}

/** An action with the number of its flag. */
export interface Numbered {
  number: number
  action: Action
}

/** Actions on the lines of some histories that touch what is drawn, each once, in the order in which they began. */
export function numberedActions(histories: readonly FigureHistory[], from: number): Numbered[] {
  const found = new Map<string, Action>()
  for (const { actions } of histories) for (const action of actions) found.set(action.id, action)
  return [...found.values()]
    .filter((action) => dayAt(action.until ?? action.from) >= from)
    .sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : a.id < b.id ? -1 : 1))
    .map((action, place) => ({ number: place + 1, action }))
}
