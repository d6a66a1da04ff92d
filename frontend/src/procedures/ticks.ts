/** Names of months on an axis. */

import { middleOf } from './history'

export interface Tick {
  at: number
  text: string
}

/** The middle of each month with its number, and its year where one begins. */
export function monthTicks(periods: readonly string[]): Tick[] {
  return periods.map((period) => ({ at: middleOf(period), text: monthWord(period) }))
}

/** 2026-11 as 11/26. */
export function monthWord(period: string): string {
  const [year = '', month = ''] = period.split('-')
  return `${Number(month)}/${year.slice(2)}`
}
