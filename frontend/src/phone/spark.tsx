/** The line behind a figure, small: how it came to stand where it does, with the same of before as ghost. */

import { w } from '../i18n/words'
import type { Trend } from '../live/protocol'

const WIDTH = 300
const HEIGHT = 44
const EDGE = 3
const DAY = 86_400_000

type Line = readonly (number | null)[]

export function Spark({ trend }: { trend: Trend }) {
  const known = [...trend.value, ...trend.ghost].filter((value) => value !== null)
  if (trend.value.filter((value) => value !== null).length < 2) return null
  const [least, most] = [Math.min(...known), Math.max(...known)]
  const draw = (line: Line) => path(line, least, most - least || 1)
  const first = trend.time[0] ?? 0
  const months = (trend.time.at(-1) ?? 0) - first > 3 * DAY
  const words = w()
  const ghost = trend.ghost.some((value) => value !== null)
  return (
    <figure class="spark">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {ghost && <path class="ghost" d={draw(trend.ghost)} />}
        <path d={draw(trend.value)} />
      </svg>
      <figcaption class="caption">
        {months ? words.last12Months : words.last24h}
        {ghost && (
          <span class="ghost-note">
            {' '}
            <i aria-hidden="true" /> {months ? words.ghostYear : words.ghost}
          </span>
        )}
      </figcaption>
    </figure>
  )
}

/** A gap in the line is a gap in what is known. */
function path(line: Line, least: number, span: number): string {
  const step = WIDTH / Math.max(1, line.length - 1)
  let drawn = ''
  let pen = 'M'
  line.forEach((value, place) => {
    if (value === null) {
      pen = 'M'
      return
    }
    const y = HEIGHT - EDGE - ((value - least) / span) * (HEIGHT - 2 * EDGE)
    drawn += `${pen}${(place * step).toFixed(1)} ${y.toFixed(1)}`
    pen = 'L'
  })
  return drawn
}
