/** A unit's own figures against their targets, what is overdue, and the forms that are made of it. */

import { Boundary } from '../design/boundary'
import { portalWords } from '../i18n/portal/words'
import type { UnitRef, UnitStanding } from '../live/protocol'
import { useAsked } from '../standing/asked'
import { FigureRow } from './figure_row'
import { Forms } from './forms'
import { Overdue } from './overdue'
import { loadFigures } from './own_figures'
import { Waiting } from './refusal'

export function Figures({ unit }: { unit: UnitRef }) {
  const words = portalWords()
  const { data, failure } = useAsked(unit.id, () => loadFigures(unit.id))
  const overdue = data?.procedures.find(({ figure }) => figure.indicator === 'in-hand-overdue')?.figure
  const period = data?.procedures[0]?.figure.period
  return (
    <>
      <section class="panel" data-testid="own-figures">
        <header class="panel-head">
          <h2>{words.figures}</h2>
          <span class="aside">{[unit.name, period && words.figuresOf(period)].filter(Boolean).join(' · ')}</span>
        </header>
        <Waiting on={data} failure={failure} />
        {data && data.procedures.length === 0 && <p class="caption pad">{words.figuresNone}</p>}
        {data && data.procedures.length > 0 && <Table items={data.procedures} />}
      </section>
      {data && data.charge.length > 0 && (
        <section class="panel" data-testid="charge-figures">
          <header class="panel-head">
            <h2>{words.charge}</h2>
          </header>
          <Table items={data.charge} />
        </section>
      )}
      <Boundary name="overdue">
        <Overdue unit={unit} all={overdue?.value ?? null} />
      </Boundary>
      <Boundary name="forms">
        <Forms unit={unit} />
      </Boundary>
    </>
  )
}

function Table({ items }: { items: UnitStanding[] }) {
  const words = portalWords()
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={words.figures}>
      <table class="own-figures">
        <thead>
          <tr>
            <th>{words.colIndicator}</th>
            <th>{words.colValue}</th>
            <th>{words.colTarget}</th>
            <th>{words.colCourse}</th>
            <th>{words.colPlace}</th>
            <th>{words.colCompared}</th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <FigureRow key={item.figure.id} standing={item} />
          ))}
        </tbody>
      </table>
    </div>
  )
}
