/** The figures that a leader looks at, those behind their target first. */

import { w } from '../i18n/words'
import type { FigureItem } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { FigureAge, FigureCounts, FigureMeasure, FigureName, FigureValue, Gap, TargetNote } from '../panels/figure'
import { byPlace } from '../panels/placing'

export function Figures() {
  const centre = useCentre()
  const words = w()
  const order = (figure: FigureItem) => (figure.standing === 'behind' ? 0 : 1)
  const figures = [...centre.summary.read()].sort((a, b) => order(a) - order(b) || byPlace(a, b))
  return (
    <section aria-label={words.indicators}>
      <h2>{words.indicators}</h2>
      <ul>
        {figures.map((figure) => (
          <li key={figure.id} class="card figure-card">
            <FigureName figure={figure} />
            <p class="figure-line">
              <FigureValue figure={figure} big />
              <Gap figure={figure} />
            </p>
            <FigureMeasure figure={figure} />
            <p class="caption figure-foot">
              <span>
                <FigureCounts figure={figure} /> <TargetNote figure={figure} />
              </span>
              <FigureAge figure={figure} always />
            </p>
          </li>
        ))}
      </ul>
    </section>
  )
}
