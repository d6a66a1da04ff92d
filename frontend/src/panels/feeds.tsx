/** Whether the feeds report: the ones that do not first, with the agency that owes the data. */

import { Age } from '../design/age'
import { duration, number } from '../i18n/format'
import { stateWord, w } from '../i18n/words'
import { tick } from '../live/clock'
import { feedFreshness } from '../live/freshness'
import type { FeedItem, Freshness } from '../live/protocol'
import { useCentre } from './centre'

const WORST: Record<Freshness, number> = { stale: 0, never: 1, late: 2, fresh: 3 }

export function FeedsPanel() {
  const centre = useCentre()
  const words = w()
  const now = tick.value
  const rows = centre.feeds
    .read()
    .map((feed) => ({ feed, state: feedFreshness(feed, now) }))
    .sort((a, b) => WORST[a.state] - WORST[b.state] || a.feed.name.localeCompare(b.feed.name, 'vi'))
  const fresh = rows.filter((row) => row.state === 'fresh').length
  return (
    <section class="panel feeds" aria-label={words.feeds} data-testid="panel-feeds">
      <header class="panel-head">
        <h2>{words.feeds}</h2>
        {rows.length > 0 && (
          <span class={`aside${fresh < rows.length ? ' behind' : ''}`}>{words.feedsSummary(number(fresh), number(rows.length))}</span>
        )}
      </header>
      {rows.length === 0 && <p class="caption pad">{centre.feeds.known.value ? words.feedsNone : words.loading}</p>}
      <div class="feeds-list">
        <ul class="feeds-rows">
          {rows.map(({ feed, state }) => (
            <FeedRow key={feed.id} feed={feed} state={state} />
          ))}
        </ul>
      </div>
    </section>
  )
}

function FeedRow({ feed, state }: { feed: FeedItem; state: Freshness }) {
  const words = w()
  // Dossiers have no phenomenon time; their age is that of their arrival.
  const last = feed.last_time ?? feed.last_received
  return (
    <li class={`feed is-${state}`} title={`${feed.name} · ${feed.agency.name}`} data-testid={`feed-${feed.id}`} data-state={state}>
      <FreshnessMark state={state} />
      <span class="feed-name">
        {feed.name} {state !== 'fresh' && <span class="feed-agency">{feed.agency.name}</span>}
      </span>
      {feed.quarantined_hour > 0 && <span class="feed-held">{words.quarantined(number(feed.quarantined_hour))}</span>}
      <span class="feed-age">
        {state === 'fresh' && last !== null ? since(last) : <Age time={last} state={state} always />}
      </span>
    </li>
  )
}

/** Filled while fresh, half while late, hollow once stale: a form, not only a shade. */
export function FreshnessMark({ state }: { state: Freshness }) {
  return (
    <svg class={`freshness ${state}`} viewBox="0 0 12 12" role="img" aria-label={stateWord(state)}>
      <circle cx="6" cy="6" r="4.6" />
      {state === 'late' && <path d="M6 1.4A4.6 4.6 0 0 1 6 10.6Z" />}
      {state === 'never' && <path d="M2.8 9.2 9.2 2.8" />}
    </svg>
  )
}

/** "24 giờ": short, since a fresh age is only there for those who look for it. */
function since(time: string): string {
  const seconds = (tick.value - Date.parse(time)) / 1000
  return seconds < 10 ? w().justNow : duration(seconds)
}
