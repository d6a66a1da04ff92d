/** The scene of administrative procedures: where they stand, which units are behind, and what waits longest. */

import './procedures.css'
import '../procedures/panels.css'
import { Boundary } from '../design/boundary'
import { useCentre } from '../panels/centre'
import { boardOf } from '../procedures/board'
import { Headline } from '../procedures/headline'
import { Oldest } from '../procedures/oldest'
import { Ranking } from '../procedures/ranking'
import { Score } from '../procedures/score'
import { Trends } from '../procedures/trends'

export function Procedures() {
  const { procedures } = useCentre()
  const board = boardOf(procedures.read())
  const known = procedures.known.value
  return (
    <main class="procedures-scene" data-testid="scene-procedures">
      <Boundary name="headline">
        <Headline board={board} known={known} />
      </Boundary>
      <Boundary name="ranking">
        <Ranking board={board} known={known} />
      </Boundary>
      <Boundary name="trends">
        <Trends board={board} />
      </Boundary>
      <Boundary name="score">
        <Score board={board} known={known} />
      </Boundary>
      <Boundary name="oldest">
        <Oldest board={board} known={known} />
      </Boundary>
    </main>
  )
}
