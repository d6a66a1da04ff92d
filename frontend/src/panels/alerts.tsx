/** Open alerts, worst first: what, where, since when, whose. */

import { useComputed, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Ago } from '../design/age'
import { LevelMark } from '../design/level'
import { Shape } from '../design/shape'
import { clockTime, number } from '../i18n/format'
import { say, severityWord, w } from '../i18n/words'
import { Problem } from '../live/api'
import type { Centre } from '../live/centre'
import { serverNow, tick } from '../live/clock'
import { isQuiet, SEVERITIES, StillOrder, worstFirst } from '../live/order'
import type { AlertItem } from '../live/protocol'
import { useCentre } from './centre'

export function AlertsPanel() {
  const centre = useCentre()
  const words = w()
  const alerts = useStillAlerts(centre)
  const quiet = centre.alerts.read().filter(isQuiet).length
  const unseen = alerts.filter((alert) => !alert.acknowledged).length
  return (
    <section class="panel alerts" aria-label={words.alerts} data-testid="panel-alerts">
      <header class="panel-head">
        <h2>{words.alerts}</h2>
        <SeverityCounts alerts={alerts} />
      </header>
      {alerts.length > 0 && (
        <p class={`alerts-unseen caption${unseen ? ' some' : ''}`}>
          {unseen ? words.alertsUnseen(number(unseen)) : words.alertsAllSeen}
        </p>
      )}
      {quiet > 0 && (
        <p class="alerts-quiet caption" data-testid="alerts-quiet">
          {words.alertsQuiet(number(quiet))}
        </p>
      )}
      {centre.alerts.others > 0 && (
        <p class="alerts-quiet caption" data-testid="alerts-rest">
          {words.alertsRest(number(centre.alerts.others), number(centre.alerts.rest.value.critical ?? 0))}
        </p>
      )}
      {alerts.length === 0 ? <NoAlerts centre={centre} /> : <AlertList alerts={alerts} centre={centre} />}
    </section>
  )
}

/** The open alerts in an order that stays still while somebody reads. */
function useStillAlerts(centre: Centre): AlertItem[] {
  const still = useRef(new StillOrder())
  const beat = useComputed(() => Math.floor(tick.value / 1000))
  void beat.value
  const open = centre.alerts.read().filter((alert) => !isQuiet(alert))
  const sorted = [...open].sort(worstFirst).map((alert) => alert.id)
  const held = document.querySelector('.alerts-list:hover') !== null
  return still.current
    .arrange(sorted, performance.now(), held)
    .flatMap((id) => centre.alerts.items.get(id) ?? [])
}

function SeverityCounts({ alerts }: { alerts: AlertItem[] }) {
  return (
    <ul class="severity-counts aside">
      {SEVERITIES.map((severity) => {
        const count = alerts.filter((a) => a.severity === severity && a.state === 'active').length
        return (
          <li key={severity} class={count ? '' : 'none'} title={severityWord(severity)} data-testid={`count-${severity}`}>
            <Shape severity={severity} />
            {number(count)}
          </li>
        )
      })}
    </ul>
  )
}

function NoAlerts({ centre }: { centre: Centre }) {
  const words = w()
  const checked = centre.stream.lastFrame.value
  if (!centre.alerts.known.value) return <p class="alerts-none caption">{words.loading}</p>
  return (
    <div class="alerts-none" data-testid="alerts-none">
      <p>{words.alertsNone}</p>
      {checked !== null && <p class="caption">{words.alertsChecked(clockTime(checked))}</p>}
    </div>
  )
}

