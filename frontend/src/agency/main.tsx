/** The agency's portal: its own feeds, what was received of them, what is held back and why. */

import { useSignal } from '@preact/signals'
import { render } from 'preact'
import { useEffect } from 'preact/hooks'
import '../design/design.css'
import '../design/page.css'
import { Age } from '../design/age'
import { Boundary } from '../design/boundary'
import { clockSeconds, clockTime, moment, number } from '../i18n/format'
import { domainWord, markLanguage, stateWord, w } from '../i18n/words'
import { get } from '../live/api'
import { Centre } from '../live/centre'
import { serverNow, tick } from '../live/clock'
import { feedFreshness } from '../live/freshness'
import type { FeedItem, LedgerPage, LedgerRow, Page, QuarantineRow } from '../live/protocol'
import { FreshnessMark } from '../panels/feeds'
import { PageFrame } from '../design/page'

const HOUR = 3_600_000
const RENEW_EVERY = 15_000

const centre = new Centre(false).askForFeeds()
const chosen = new URLSearchParams(location.search).get('feed')

function Agency() {
  const words = w()
  const feed = useSignal<string | null>(chosen)
  const own = new Set(centre.me.value?.role === 'agency' ? centre.me.value.units.map((unit) => unit.id) : [])
  const feeds = centre.feeds
    .read()
    .filter((item) => own.size === 0 || own.has(item.agency.id))
    .sort((a, b) => a.name.localeCompare(b.name, 'vi'))
  const shown = feeds.find((item) => item.id === feed.value) ?? feeds[0]
  const units = centre.me.value?.units.map((unit) => unit.name).join(', ') ?? ''
  return (
    <PageFrame centre={centre} title={words.agencyTitle} sub={units}>
      <section class="panel">
        <header class="panel-head">
          <h2>{words.agencyOwnFeeds}</h2>
        </header>
        {feeds.length === 0 && <p class="caption pad">{centre.feeds.known.value ? words.feedsNone : words.loading}</p>}
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th>{words.colFeed}</th>
                <th>{words.colDomain}</th>
                <th>{words.colState}</th>
                <th>{words.colLast}</th>
                <th class="n">{words.colHour}</th>
                <th class="n">{words.colQuarantined}</th>
                <th class="n">{words.colSeries}</th>
              </tr>
            </thead>
            <tbody>
              {feeds.map((item) => (
                <FeedLine key={item.id} feed={item} chosen={item.id === shown?.id} choose={() => (feed.value = item.id)} />
              ))}
            </tbody>
          </table>
        </div>
      </section>
      {shown && (
        <Boundary name="ledger" key={shown.id}>
          <Ledger feed={shown} />
          <Quarantine feed={shown} />
        </Boundary>
      )}
    </PageFrame>
  )
}

function FeedLine({ feed, chosen, choose }: { feed: FeedItem; chosen: boolean; choose: () => void }) {
  const state = feedFreshness(feed, tick.value)
  return (
    <tr class={chosen ? 'chosen' : ''} data-testid={`feed-${feed.id}`} data-state={state}>
      <td>
        <button type="button" class="link" aria-pressed={chosen} onClick={choose}>
          {feed.name}
        </button>
        <div class="caption">
          <code>{feed.id}</code> {!feed.idempotent && `· ${w().notIdempotent}`}
        </div>
      </td>
      <td>{domainWord(feed.domain)}</td>
      <td>
        <FreshnessMark state={state} /> {stateWord(state)}
      </td>
      <td>
        <Age time={feed.last_time ?? feed.last_received} state={state} always />
      </td>
      <td class="n">{number(feed.received_hour)}</td>
      <td class="n">{number(feed.quarantined_hour)}</td>
      <td class="n">{number(feed.series)}</td>
    </tr>
  )
}

