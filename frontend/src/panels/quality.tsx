/** The data-quality figures of the top bar: right, complete, clean, live. */

import { say } from '../i18n/words'
import { useCentre } from './centre'
import { FigureValue } from './figure'
import { byPlace } from './placing'

export function QualityBar() {
  const figures = useCentre()
    .data.read()
    .filter((figure) => !figure.id.includes('@'))
    .sort(byPlace)
  return (
    <dl class="quality" data-testid="quality">
      {figures.map((figure) => (
        <div key={figure.id}>
          <dt title={say(figure.note)}>{say(figure.name)}</dt>
          <dd>
            <FigureValue figure={figure} />
          </dd>
        </div>
      ))}
    </dl>
  )
}