function AlertList({ alerts, centre }: { alerts: AlertItem[]; centre: Centre }) {
  const list = useRef<HTMLUListElement>(null)
  const below = useSignal(0)
  useEffect(() => {
    const element = list.current
    if (!element) return
    const count = () => {
      const bottom = element.getBoundingClientRect().bottom
      // A row that shows less than its first line counts as hidden.
      below.value = [...element.children].filter((row) => {
        const box = row.getBoundingClientRect()
        return box.top + Math.min(box.height, 40) > bottom
      }).length
    }
    count()
    element.addEventListener('scroll', count, { passive: true })
    const observer = new ResizeObserver(count)
    observer.observe(element)
    return () => {
      element.removeEventListener('scroll', count)
      observer.disconnect()
    }
  }, [alerts.length])
  return (
    <>
      <ul class="alerts-list" ref={list}>
        {alerts.map((alert) => (
          <AlertRow key={alert.id} alert={alert} centre={centre} />
        ))}
      </ul>
      {below.value > 0 && <p class="alerts-more caption">↓ {w().alertsMore(number(below.value))}</p>}
    </>
  )
}

function AlertRow({ alert, centre }: { alert: AlertItem; centre: Centre }) {
  const words = w()
  const cleared = alert.state === 'cleared'
  const chosen = centre.selection.value?.kind === 'alert' && centre.selection.value.id === alert.id
  return (
    <li
      class={`alert${alert.acknowledged ? ' seen' : ''}${cleared ? ' cleared' : ''}${chosen ? ' chosen' : ''} sev-edge-${alert.severity}`}
      data-testid="alert"
      data-id={alert.id}
      data-severity={alert.severity}
      data-acknowledged={String(alert.acknowledged)}
      data-state={alert.state}
    >
      <Shape severity={alert.severity} cleared={cleared} blinking={isCalling(alert)} />
      <button type="button" class="alert-body" onClick={() => centre.select({ kind: 'alert', id: alert.id })}>
        <span class="alert-since">
          <Ago time={alert.since} />
        </span>
        <span class="alert-title">{say(alert.title)}</span>
        <span class="alert-where">
          <LevelMark level={alert.national_level} /> {alert.place.name}
        </span>
      </button>
      <div class="alert-who">
        <span class="alert-owner">{alert.unit?.name ?? words.noOwner}</span>
        {cleared ? (
          <span class="alert-state">{words.cleared}</span>
        ) : alert.acknowledged ? (
          <span class="alert-state">{alert.acknowledged_by ? words.acknowledgedBy(alert.acknowledged_by) : words.acknowledged}</span>
        ) : (
          !centre.may('alert.acknowledge') && <span class="alert-state unseen">{words.unacknowledged}</span>
        )}
        {!alert.acknowledged && centre.may('alert.acknowledge') && <AcknowledgeButton alert={alert} centre={centre} />}
      </div>
    </li>
  )
}

/** The only thing that blinks: critical, active and nobody's. */
export function isCalling(alert: AlertItem): boolean {
  return !isQuiet(alert) && alert.severity === 'critical' && alert.state === 'active' && !alert.acknowledged
}

export function AcknowledgeButton({ alert, centre, long = false }: { alert: AlertItem; centre: Centre; long?: boolean }) {
  const busy = useSignal(false)
  const failure = useSignal('')
  const words = w()
  const act = async () => {
    busy.value = true
    failure.value = ''
    // Shown at once; the server's answer, or its refusal, sets it right.
    const before = alert
    centre.alerts.put({
      ...alert,
      acknowledged: true,
      acknowledged_by: centre.me.peek()?.name ?? null,
      acknowledged_at: new Date(serverNow()).toISOString(),
    })
    try {
      await centre.acknowledge(alert)
    } catch (error) {
      if (centre.alerts.items.get(alert.id)?.acknowledged) centre.alerts.put(before)
      failure.value = words.actionFailed(error instanceof Problem && error.message ? error.message : words.unreachable)
    } finally {
      busy.value = false
    }
  }
  return (
    <>
      <button
        type="button"
        class="acknowledge"
        disabled={busy.value}
        data-testid="acknowledge"
        aria-label={`${words.acknowledgeLong}: ${say(alert.title)}, ${alert.place.name}`}
        onClick={() => void act()}
      >
        {long ? words.acknowledgeLong : words.acknowledge}
      </button>
      {failure.value && <span class="failure" role="alert">{failure.value}</span>}
    </>
  )
}
