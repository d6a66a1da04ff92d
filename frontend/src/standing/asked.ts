/** What is asked of the server again and again while somebody looks, because no topic carries it. */

import type { RefObject } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { w } from '../i18n/words'
import { Problem } from '../live/api'

export interface Asked<T> {
  data: T | null
  failure: Problem | null
}

/** Figures of units move once a minute; a phone pays for each byte. */
const EVERY = 60_000
const RETRY = 10_000
const CHECK = 5_000

/** So far from the screen, px, a place begins to load. */
const AHEAD = '600px'

interface How {
  /** Another number asks anew beside what is shown. */
  again?: number
  /** Nothing is asked while this place is far from the screen. */
  place?: RefObject<Element | null>
}

/** The newest answer of `load`; another `key` begins anew. A hidden page asks nothing. */
export function useAsked<T>(key: string, load: () => Promise<T>, { again = 0, place }: How = {}): Asked<T> {
  const [asked, tell] = useState<Asked<T> & { key: string }>({ key, data: null, failure: null })
  useEffect(() => {
    let over = false
    let waiting = false
    let near = !place
    let due = 0
    const take = (data: T) => {
      due = Date.now() + EVERY
      if (!over) tell({ key, data, failure: null })
    }
    const fail = (error: unknown) => {
      if (!(error instanceof Problem)) throw error
      // What is refused will be refused again; what could not be reached may soon be.
      due = Date.now() + (error.status === 0 || error.status >= 500 ? RETRY : EVERY)
      if (!over) tell((before) => ({ key, data: before.key === key ? before.data : null, failure: error }))
    }
    const ask = () => {
      if (document.hidden || waiting || !near || Date.now() < due) return
      waiting = true
      void load()
        .then(take, fail)
        .finally(() => (waiting = false))
    }
    const sight = new IntersectionObserver(
      (seen) => {
        near = seen.at(-1)?.isIntersecting ?? near
        ask()
      },
      { rootMargin: AHEAD },
    )
    if (place?.current) sight.observe(place.current)
    ask()
    const timer = window.setInterval(ask, CHECK)
    document.addEventListener('visibilitychange', ask)
    return () => {
      over = true
      sight.disconnect()
      window.clearInterval(timer)
      document.removeEventListener('visibilitychange', ask)
    }
  }, [key, again])
  return asked.key === key ? asked : { data: null, failure: null }
}

/** Why nothing came, in words. */
export function failureText(failure: Problem): string {
  return w().askFailed(failure.status === 0 ? w().unreachable : failure.title)
}
