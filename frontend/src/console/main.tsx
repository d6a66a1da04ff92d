/** The operator's console: the list on the left, everything about one alert on the right, two hands on the keyboard. */

import { signal, useSignal } from '@preact/signals'
import { render } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import '../design/design.css'
import './console.css'
import { Ago } from '../design/age'
import { Boundary } from '../design/boundary'
import { Connection, LanguageSwitch, LostBar, SimulatedMark } from '../design/frame'
import { Shape } from '../design/shape'
import { bare } from '../i18n/bare'
import { clockTime, date, moment, number, timeZone } from '../i18n/format'
import { changeWord, domainWord, markLanguage, say, severityWord, w } from '../i18n/words'
import { get, Problem } from '../live/api'
import { Centre } from '../live/centre'
import { tick } from '../live/clock'
import { StillOrder, worstFirst } from '../live/order'
import type { AlertChange, AlertItem, Page } from '../live/protocol'
import { AcknowledgeButton, isCalling } from '../panels/alerts'
import { CentreContext } from '../panels/centre'
import { AlertDetail } from '../panels/detail'
import { Moves } from './moves'

/** How the log names what no person did. */
const ENGINE = 'engine'

/** The form of the chosen alert that is open. */
const form = signal<'assign' | 'shelve' | null>(null)

const centre = new Centre(false).follow('alerts', 'feeds')

function Console() {
  const zone = centre.city.value?.time_zone
  const query = useSignal('')
  const search = useRef<HTMLInputElement>(null)
  const comment = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (zone) timeZone.value = zone
  }, [zone])
  const alerts = useFound(query.value)
  const chosen = centre.selection.value?.kind === 'alert' ? centre.selection.value.id : null

  useEffect(() => {
    form.value = null
  }, [chosen])

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLInputElement
      if (event.key === 'Escape' && typing) (event.target as HTMLInputElement).blur()
      if (typing || event.ctrlKey || event.altKey || event.metaKey) return
      const place = alerts.findIndex((alert) => alert.id === chosen)
      const go = (to: number) => {
        const next = alerts[Math.max(0, Math.min(alerts.length - 1, to))]
        if (next) centre.select({ kind: 'alert', id: next.id })
      }
      if (event.key === 'j') go(place + 1)
      else if (event.key === 'k') go(place - 1)
      else if (event.key === 'a') document.querySelector<HTMLButtonElement>('.console-detail .acknowledge')?.click()
      else if (event.key === 's' && chosen && centre.may('alert.assign')) form.value = 'assign'
      else if (event.key === 'h' && chosen && centre.may('alert.handle')) form.value = 'shelve'
      else if (event.key === '/') search.current?.focus()
      else if (event.key === 'c') comment.current?.focus()
      else return
      event.preventDefault()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [alerts.map((alert) => alert.id).join(), chosen])

  return (
    <CentreContext.Provider value={centre}>
      <LostBar centre={centre} />
      <header class="console-bar">
        <h1>
          {w().consoleTitle} <span>{centre.city.value?.province.name ?? ''}</span>
        </h1>
        <SimulatedMark centre={centre} note={false} />
        <span class="caption keys">{w().consoleKeys}</span>
        <span class="console-time">
          {clockTime(tick.value)} · {date(tick.value)}
        </span>
        <Connection centre={centre} />
        <LanguageSwitch />
      </header>
      <main class="console-main">
        <Boundary name="list">
          <section class="panel console-list" aria-label={w().alerts}>
            <input
              ref={search}
              type="search"
              placeholder={w().consoleSearch}
              aria-label={w().consoleSearch}
              value={query.value}
              onInput={(event) => (query.value = event.currentTarget.value)}
            />
            {alerts.length === 0 && (
              <p class="caption empty">
                {!centre.alerts.known.value ? w().loading : query.value ? w().consoleNoMatch : w().alertsNone}
              </p>
            )}
            <ul>
              {alerts.map((alert) => (
                <Row key={alert.id} alert={alert} chosen={alert.id === chosen} />
              ))}
            </ul>
          </section>
        </Boundary>
        <Boundary name="detail">
          <section class="panel console-detail">
            <Detail id={chosen} comment={comment} />
          </section>
        </Boundary>
      </main>
    </CentreContext.Provider>
  )
}

