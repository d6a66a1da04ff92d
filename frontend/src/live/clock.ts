/** The server's clock as this client knows it, and a tick that lets ages move while nothing arrives. */

import { signal } from '@preact/signals'

let offset = 0

/** The present in ms since the epoch, by the server's clock. */
export function serverNow(): number {
  return Date.now() + offset
}

/** Take the server's word for the time; half a round trip too late is good enough for ages in words. */
export function setServerTime(instant: string): void {
  const time = Date.parse(instant)
  if (Number.isFinite(time)) offset = time - Date.now()
}

/** The present, renewed once a second. */
export const tick = signal(Date.now())

/** Start ticking; the answer stops it. */
export function startClock(): () => void {
  const timer = window.setInterval(() => (tick.value = serverNow()), 1000)
  tick.value = serverNow()
  return () => window.clearInterval(timer)
}
