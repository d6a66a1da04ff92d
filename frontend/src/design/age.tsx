/** How old a value is, in words, moving on by itself. */

import { age, duration } from '../i18n/format'
import { w } from '../i18n/words'
import { tick } from '../live/clock'
import { freshness } from '../live/freshness'
import type { Freshness, Instant } from '../live/protocol'

interface Props {
  time: Instant | null
  state: Freshness
  late_after?: number | null
  stale_after?: number | null
  /** Fresh values carry no mark unless the age itself is asked for. */
  always?: boolean
  /** The length alone, where room is short: the clock beside it says what it means. */
  brief?: boolean
}

export function Age({ always = false, brief = false, ...dated }: Props) {
  const now = tick.value
  const state = freshness(dated, now)
  if (state === 'never') return <span class="age never">{w().never}</span>
  if (dated.time === null) return null
  if (state === 'fresh' && !always) return null
  return (
    <span class={`age ${state}`}>
      {state !== 'fresh' && <Clock />}
      {brief && state !== 'fresh' ? duration((now - Date.parse(dated.time)) / 1000) : age(dated.time, now)}
    </span>
  )
}

export function Clock() {
  return (
    <svg class="clock" viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="6.6" />
      <path d="M8 4.2V8l2.6 1.6" />
    </svg>
  )
}

/** "12 phút trước" for something that is not subject to freshness, such as the start of an alert. */
export function Ago({ time }: { time: Instant | number }) {
  return <>{age(time, tick.value)}</>
}
