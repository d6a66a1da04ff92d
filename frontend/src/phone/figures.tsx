/** The figures that a leader looks at, those behind their target first. */

import { w } from '../i18n/words'
import type { FigureItem } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { byPlace } from '../panels/placing'
import { isBad } from '../standing/standing'
import { FigureCard } from './card'
import { useStill } from './still'
import { ownUnits } from './unit'

export function Figures() {
  const centre = useCentre()
  const words = w()
  const order = (figure: FigureItem) => (isBad(figure, figure.outlook) ? 0 : 1)
  const figures = useStill([...centre.summary.read()].sort((a, b) => order(a) - order(b) || byPlace(a, b)))
  const title = ownUnits(centre).length > 0 ? words.indicatorsOfProvince : words.indicators
  return (
    <section aria-label={title} data-testid="figures">
      <h2>{title}</h2>
      <ul>
        {figures.map((figure) => (
          <FigureCard key={figure.id} figure={figure} />
        ))}
      </ul>
    </section>
  )
}
