/** Lists that hold still while somebody reads them. */

import { useRef } from 'preact/hooks'
import { StillOrder } from '../live/order'

/** The things in an order that changes at most every ten seconds. */
export function useStill<T extends { id: string }>(sorted: T[]): T[] {
  const still = useRef(new StillOrder())
  const known = new Map(sorted.map((one) => [one.id, one]))
  return still.current.arrange([...known.keys()], performance.now(), false).flatMap((id) => known.get(id) ?? [])
}
