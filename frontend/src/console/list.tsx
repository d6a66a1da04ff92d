/** The list of alerts: what is open, or what has closed. */

import { type Signal, useSignal } from '@preact/signals'
import type { RefObject } from 'preact'
import { number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { w } from '../i18n/words'
import type { AlertItem } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { put } from './address'
import { Bulk } from './bulk'
import { type Filter, isNarrow } from './filter'
import { Counted, Filters } from './filters'
import { holdStill } from './found'
import { type Past, PastFoot } from './past'
import { Row } from './row'

/** A storm has thousands: rows are made as far as somebody reads. */
const ROWS = 200

interface Props {
  alerts: AlertItem[]
  of: number
  filter: Filter
  /** What has closed, where that is looked at. */
  past: Past | null
  chosen: string | null
  search: RefObject<HTMLInputElement | null>
  /** The form that is open for what is marked. */
  bulk: Signal<'acknowledge' | 'assign' | 'shelve' | null>
  help: Signal<boolean>
}

export function List({ alerts, of, filter, past, chosen, search, bulk, help }: Props) {
  const words = w()
  const centre = useCentre()
  const rows = useSignal(ROWS)
  const place = alerts.findIndex((alert) => alert.id === chosen)
  const shown = alerts.slice(0, Math.max(rows.value, place + 1))
  return (
    <section class="panel console-list" aria-label={words.alerts} onPointerMove={holdStill}>
      <div class="list-head">
        <Views past={past !== null} />
        {past === null && <Counted shown={alerts.length} of={of} />}
      </div>
      <Filters filter={filter} past={past !== null} search={search} />
      {past === null && centre.alerts.others > 0 && (
        <p class="caption pad" data-testid="alerts-rest">
          {words.alertsRest(number(centre.alerts.others), number(centre.alerts.rest.value.critical ?? 0))}
        </p>
      )}
      {past === null && <Bulk form={bulk} shown={alerts} />}
      {alerts.length === 0 && <Nothing filter={filter} past={past} />}
      <ul data-testid="alerts">
        {shown.map((alert) => (
          <Row key={alert.id} alert={alert} shown={alerts} chosen={alert.id === chosen} markable={past === null} />
        ))}
        {shown.length < alerts.length && (
          <li>
            <button type="button" class="more" data-testid="rows-more" onClick={() => (rows.value = shown.length + ROWS)}>
              {consoleWords().moreRows(number(alerts.length - shown.length))}
            </button>
          </li>
        )}
        {past && alerts.length > 0 && (
          <li>
            <PastFoot past={past} />
          </li>
        )}
      </ul>
      <p class="caption keys">
        {words.consoleKeys}{' '}
        <button type="button" data-testid="help-open" onClick={() => (help.value = true)}>
          {consoleWords().keysAll}
        </button>
      </p>
    </section>
  )
}

function Views({ past }: { past: boolean }) {
  const words = consoleWords()
  return (
    <div class="views" role="group" aria-label={words.view}>
      <button type="button" aria-pressed={!past} data-testid="view-open" onClick={() => put({ view: null })}>
        {words.viewOpen}
      </button>
      <button type="button" aria-pressed={past} data-testid="view-past" onClick={() => put({ view: 'past', mine: null, state: null })}>
        {words.viewPast}
      </button>
    </div>
  )
}

function Nothing({ filter, past }: { filter: Filter; past: Past | null }) {
  const words = w()
  const centre = useCentre()
  if (past && past.state !== 'known') return <PastFoot past={past} />
  const none = past ? consoleWords().nonePast : words.alertsNone
  const said = !past && !centre.alerts.known.value ? words.loading : isNarrow(filter) ? words.consoleNoMatch : none
  return <p class="caption empty">{said}</p>
}
