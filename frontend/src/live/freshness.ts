/** How old a value is: the server's word, or worse where time has passed since it spoke. */

import type { FeedItem, FigureItem, Freshness, Instant, LayerFeature, LayerProperties } from './protocol'

const RANK: Record<Freshness, number> = { fresh: 0, late: 1, stale: 2, never: 3 }

export interface Dated {
  time: Instant | null
  state: Freshness
  late_after?: number | null
  stale_after?: number | null
}

/** The state at `now` (ms): a cut-off client greys its values by itself. */
export function freshness(dated: Dated, now: number): Freshness {
  if (dated.time === null) return dated.state
  const age = (now - Date.parse(dated.time)) / 1000
  let aged: Freshness = 'fresh'
  if (dated.stale_after != null && age > dated.stale_after) aged = 'stale'
  else if (dated.late_after != null && age > dated.late_after) aged = 'late'
  return RANK[aged] > RANK[dated.state] ? aged : dated.state
}

export function figureFreshness(figure: FigureItem, now: number): Freshness {
  return freshness(figure, now)
}

export function feedFreshness(feed: FeedItem, now: number): Freshness {
  return freshness({ ...feed, time: feed.last_time ?? feed.last_received }, now)
}

/** The newest time among a feature's values. */
export function newestTime(properties: LayerProperties): Instant | null {
  let newest: Instant | null = null
  for (const value of Object.values(properties.values)) {
    if (value.time !== null && (newest === null || Date.parse(value.time) > Date.parse(newest))) newest = value.time
  }
  return newest
}

/** Whether any value of a feature is suspect. */
export function isSuspect(feature: LayerFeature): boolean {
  return Object.values(feature.properties.values).some((value) => value.suspect?.length)
}

/** A feature is as fresh as its newest value: one dead property does not hide a living sensor. */
export function featureFreshness(feature: LayerFeature, now: number): Freshness {
  const { values, late_after, stale_after } = feature.properties
  let best: Freshness = 'never'
  for (const value of Object.values(values)) {
    const state = freshness({ time: value.time, state: value.state, late_after, stale_after }, now)
    if (RANK[state] < RANK[best]) best = state
  }
  return best
}
