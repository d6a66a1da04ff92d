/** The leader's summary on a phone: what changed, what is worst, how the province stands. */

import { render } from 'preact'
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import '../design/design.css'
import './phone.css'
import { Ago } from '../design/age'
import { Boundary } from '../design/boundary'
import { Connection, LanguageSwitch, LostBar, SimulatedMark } from '../design/frame'
import { Shape } from '../design/shape'
import { clockTime, date, figureText, moment, number, timeZone } from '../i18n/format'
import { markLanguage, say, severityWord, stateWord, w } from '../i18n/words'
import { post } from '../live/api'
import { Centre } from '../live/centre'
import { serverNow, tick } from '../live/clock'
import { feedFreshness } from '../live/freshness'
import { changesSince, keepLook, lookAt, previousLook, type Change, type Look } from '../live/lastlook'
import { worstFirst } from '../live/order'
import type { AlertItem, FigureItem, Freshness } from '../live/protocol'
import { AcknowledgeButton, isCalling } from '../panels/alerts'
import { CentreContext } from '../panels/centre'
import { FreshnessMark } from '../panels/feeds'
import { FigureAge, FigureCounts, FigureMeasure, FigureName, FigureValue, Gap, TargetNote } from '../panels/figure'
import { byPlace } from '../panels/placing'

const FIRST_ALERTS = 5
/** So many changes a side; the alerts themselves stand right below. */
const CHANGES = 3
const KEEP_EVERY = 20_000

const centre = new Centre(false).follow('alerts', 'feeds', 'summary')

function Phone() {
  const zone = centre.city.value?.time_zone
  useEffect(() => {
    if (zone) timeZone.value = zone
  }, [zone])
  return (
    <CentreContext.Provider value={centre}>
      <LostBar centre={centre} />
      <Header />
      <main>
        <Boundary name="changes">
          <Changes />
        </Boundary>
        <Boundary name="alerts">
          <Alerts />
        </Boundary>
        <Boundary name="figures">
          <Figures />
        </Boundary>
        <Boundary name="feeds">
          <Feeds />
        </Boundary>
      </main>
      <footer>
        <LanguageSwitch />
        <button type="button" onClick={() => void post('/logout').finally(() => location.assign('/login?next=/m'))}>
          {w().signOut}
        </button>
      </footer>
    </CentreContext.Provider>
  )
}

function Header() {
  return (
    <header>
      <div class="phone-name">
        <h1>{centre.city.value?.province.name ?? ''}</h1>
        <Connection centre={centre} />
      </div>
      <p class="caption">
        {w().leaderTitle} · {clockTime(tick.value)}, {date(tick.value)}
      </p>
      <SimulatedMark centre={centre} note={false} />
    </header>
  )
}

/** "Since your last look": compared with what this phone showed last time. */
function Changes() {
  const before = useRef<Look | null | undefined>(undefined)
  if (before.current === undefined) before.current = previousLook(Date.now())
  const known = centre.alerts.known.value && centre.summary.known.value
  useEffect(() => {
    if (!known) return
    const keep = () =>
      keepLook(before.current ?? null, lookAt([...centre.alerts.items.values()], [...centre.summary.items.values()], Date.now()))
    keep()
    const timer = window.setInterval(() => document.hidden || keep(), KEEP_EVERY)
    window.addEventListener('pagehide', keep)
    return () => {
      window.clearInterval(timer)
      window.removeEventListener('pagehide', keep)
    }
  }, [known])
  if (!known) return <section class="card caption">{w().loading}</section>
  const words = w()
  const look = before.current
  if (!look) return <section class="card caption">{words.firstLook}</section>
  const changes = changesSince(look, centre.alerts.read().sort(worstFirst), centre.summary.read())
  return (
    <section class="card changes" data-testid="changes">
      <h2>{words.sinceLastLook(moment(look.at, serverNow()))}</h2>
      {changes.length === 0 && <p class="caption">{words.nothingChanged}</p>}
      <Side changes={changes.filter((change) => change.worse)} worse />
      <Side changes={changes.filter((change) => !change.worse)} worse={false} />
    </section>
  )
}

