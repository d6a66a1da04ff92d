/** Which stretch of time explains an alert, and how finely it is asked for. */

import type { AlertSheet } from '../live/protocol'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Further back a line of the whole time would hide how it began. */
const MOST = 3 * DAY
const POINTS = 300

const WIDTHS: readonly (readonly [number, string])[] = [
  [60_000, 'PT1M'],
  [300_000, 'PT5M'],
  [900_000, 'PT15M'],
  [HOUR, 'PT1H'],
]

export interface Stretch {
  since: number
  until: number
  width: string
  widthMs: number
}

/** The last day and the beginning of the alert; of one that is long over or very old, its beginning. */
export function stretchOf({ alert, pending_since }: AlertSheet, now: number): Stretch {
  const began = Date.parse(pending_since)
  const cleared = alert.cleared_at ? Date.parse(alert.cleared_at) : now
  const until = Math.min(now, Math.max(cleared + 3 * HOUR, began + 6 * HOUR))
  const since = Math.min(until - DAY, began - 2 * HOUR)
  if (until - since > MOST) return fine(began - DAY, began + 2 * DAY)
  return fine(since, until)
}

function fine(since: number, until: number): Stretch {
  const [widthMs, width] = WIDTHS.find(([length]) => (until - since) / length <= POINTS) ?? (WIDTHS.at(-1) as readonly [number, string])
  return { since, until, width, widthMs }
}
