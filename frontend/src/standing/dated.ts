/** How old the figures of units are: as old as what the province's are counted from. */

import type { FigureItem } from '../live/protocol'
import { useCentre } from '../panels/centre'

/** A figure with the age of the dossiers that it is counted from, where it came without one. */
export function useDated(figure: FigureItem): FigureItem {
  const like = useCentre()
    .summary.read()
    .find((one) => one.domain === figure.domain && one.period !== null && one.time !== null)
  if (figure.time !== null || !like) return figure
  const { time, state, late_after, stale_after } = like
  return { ...figure, time, late_after, stale_after, state: figure.state === 'never' ? 'never' : state }
}