function Side({ changes, worse }: { changes: Change[]; worse: boolean }) {
  if (changes.length === 0) return null
  const words = w()
  const rest = changes.length - CHANGES
  return (
    <div class={worse ? 'worse' : 'better'}>
      <h3>
        {worse ? `▼ ${words.becameWorse}` : `▲ ${words.becameBetter}`} ({number(changes.length)})
      </h3>
      <ul>
        {changes.slice(0, CHANGES).map((change, i) => (
          <li key={i}>{sentence(change)}</li>
        ))}
        {rest > 0 && <li class="caption">{words.andMore(number(rest))}</li>}
      </ul>
    </div>
  )
}

function sentence(change: Change): string {
  const words = w()
  if (change.kind === 'moved') {
    return words.figureMoved(say(change.figure.name), figureText(change.figure, change.from), figureText(change.figure))
  }
  const tell = { new: words.newAlert, gone: words.goneAlert, cleared: words.clearedAlert }[change.kind]
  return tell(say(change.title), change.place)
}

function Alerts() {
  const all = useSignal(false)
  const words = w()
  const alerts = [...centre.alerts.read()].sort(worstFirst)
  const shown = all.value ? alerts : alerts.slice(0, FIRST_ALERTS)
  const checked = centre.stream.lastFrame.value
  return (
    <section aria-label={words.alerts}>
      <h2>
        {words.toHandle} <span class="count">{number(alerts.filter((alert) => alert.state === 'active').length)}</span>
      </h2>
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
  const words = w()
  const cleared = alert.state === 'cleared'
  return (
    <li
      class={`card alert edge-${alert.severity}${alert.acknowledged ? ' seen' : ''}`}
      data-testid="alert"
      data-id={alert.id}
      data-severity={alert.severity}
      data-acknowledged={String(alert.acknowledged)}
      data-state={alert.state}
    >
      <p class="alert-line">
        <Shape severity={alert.severity} cleared={cleared} blinking={isCalling(alert)} />
        <span class="caption">
          {severityWord(alert.severity)} · <Ago time={alert.since} />
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

function Figures() {
  const words = w()
  const order = (figure: FigureItem) => (figure.standing === 'behind' ? 0 : 1)
  const figures = [...centre.summary.read()].sort((a, b) => order(a) - order(b) || byPlace(a, b))
  return (
    <section aria-label={words.indicators}>
      <h2>{words.indicators}</h2>
      <ul>
        {figures.map((figure) => (
          <li key={figure.id} class="card figure-card">
            <FigureName figure={figure} />
            <p class="figure-line">
              <FigureValue figure={figure} big />
              <Gap figure={figure} />
            </p>
            <FigureMeasure figure={figure} />
            <p class="caption figure-foot">
              <span>
                <FigureCounts figure={figure} /> <TargetNote figure={figure} />
              </span>
              <FigureAge figure={figure} always />
            </p>
          </li>
        ))}
      </ul>
    </section>
  )
}

const STATES: readonly Freshness[] = ['fresh', 'late', 'stale', 'never']

function Feeds() {
  const words = w()
  const feeds = centre.feeds.read().map((feed) => ({ feed, state: feedFreshness(feed, tick.value) }))
  const silent = feeds.filter(({ state }) => state === 'stale' || state === 'never')
  return (
    <section aria-label={words.feeds}>
      <h2>{words.feeds}</h2>
      <div class="card">
        <ul class="feed-counts">
          {STATES.map((state) => (
            <li key={state} data-testid={`feeds-${state}`}>
              <FreshnessMark state={state} />
              <b>{number(feeds.filter((row) => row.state === state).length)}</b> {stateWord(state)}
            </li>
          ))}
        </ul>
        <ul class="feeds-silent">
          {silent.map(({ feed }) => (
            <li key={feed.id} data-testid={`feed-${feed.id}`}>
              {feed.name} <span class="caption">{feed.agency.name}</span>{' '}
              <span class="caption">{feed.last_time === null ? words.never : <Ago time={feed.last_time} />}</span>
            </li>
          ))}
        </ul>
      </div>
    </section>
  )
}

markLanguage()
render(<Phone />, document.body)
