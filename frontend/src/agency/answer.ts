/** An answer of the server that is asked for again every so often, and when something was done. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { get } from '../live/api'

const RENEW_EVERY = 15_000

/** The newest answer, null before the first; `renew` asks at once. A new key starts anew. */
export function useAnswer<T>(path: () => string, key: string, every = RENEW_EVERY): { answer: T | null; renew: () => Promise<void> } {
  const held = useSignal<{ key: string; answer: T } | null>(null)
  const renew = async () => {
    try {
      held.value = { key, answer: await get<T>(path()) }
    } catch (error) {
      console.warn('not answered', error)
    }
  }
  useEffect(() => {
    void renew()
    const timer = window.setInterval(() => void renew(), every)
    return () => window.clearInterval(timer)
  }, [key])
  return { answer: held.value?.key === key ? held.value.answer : null, renew }
}
