/** A list that holds still while it is read: what is new in it shows at most every ten seconds. */

import { useEffect, useRef, useState } from 'preact/hooks'

const HOLD = 10_000

/** The list as it was shown last, with each item as it is now; the order is made anew when it has stood for a while. */
export function useStill<T extends { id: string }>(items: T[]): T[] {
  const shown = useRef<{ at: number; order: string[] }>({ at: 0, order: [] })
  const [, again] = useState(0)
  const known = new Map(items.map((item) => [item.id, item]))
  const wanted = items.map((item) => item.id)
  const age = Date.now() - shown.current.at
  const same = wanted.join(' ') === shown.current.order.join(' ')
  const gone = shown.current.order.every((id) => !known.has(id))
  if (!same && (age >= HOLD || gone)) shown.current = { at: Date.now(), order: wanted }
  const waits = !same && age < HOLD && !gone
  useEffect(() => {
    if (!waits) return
    const timer = window.setTimeout(() => again((n) => n + 1), HOLD - age)
    return () => window.clearTimeout(timer)
  }, [waits])
  return shown.current.order.flatMap((id) => known.get(id) ?? [])
}
