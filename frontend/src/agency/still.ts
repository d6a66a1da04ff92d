/** A list that holds still while it is read: what is new in it shows at most every ten seconds. */

import { useEffect, useRef, useState } from 'preact/hooks'

const HOLD = 10_000

/** The list as it was shown last, with each item as it is now; the order is made anew when it has stood for a while, or for another question. */
export function useStill<T extends { id: string }>(question: string, items: T[]): T[] {
  const shown = useRef<{ question: string; at: number; order: string[] }>({ question, at: 0, order: [] })
  if (shown.current.question !== question) shown.current = { ...shown.current, question, at: 0 }
  const [, again] = useState(0)
  const known = new Map(items.map((item) => [item.id, item]))
  const wanted = items.map((item) => item.id)
  const age = Date.now() - shown.current.at
  const same = wanted.join(' ') === shown.current.order.join(' ')
  const gone = shown.current.order.every((id) => !known.has(id))
  if (!same && (age >= HOLD || gone)) shown.current = { question, at: Date.now(), order: wanted }
  const waits = !same && age < HOLD && !gone
  useEffect(() => {
    if (!waits) return
    const timer = window.setTimeout(() => again((n) => n + 1), HOLD - age)
    return () => window.clearTimeout(timer)
  }, [waits])
  return shown.current.order.flatMap((id) => known.get(id) ?? [])
}
