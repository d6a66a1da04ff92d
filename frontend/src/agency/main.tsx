/** The agency's portal: its own feeds, what was received of them, what is held back and why. */

import { useSignal } from '@preact/signals'
import { render } from 'preact'
import '../design/design.css'
import '../design/page.css'
import { Age } from '../design/age'
import { Boundary } from '../design/boundary'
import { number } from '../i18n/format'
import { domainWord, markLanguage, stateWord, w } from '../i18n/words'
import { Centre } from '../live/centre'
import { tick } from '../live/clock'
import { feedFreshness } from '../live/freshness'
import type { FeedItem } from '../live/protocol'
import { FreshnessMark } from '../panels/feeds'
import { PageFrame } from '../design/page'
import { Ledger } from './ledger'
import { Quarantine } from './quarantine'
import { Ranking } from './ranking'
import { Scores } from './scores'

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
      <Boundary name="scores">
        <Scores agencies={[...own]} />
      </Boundary>
      {shown && (
        <Boundary name="ledger" key={shown.id}>
          <Ledger feed={shown} />
          <Quarantine feed={shown} mayRepair={centre.may('feed.repair')} />
        </Boundary>
      )}
      <Boundary name="ranking">
        <Ranking own={[...own]} />
      </Boundary>
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

markLanguage()
render(<Agency />, document.body)
