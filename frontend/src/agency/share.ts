/** Shares, their counts and days as people write them. */

import { date, number } from '../i18n/format'
import { w } from '../i18n/words'
import type { Share } from '../live/protocol'

export function percent(share: Share): string {
  return percentOf(share.value)
}

export function percentOf(value: number | null): string {
  return value === null ? '–' : `${number(value, 1)} %`
}

/** "1.204 / 2.310": what the share is made of. */
export function counts(share: Share): string {
  if (share.numerator === null || share.denominator === null) return w().notYet
  return w().of(number(share.numerator), number(share.denominator))
}

/** "2026-11-22" as people write it; a day of the province has no zone. */
export function calendar(day: string): string {
  return date(`${day}T12:00:00+07:00`)
}
