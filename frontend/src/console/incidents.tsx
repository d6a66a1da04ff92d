/** The board of incidents: a column for each state, everything about one of them on the right. */

import { useRef } from 'preact/hooks'
import './incidents.css'
import { Boundary } from '../design/boundary'
import { number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { w } from '../i18n/words'
import { StillOrder } from '../live/order'
import { FigureCounts, FigureName, FigureValue } from '../panels/figure'
import { useCentre } from '../panels/centre'
import { byPlace } from '../panels/placing'
import type { IncidentItem } from '../live/incidents'
import { address, put } from './address'
import { IncidentCard } from './incident_card'
import { IncidentPanel } from './incident_detail'
import { byDeadline, COLUMNS, columnOf, followIncidents, incidentFigures, incidents, shownIncidents } from './incident_list'
import { movesByKey, moving } from './incident_moves'
import { beginOpening, isOpening, OpenForm, openingOf } from './incident_open'
import { writing } from './incident_writing'
import { useKeys } from './keys'

export function Incidents() {
  const centre = useCentre()
  followIncidents(centre)
  const columns = useColumns()
  const shown = COLUMNS.flatMap((column) => columns[column])
  const chosen = address.value.get('incident')
  const choose = (id: string) => {
    isOpening.value = false
    moving.value = null
    put({ incident: id })
  }
  const go = (steps: number) => {
    const place = shown.findIndex((item) => item.id === chosen) + steps
    const next = shown[Math.max(0, Math.min(shown.length - 1, place))]
    if (next) choose(next.id)
  }
  const mayRun = centre.may('incident.run')
  useKeys({
    j: () => go(1),
    k: () => go(-1),
    ...(mayRun ? { n: () => beginOpening(null) } : {}),
    ...(chosen ? { c: () => (writing.value += 1), ...movesByKey((move) => (moving.value = move)) } : {}),
    Escape: () => (moving.value = null),
  })
  return (
    <>
      <Boundary name="incidents">
        <div class="incidents-left" data-testid="incidents">
          <header class="panel incidents-head">
            {mayRun && (
              <button type="button" class="primary" data-testid="open-incident" onClick={() => beginOpening(null)}>
                {consoleWords().incidents.open} <kbd>n</kbd>
              </button>
            )}
            <Times />
          </header>
          <div class="incidents-board">
            {COLUMNS.map((column) => (
              <section key={column} class="panel" data-testid={`column-${column}`} aria-label={consoleWords().incidents.columns[column]}>
                <h2>
                  {consoleWords().incidents.columns[column]} <span class="caption">{number(columns[column].length)}</span>
                </h2>
                {columns[column].length === 0 && <p class="caption empty">{incidents.known.value ? consoleWords().incidents.columnNone : w().loading}</p>}
                <ul>
                  {columns[column].map((item) => (
                    <IncidentCard key={item.id} item={item} chosen={item.id === chosen} choose={choose} />
                  ))}
                </ul>
              </section>
            ))}
          </div>
        </div>
      </Boundary>
      <Boundary name="incident">
        <section class="panel incident-side">
          {isOpening.value ? (
            <OpenForm key={openingOf.value?.id ?? ''} opened={(item) => choose(item.id)} />
          ) : chosen !== null ? (
            <IncidentPanel id={chosen} />
          ) : (
            <p class="caption empty">{consoleWords().incidents.pick}</p>
          )}
        </section>
      </Boundary>
    </>
  )
}

/** What is shown by column, the nearest deadline first, in an order that stays still. */
function useColumns(): Record<(typeof COLUMNS)[number], IncidentItem[]> {
  const still = useRef(new StillOrder())
  const items = new Map(shownIncidents().map((item) => [item.id, item]))
  const sorted = [...items.values()].sort(byDeadline).map((item) => item.id)
  const order = still.current.arrange(sorted, performance.now(), false)
  const found = Object.fromEntries(COLUMNS.map((column) => [column, [] as IncidentItem[]])) as Record<(typeof COLUMNS)[number], IncidentItem[]>
  for (const id of order) {
    const item = items.get(id)
    if (item) found[columnOf(item.state)].push(item)
  }
  return found
}

/** How soon incidents were taken, given to somebody and resolved, against their deadlines. */
function Times() {
  const figures = incidentFigures.read().sort(byPlace)
  if (figures.length === 0) return <p class="caption">{incidentFigures.known.value ? consoleWords().incidents.figuresNone : w().loading}</p>
  return (
    <dl class="incident-times" data-testid="incident-times">
      {figures.map((figure) => (
        <div key={figure.id}>
          <dt>
            <FigureName figure={figure} />
          </dt>
          <dd>
            <FigureValue figure={figure} /> <FigureCounts figure={figure} />
          </dd>
        </div>
      ))}
    </dl>
  )
}
