/** Units found by a part of their name, while it is being typed. */

import { type Signal, useSignal } from '@preact/signals'
import { get } from '../live/api'
import type { Page, UnitRef } from '../live/protocol'

const MOST_UNITS = 8
/** So many letters say something. */
const LEAST_LETTERS = 2

interface UnitSearch {
  text: Signal<string>
  found: Signal<UnitRef[]>
  look: (query: string) => Promise<void>
}

export function useUnitSearch(): UnitSearch {
  const text = useSignal('')
  const found = useSignal<UnitRef[]>([])
  const look = async (query: string) => {
    text.value = query
    const units = await findUnits(query).catch(() => null)
    // An answer to what was typed before is no answer any more.
    if (units && text.peek() === query) found.value = units
  }
  return { text, found, look }
}

/** Units whose name holds what was typed. */
export async function findUnits(query: string): Promise<UnitRef[]> {
  if (query.trim().length < LEAST_LETTERS) return []
  const page = await get<Page<UnitRef>>(`/units?limit=${MOST_UNITS}&q=${encodeURIComponent(query.trim())}`)
  return page.items.map(({ id, name }) => ({ id, name }))
}
