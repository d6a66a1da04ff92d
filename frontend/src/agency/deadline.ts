/** Deadlines in words: when, how long until then, or how long it is over. */

import { clockTime, date, duration } from '../i18n/format'
import { portalWords } from '../i18n/portal/words'

export function deadline(due: string, now: number): { text: string; late: boolean } {
  const seconds = (Date.parse(due) - now) / 1000
  const words = portalWords()
  const late = seconds < 0
  return { late, text: (late ? words.overBy : words.timeLeft)(duration(Math.abs(seconds))) }
}

/** 18:42 today, 21/11/2026 18:42 on another day: deadlines lie in other years too. */
export function when(at: string, now: number): string {
  return date(at) === date(now) ? clockTime(at) : `${date(at)} ${clockTime(at)}`
}
