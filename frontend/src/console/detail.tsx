/** Everything about one alert: what, where, why, how it came to it, and what goes with it. */

import type { Signal } from '@preact/signals'
import type { RefObject } from 'preact'
import { Ago } from '../design/age'
import { LevelMark } from '../design/level'
import { Shape } from '../design/shape'
import { clockTime, moment, number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { say, severityWord, w } from '../i18n/words'
import { tick } from '../live/clock'
import type { AlertItem, AlertSheet } from '../live/protocol'
import { AcknowledgeButton } from '../panels/alerts'
import { useCentre } from '../panels/centre'
import { Fact } from '../panels/detail'
import { Calls } from './calls'
import { Cameras } from './cameras'
import { Cause } from './cause'
import { History } from './history'
import { IncidentOfAlert } from './incident_of_alert'
import { Moves } from './moves'
import { useSheet } from './sheet'

/** Of a storm only the first are named. */
const MOST_OTHERS = 8

interface Props {
  id: string | null
  form: Signal<'assign' | 'shelve' | null>
  comment: RefObject<HTMLInputElement | null>
}

export function Detail({ id, form, comment }: Props) {
  if (id === null) return <p class="caption empty">{w().consolePick}</p>
  return <One key={id} id={id} form={form} comment={comment} />
}

function One({ id, form, comment }: Props & { id: string }) {
  const centre = useCentre()
  const words = w()
  const open = centre.alerts.find(id)
  const asked = useSheet(id, open?.version)
  const sheet = typeof asked === 'string' ? null : asked
  const alert = open ?? sheet?.alert
  if (!alert) {
    const said = { loading: words.loading, none: words.alertGone, failed: words.unreachable }
    return <p class="caption empty">{typeof asked === 'string' ? said[asked] : words.loading}</p>
  }
  return (
    <div class="console-columns">
      <div>
        <What alert={alert} sheet={sheet} />
        {sheet && <Cause sheet={sheet} />}
      </div>
      <div>
        {open && !alert.acknowledged && centre.may('alert.acknowledge') && <AcknowledgeButton alert={alert} centre={centre} long />}
        {open && <Moves alert={open} open={form.value} setOpen={(name) => (form.value = name)} />}
        {(open || alert.incident) && <IncidentOfAlert alert={alert} />}
        <Cameras point={alert.place.point} />
        <Matter alert={alert} />
        <Calls about={{ alert: id }} unit={alert.unit?.id ?? null} />
        <History alert={alert} sheet={sheet} comment={comment} />
      </div>
    </div>
  )
}

function What({ alert, sheet }: { alert: AlertItem; sheet: AlertSheet | null }) {
  const words = w()
  const now = tick.value
  const seen = alert.acknowledged_at ? `, ${moment(alert.acknowledged_at, now)}` : ''
  return (
    <>
      <h2 class="detail-title">
        <Shape severity={alert.severity} cleared={alert.state === 'cleared'} /> {say(alert.title)}
      </h2>
      <p class="detail-sub">
        <LevelMark level={alert.national_level} /> {severityWord(alert.severity)} · {alert.state === 'cleared' ? words.cleared : words.active}
        {alert.cleared_at && ` ${moment(alert.cleared_at, now)}`}
        {alert.flapping && ` · ${consoleWords().flapping}`}
        {alert.noted && ` · ${consoleWords().noted}`}
        {alert.exercise && ` · ${consoleWords().exercise}`}
      </p>
      <p class="detail-reason">{say(alert.reason)}</p>
      <Quiet alert={alert} />
      <dl class="facts">
        <Fact term={words.place}>{alert.place.name}</Fact>
        <Fact term={words.since}>
          {moment(alert.since, now)} (<Ago time={alert.since} />)
        </Fact>
        <Fact term={words.unitResponsible}>{alert.unit?.name ?? words.noOwner}</Fact>
        <Fact term={words.who}>{alert.acknowledged ? `${alert.acknowledged_by ?? words.acknowledged}${seen}` : words.unacknowledged}</Fact>
        {alert.incident && <Fact term={consoleWords().incident}>{alert.incident.code}</Fact>}
        {sheet?.advice && <Fact term={consoleWords().advice}>{say(sheet.advice)}</Fact>}
      </dl>
    </>
  )
}

/** Why it is kept quiet, in words. */
function Quiet({ alert }: { alert: AlertItem }) {
  const words = w()
  if (!alert.muted && !alert.shelved) return null
  return (
    <div class="quiet" data-testid="quiet">
      {alert.muted && (
        <p>
          <b>{consoleWords().mutedBy[alert.muted.cause]}</b>: {say(alert.muted.reason)}
        </p>
      )}
      {alert.shelved && <p>{words.shelvedUntil(clockTime(alert.shelved.until), alert.shelved.by, alert.shelved.why)}</p>}
    </div>
  )
}

/** What else is open of the same matter, and why it belongs together. */
function Matter({ alert }: { alert: AlertItem }) {
  const centre = useCentre()
  const words = consoleWords()
  const others = alert.matter ? centre.alerts.read().filter((one) => one.matter === alert.matter && one.id !== alert.id) : []
  if (others.length === 0) return null
  return (
    <section class="matter" data-testid="matter">
      <h3>
        {words.matter} <span class="caption">{number(others.length)}</span>
      </h3>
      {alert.matter_reason && <p class="caption">{words.matterReasons[alert.matter_reason]}</p>}
      <ul>
        {others.slice(0, MOST_OTHERS).map((one) => (
          <li key={one.id}>
            <button type="button" onClick={() => centre.select({ kind: 'alert', id: one.id })}>
              <Shape severity={one.severity} cleared={one.state === 'cleared'} /> {say(one.title)} · {one.place.name}
            </button>
          </li>
        ))}
      </ul>
      {others.length > MOST_OTHERS && <p class="caption">{words.matterMore(number(others.length - MOST_OTHERS))}</p>}
    </section>
  )
}
