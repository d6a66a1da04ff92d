/** How many feeds are alive, and which are not. */

import { Ago } from '../design/age'
import { number } from '../i18n/format'
import { stateWord, w } from '../i18n/words'
import { tick } from '../live/clock'
import { feedFreshness } from '../live/freshness'
import type { Freshness } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { FreshnessMark } from '../panels/feeds'

const STATES: readonly Freshness[] = ['fresh', 'late', 'stale', 'never']

export function Feeds() {
  const centre = useCentre()
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
