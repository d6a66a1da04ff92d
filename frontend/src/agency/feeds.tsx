/** A unit's feeds: what was received of them, what is held back and why, and how good their data are. */

import { Age } from '../design/age'
import { Boundary } from '../design/boundary'
import { number } from '../i18n/format'
import { domainWord, stateWord, w } from '../i18n/words'
import { tick } from '../live/clock'
import { feedFreshness } from '../live/freshness'
import type { FeedItem } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { FreshnessMark } from '../panels/feeds'
import { Ledger } from './ledger'
import { Mapping } from './mapping'
import { Quarantine } from './quarantine'
import { Ranking } from './ranking'
import { go, place } from './route'
import { Scores } from './scores'

export function Feeds({ feeds, own }: { feeds: FeedItem[]; own: string[] }) {
  const words = w()
  const centre = useCentre()
  const shown = feeds.find((item) => item.id === place.value.feed) ?? feeds[0]
  return (
    <>
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
                <FeedLine key={item.id} feed={item} chosen={item.id === shown?.id} choose={() => go({ section: 'feeds', feed: item.id })} />
              ))}
            </tbody>
          </table>
        </div>
      </section>
      <Boundary name="scores">
        <Scores agencies={own} />
      </Boundary>
      {shown && (
        <Boundary name="ledger" key={shown.id}>
          <Ledger feed={shown} />
          <Mapping feed={shown} mayRepair={centre.may('feed.repair')} />
          <Quarantine feed={shown} mayRepair={centre.may('feed.repair')} />
        </Boundary>
      )}
      <Boundary name="ranking">
        <Ranking own={own} />
      </Boundary>
    </>
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
