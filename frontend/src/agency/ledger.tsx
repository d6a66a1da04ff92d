/** What came of a feed during the last hour, minute by minute, how late, and what became of it. */

import { clockTime, duration, number } from '../i18n/format'
import { w } from '../i18n/words'
import { serverNow } from '../live/clock'
import type { FeedItem, LedgerPage, LedgerRow } from '../live/protocol'
import { useAnswer } from './answer'
import './agency.css'

const HOUR = 3_600_000

export function Ledger({ feed }: { feed: FeedItem }) {
  const words = w()
  const { answer: ledger } = useAnswer<LedgerPage>(
    () => `/feeds/${encodeURIComponent(feed.id)}/ledger?since=${new Date(serverNow() - HOUR).toISOString()}`,
    feed.id,
  )
  return (
    <section class="panel" data-testid="ledger">
      <header class="panel-head">
        <h2>{words.agencyLedger}</h2>
        <span class="aside">{feed.name}</span>
      </header>
      {ledger && <Total total={ledger.total} />}
      {ledger?.idempotent === false && (
        <p class="pad behind" data-testid="not-idempotent">
          {words.agencyNotIdempotent}
        </p>
      )}
      {!!ledger?.forbidden && <p class="pad behind">{words.agencyForbidden(number(ledger.forbidden))}</p>}
      {ledger?.items.length === 0 && <p class="caption pad">{words.agencyNoLedger}</p>}
      {!!ledger?.items.length && <Minutes rows={[...ledger.items].reverse()} />}
    </section>
  )
}

function Total({ total }: { total: LedgerRow }) {
  const words = w()
  return (
    <>
      <p class="receipt">
        {words.agencyReceipt(
          number(total.received),
          number(total.stored),
          number(total.duplicate),
          number(total.corrected),
          number(total.late),
          number(total.quarantined),
        )}
      </p>
      <dl class="shares">
        <Share name={words.colStored} part={total.stored} whole={total.received} />
        <Share name={words.colQuarantined} part={total.quarantined} whole={total.received} />
        <Share name={words.colReplayed} part={total.replayed} whole={total.received} />
        <Figure name={words.lagMedian} value={lagText(total.lag_p50)} />
        <Figure name={words.lagLongest} value={lagText(total.lag_max)} />
        <Figure name={words.colBytes} value={bytesText(total.bytes)} />
        <Figure name={words.colDropped} value={number(total.dropped)} />
      </dl>
    </>
  )
}

/** A share is never shown without its counts. */
function Share({ name, part, whole }: { name: string; part: number; whole: number }) {
  return (
    <Figure
      name={name}
      value={whole ? `${number((100 * part) / whole, 1)} %` : '–'}
      counts={`${number(part)}/${number(whole)}`}
    />
  )
}

function Figure({ name, value, counts }: { name: string; value: string; counts?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value} {counts && <span class="caption">{counts}</span>}
      </dd>
    </div>
  )
}

function Minutes({ rows }: { rows: LedgerRow[] }) {
  const words = w()
  return (
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
            <th class="n">{words.colReplayed}</th>
            <th class="n">{words.colDropped}</th>
            <th class="n">{words.lagMedian}</th>
            <th class="n">{words.lagLongest}</th>
            <th class="n">{words.colBytes}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.minute}>
              <td>{clockTime(row.minute)}</td>
              <td class="n">{number(row.received)}</td>
              <td class="n">{number(row.stored)}</td>
              <td class="n">{number(row.duplicate)}</td>
              <td class="n">{number(row.corrected)}</td>
              <td class="n">{number(row.late)}</td>
              <td class={`n${row.quarantined ? ' held' : ''}`}>{number(row.quarantined)}</td>
              <td class="n">{number(row.replayed)}</td>
              <td class={`n${row.dropped ? ' held' : ''}`}>{number(row.dropped)}</td>
              <td class="n">{lagText(row.lag_p50)}</td>
              <td class="n">{lagText(row.lag_max)}</td>
              <td class="n">{bytesText(row.bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function lagText(seconds: number | null): string {
  if (seconds === null) return '–'
  return seconds < 1 ? w().underSecond : duration(seconds)
}

export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${number(bytes)} B`
  const thousands = Math.min(3, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** thousands
  return `${number(value, value < 10 ? 1 : 0)} ${['B', 'kB', 'MB', 'GB'][thousands]}`
}