/** Open alerts that match, accents ignored, in an order that stays still. */
function useFound(query: string): AlertItem[] {
  const still = useRef(new StillOrder())
  void tick.value
  const open = centre.alerts.read()
  const order = still.current.arrange([...open].sort(worstFirst).map((alert) => alert.id), performance.now(), false)
  const wanted = bare(query)
  return order
    .flatMap((id) => centre.alerts.items.get(id) ?? [])
    .filter((alert) => bare(`${say(alert.title)} ${alert.place.name} ${alert.unit?.name ?? ''} ${domainWord(alert.domain)}`).includes(wanted))
}

function Row({ alert, chosen }: { alert: AlertItem; chosen: boolean }) {
  const words = w()
  const row = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (chosen) row.current?.scrollIntoView({ block: 'nearest' })
  }, [chosen])
  return (
    <li
      ref={row}
      class={`console-row${chosen ? ' chosen' : ''}${alert.acknowledged ? ' seen' : ''}`}
      data-testid="alert"
      data-id={alert.id}
      data-severity={alert.severity}
      data-acknowledged={String(alert.acknowledged)}
      data-state={alert.state}
    >
      <Shape severity={alert.severity} cleared={alert.state === 'cleared'} blinking={isCalling(alert)} />
      <button type="button" aria-current={chosen} onClick={() => centre.select({ kind: 'alert', id: alert.id })}>
        <b>{say(alert.title)}</b>
        <span>
          {alert.place.name} · {alert.unit?.name ?? words.noOwner}
        </span>
        <span class="caption">
          {severityWord(alert.severity)} · <Ago time={alert.since} /> ·{' '}
          {alert.state === 'cleared' ? words.cleared : alert.acknowledged ? words.acknowledged : words.unacknowledged}
        </span>
        {alert.muted && <span class="caption">{say(alert.muted.reason)}</span>}
        {alert.shelved && <span class="caption">{words.shelvedUntil(clockTime(Date.parse(alert.shelved.until)), alert.shelved.by, alert.shelved.why)}</span>}
      </button>
      {!alert.acknowledged && centre.may('alert.acknowledge') && <AcknowledgeButton alert={alert} centre={centre} />}
    </li>
  )
}

function Detail({ id, comment }: { id: string | null; comment: { current: HTMLInputElement | null } }) {
  const alert = id === null ? undefined : centre.alerts.find(id)
  if (id === null) return <p class="caption empty">{w().consolePick}</p>
  if (!alert) return <p class="caption empty">{centre.alerts.known.value ? w().alertGone : w().loading}</p>
  return (
    <div class="console-columns" key={id}>
      <div>
        <AlertDetail alert={alert} />
      </div>
      <div>
        <Moves alert={alert} open={form.value} setOpen={(open) => (form.value = open)} />
        <History alert={alert} comment={comment} />
      </div>
    </div>
  )
}

function History({ alert, comment }: { alert: AlertItem; comment: { current: HTMLInputElement | null } }) {
  const words = w()
  const log = useSignal<AlertChange[] | null>(null)
  const failure = useSignal('')
  const load = () =>
    get<Page<AlertChange>>(`/alerts/${encodeURIComponent(alert.id)}/log`)
      .then((page) => (log.value = page.items))
      .catch(() => (log.value = []))
  useEffect(() => void load(), [alert.id, alert.version])
  const write = async (event: SubmitEvent) => {
    event.preventDefault()
    const field = comment.current
    const text = field?.value.trim()
    if (!field || !text) return
    failure.value = ''
    try {
      await centre.comment(alert, text)
      field.value = ''
      await load()
    } catch (error) {
      failure.value = words.actionFailed(error instanceof Problem && error.message ? error.message : words.unreachable)
    }
  }
  return (
    <div class="history">
      <h3>
        {words.history} {log.value && <span class="caption">{number(log.value.length)}</span>}
      </h3>
      {log.value?.length === 0 && <p class="caption">{words.historyNone}</p>}
      <ol>
        {log.value?.map((entry, i) => (
          <li key={i}>
            <span class="caption">{moment(entry.at, tick.value)}</span>
            <span>
              <b>{changeWord(entry.change)}</b>
              {entry.actor && ` · ${entry.actor === ENGINE ? words.engine : entry.actor}`}
              {entry.comment && <q>{entry.comment}</q>}
            </span>
          </li>
        ))}
      </ol>
      {centre.me.value && centre.me.value.role !== 'wall' && (
        <form onSubmit={(event) => void write(event)}>
          <input ref={comment} placeholder={words.commentPlaceholder} aria-label={words.comment} maxLength={2000} />
          <button type="submit">{words.send}</button>
        </form>
      )}
      <p class="failure" role="alert">
        {failure.value}
      </p>
    </div>
  )
}

markLanguage()
render(<Console />, document.body)
