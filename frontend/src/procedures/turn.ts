/** Counts up while somebody looks: the turns of pages. */

import { useEffect, useState } from 'preact/hooks'
import { RESORT_EVERY } from '../live/order'

/** How often a page was turned; each stands as long as a list must hold still. */
export function useTurns(): number {
  const [turns, turn] = useState(0)
  useEffect(() => {
    const timer = window.setInterval(() => turn((before) => before + 1), RESORT_EVERY)
    return () => window.clearInterval(timer)
  }, [])
  return turns
}