/** An answer that is asked for again every so often. */
function useAnswer<T>(path: () => string, key: string): T | null {
  const rows = useSignal<T | null>(null)
  useEffect(() => {
    const load = () =>
      get<T>(path())
        .then((answer) => (rows.value = answer))
        .catch((error: unknown) => console.warn('not answered', error))
    void load()
    const timer = window.setInterval(() => void load(), RENEW_EVERY)
    return () => window.clearInterval(timer)
  }, [key])
  return rows.value
}

function Ledger({ feed }: { feed: FeedItem }) {
  const words = w()
  const ledger = useAnswer<LedgerPage>(
    () => `/feeds/${encodeURIComponent(feed.id)}/ledger?since=${new Date(serverNow() - HOUR).toISOString()}`,
    feed.id,
  )
  const rows = ledger?.items ?? null
  const sum = (read: (row: LedgerRow) => number) => number((rows ?? []).reduce((total, row) => total + read(row), 0))
  const newest = [...(rows ?? [])].sort((a, b) => Date.parse(b.minute) - Date.parse(a.minute))
  return (
    <section class="panel" data-testid="ledger">
      <header class="panel-head">
        <h2>{words.agencyLedger}</h2>
        <span class="aside">{feed.name}</span>
      </header>
      <p class="receipt">
        {words.agencyReceipt(
          sum((r) => r.received),
          sum((r) => r.stored),
          sum((r) => r.duplicate),
          sum((r) => r.corrected),
          sum((r) => r.late),
          sum((r) => r.quarantined),
        )}
      </p>
      {!!ledger?.forbidden && <p class="pad behind">{words.agencyForbidden(number(ledger.forbidden))}</p>}
      {rows !== null && rows.length === 0 && <p class="caption pad">{words.agencyNoLedger}</p>}
      {newest.length > 0 && (
        <div class="scroll tall">
          <table>
            <thead>
              <tr>
                <th>{words.colMinute}</th>
                <th class="n">{words.colReceived}</th>
                <th class="n">{words.colStored}</th>
                <th class="n">{words.colDuplicate}</th>
                <th class="n">{words.colCorrected}</th>
                <th class="n">{words.colLate}</th>
                <th class="n">{words.colQuarantined}</th>
              </tr>
            </thead>
            <tbody>
              {newest.map((row) => (
                <tr key={row.minute}>
                  <td>{clockTime(row.minute)}</td>
                  <td class="n">{number(row.received)}</td>
                  <td class="n">{number(row.stored)}</td>
                  <td class="n">{number(row.duplicate)}</td>
                  <td class="n">{number(row.corrected)}</td>
                  <td class="n">{number(row.late)}</td>
                  <td class={`n${row.quarantined ? ' held' : ''}`}>{number(row.quarantined)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

function Quarantine({ feed }: { feed: FeedItem }) {
  const words = w()
  const rows = useAnswer<Page<QuarantineRow>>(() => `/feeds/${encodeURIComponent(feed.id)}/quarantine`, feed.id)?.items ?? null
  return (
    <section class="panel" data-testid="quarantine">
      <header class="panel-head">
        <h2>{words.agencyQuarantine}</h2>
        <span class="aside">{feed.name}</span>
      </header>
      {rows !== null && rows.length === 0 && <p class="caption pad">{words.agencyNoQuarantine}</p>}
      {rows !== null && rows.length > 0 && (
        <div class="scroll tall">
          <table>
            <thead>
              <tr>
                <th>{words.colTime}</th>
                <th>{words.colChannel}</th>
                <th class="n">{words.colIndex}</th>
                <th>{words.colReason}</th>
                <th>{words.colPayload}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.id} data-testid="quarantined">
                  <td title={clockSeconds(row.received_at)}>{moment(row.received_at, tick.value)}</td>
                  <td>{row.channel}</td>
                  <td class="n">{row.index ?? '–'}</td>
                  <td>
                    <code>{row.reason}</code>
                    <div class="caption">{row.detail}</div>
                  </td>
                  <td>
                    <code class="payload">{typeof row.payload === 'string' ? row.payload : JSON.stringify(row.payload)}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

markLanguage()
render(<Agency />, document.body)
