/** Open alerts as cards, worst first. */

import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Ago } from '../design/age'
import { LevelMark } from '../design/level'
import { Shape } from '../design/shape'
import { clockTime, number } from '../i18n/format'
import { say, severityWord, w } from '../i18n/words'
import { isQuiet, worstFirst } from '../live/order'
import type { AlertItem } from '../live/protocol'
import { AcknowledgeButton, isCalling } from '../panels/alerts'
import { useCentre } from '../panels/centre'
import { openAlert } from './route'
import { useStill } from './still'

const FIRST_ALERTS = 5

export function Alerts() {
  const centre = useCentre()
  const all = useSignal(false)
  const words = w()
  const alerts = useStill(centre.alerts.read().filter((alert) => !isQuiet(alert)).sort(worstFirst))
  const asked = openAlert.value
  const found = asked === null ? undefined : centre.alerts.items.get(asked)
  const first = alerts.slice(0, FIRST_ALERTS)
  const shown = all.value ? alerts : found && !first.some((alert) => alert.id === asked) ? [found, ...first] : first
  const checked = centre.stream.lastFrame.value
  return (
    <section aria-label={words.alerts}>
      <h2>
        {words.toHandle} <span class="count">{number(alerts.filter((alert) => alert.state === 'active').length)}</span>
      </h2>
      {asked !== null && !found && checked !== null && (
        <p class="card" data-testid="alert-ended">
          {words.push.ended}
        </p>
      )}
      {alerts.length === 0 && (
        <div class="card" data-testid="alerts-none">
          {words.alertsNone}
          {checked !== null && <p class="caption">{words.alertsChecked(clockTime(checked))}</p>}
        </div>
      )}
      <ul>
        {shown.map((alert) => (
          <AlertCard key={alert.id} alert={alert} />
        ))}
      </ul>
      {shown.length < alerts.length && (
        <button type="button" class="more" onClick={() => (all.value = true)}>
          {words.showAll(number(alerts.length))}
        </button>
      )}
    </section>
  )
}

function AlertCard({ alert }: { alert: AlertItem }) {
  const centre = useCentre()
  const words = w()
  const cleared = alert.state === 'cleared'
  const asked = openAlert.value === alert.id
  const card = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (asked) card.current?.scrollIntoView({ block: 'center' })
  }, [asked])
  return (
    <li
      ref={card}
      class={`card alert edge-${alert.severity}${alert.acknowledged ? ' seen' : ''}${asked ? ' asked' : ''}`}
      data-testid="alert"
      data-id={alert.id}
      data-severity={alert.severity}
      data-acknowledged={String(alert.acknowledged)}
      data-state={alert.state}
    >
      <p class="alert-line">
        <Shape severity={alert.severity} cleared={cleared} blinking={isCalling(alert)} />
        <span class="caption">
          <LevelMark level={alert.national_level} /> {severityWord(alert.severity)} · <Ago time={alert.since} />
        </span>
      </p>
      <h3>{say(alert.title)}</h3>
      <p>{alert.place.name}</p>
      <p class="caption">
        {alert.unit?.name ?? words.noOwner} ·{' '}
        {cleared
          ? words.cleared
          : alert.acknowledged
            ? alert.acknowledged_by
              ? words.acknowledgedBy(alert.acknowledged_by)
              : words.acknowledged
            : words.unacknowledged}
      </p>
      {!alert.acknowledged && centre.may('alert.acknowledge') && <AcknowledgeButton alert={alert} centre={centre} long />}
    </li>
  )
}
