/** A list of what is announced, asked for at first and when something was done. */

import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { problemOf } from '../agency/refusal'
import { get, type Problem } from '../live/api'
import type { Page } from '../live/protocol'

interface AnnouncedList<T> {
  /** Null before the first answer. */
  items: Signal<T[] | null>
  failure: Signal<Problem | null>
  load: () => Promise<void>
}

/** The newest hundred of a list; another `key` says that it is to be read again. */
export function useAnnounced<T>(path: string, key: string): AnnouncedList<T> {
  const items = useSignal<T[] | null>(null)
  const failure = useSignal<Problem | null>(null)
  const load = async () => {
    try {
      items.value = (await get<Page<T>>(`${path}?limit=100`)).items
      failure.value = null
    } catch (error) {
      failure.value = problemOf(error)
    }
  }
  useEffect(() => void load(), [key])
  return { items, failure, load }
}
