/** The overview scene: alerts left, map in the middle, procedures right, four domains below. */

import { Boundary } from '../design/boundary'
import { OVERVIEW, type Area } from '../panels/registry'

const AREAS: readonly Area[] = ['left', 'centre', 'right', 'strip']

export function Overview() {
  return (
    <main class="overview">
      {AREAS.map((area) => (
        <div key={area} class={`area ${area}`}>
          {OVERVIEW.filter((panel) => panel.area === area).map(({ id, component: Shown }) => (
            <Boundary key={id} name={id}>
              <Shown />
            </Boundary>
          ))}
        </div>
      ))}
    </main>
  )
}
