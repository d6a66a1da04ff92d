/** The data-quality figures of the top bar: right, complete, clean, live. */

import { qualityWord, say } from '../i18n/words'
import { useCentre } from './centre'
import { FigureValue } from './figure'
import { byPlace } from './placing'

export function QualityBar() {
  const figures = useCentre()
    .overview.read()
    .filter((figure) => figure.domain === 'it')
    .sort(byPlace)
  return (
    <dl class="quality" data-testid="quality">
      {figures.slice(0, 4).map((figure) => (
        <div key={figure.id}>
          <dt title={say(figure.name)}>{qualityWord(figure.indicator) ?? say(figure.name)}</dt>
          <dd>
            <FigureValue figure={figure} />
          </dd>
        </div>
      ))}
    </dl>
  )
}
