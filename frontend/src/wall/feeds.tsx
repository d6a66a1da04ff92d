/** The scene of the feeds: who does not report, and how good each agency's data is. */

import './feeds.css'
import { Boundary } from '../design/boundary'
import { FeedsPanel } from '../panels/feeds'
import { ScoresPanel } from '../panels/scores'

export function Feeds() {
  return (
    <main class="feeds-scene">
      <Boundary name="scores">
        <ScoresPanel />
      </Boundary>
      <Boundary name="feeds">
        <FeedsPanel />
      </Boundary>
    </main>
  )
}
