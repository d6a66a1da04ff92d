/** What a page of the centre knows: who is looking, which city, and the live collections it follows. */

import { signal } from '@preact/signals'
import { get, post, Problem } from './api'
import { startClock } from './clock'
import { Collection } from './collection'
import type { AlertItem, City, FeedItem, FigureItem, LayerFeature, Me, Page } from './protocol'
import { Stream, streamUrl } from './socket'

const CITY_EVERY = 60_000
const BACKFILL_EVERY = 5_000
const FEEDS_EVERY = 5_000
const BOARDS: ReadonlySet<string> = new Set(['overview', 'procedures', 'data'])

export type Selection = { kind: 'alert'; id: string } | { kind: 'feature'; layer: string; id: string } | null

export class Centre {
  readonly me = signal<Me | null>(null)
  readonly city = signal<City | null>(null)
  readonly selection = signal<Selection>(readHash())
  /** The session ended while the page was open. */
  readonly signedOut = signal(false)

  readonly alerts = new Collection<AlertItem>()
  readonly feeds = new Collection<FeedItem>()
  readonly overview = new Collection<FigureItem>()
  readonly procedures = new Collection<FigureItem>()
  readonly summary = new Collection<FigureItem>()
  /** The quality of the data of all and of each agency. */
  readonly data = new Collection<FigureItem>()
  readonly layers = new Map<string, Collection<LayerFeature>>()

  readonly stream: Stream
  private version: string | null = null

  /** Follow all layers of the map, some of them by their ids, or none. */
  constructor(private readonly withLayers: boolean | readonly string[]) {
    startClock()
    this.stream = new Stream(streamUrl(), () => void this.refresh(), () => void this.checkSession())
    window.addEventListener('hashchange', () => (this.selection.value = readHash()))
    void this.refresh()
    this.renewLater()
  }

  /** Follow the named boards and lists. */
  follow(...topics: ('alerts' | 'feeds' | 'summary' | 'overview' | 'procedures' | 'data')[]): this {
    for (const topic of topics) {
      const name = BOARDS.has(topic) ? `board:${topic}` : topic
      this.stream.subscribe(name, this[topic])
    }
    return this
  }

  /** Ask for the feeds again and again: an agency sees only its own, and those only over REST. */
  askForFeeds(): this {
    const ask = () =>
      get<Page<FeedItem>>('/feeds')
        .then((page) => this.feeds.snapshot(page.items))
        .catch((error: unknown) => this.judge(error))
    void ask()
    window.setInterval(() => void ask(), FEEDS_EVERY)
    return this
  }

  select(selection: Selection): void {
    this.selection.value = selection
    history.replaceState(null, '', selection ? `#${writeHash(selection)}` : location.pathname + location.search)
  }

  may(permission: string): boolean {
    return this.me.value?.permissions.includes(permission) ?? false
  }

  async acknowledge(alert: AlertItem, comment = ''): Promise<void> {
    // The answer is not taken in: the stream tells the same in order, and may already have closed the alert.
    await post<AlertItem>(`/alerts/${encodeURIComponent(alert.id)}/acknowledge`, comment ? { comment } : {})
  }

  async comment(alert: AlertItem, comment: string): Promise<void> {
    await post(`/alerts/${encodeURIComponent(alert.id)}/comment`, { comment })
  }

  private async refresh(): Promise<void> {
    try {
      if (this.me.peek() === null) this.me.value = await get<Me>('/me')
      const city = await get<City>('/city')
      if (this.version !== null && city.version !== this.version) {
        // A new release may speak another shape; the only time a page reloads itself.
        location.reload()
        return
      }
      this.version = city.version
      if (this.withLayers) {
        for (const layer of city.layers) {
          if (this.layers.has(layer.id) || (this.withLayers !== true && !this.withLayers.includes(layer.id))) continue
          const features = new Collection<LayerFeature>()
          this.layers.set(layer.id, features)
          this.stream.subscribe(`layer:${layer.id}`, features)
        }
      }
      this.city.value = city
      this.signedOut.value = false
    } catch (error) {
      this.judge(error)
    }
  }

  private renewLater(): void {
    const wait = this.city.peek()?.backfill?.running || this.city.peek() === null ? BACKFILL_EVERY : CITY_EVERY
    window.setTimeout(() => void this.refresh().finally(() => this.renewLater()), wait)
  }

  private async checkSession(): Promise<void> {
    try {
      await get<Me>('/me')
    } catch (error) {
      this.judge(error)
    }
  }

  private judge(error: unknown): void {
    if (error instanceof Problem && error.status === 401) this.signedOut.value = true
  }
}

function writeHash(selection: NonNullable<Selection>): string {
  const parts = selection.kind === 'alert' ? ['alert', selection.id] : ['feature', selection.layer, selection.id]
  return parts.map(encodeURIComponent).join('/')
}

function readHash(): Selection {
  const [kind, first, second] = location.hash.slice(1).split('/').map(decodeURIComponent)
  if (kind === 'alert' && first) return { kind, id: first }
  if (kind === 'feature' && first && second) return { kind, layer: first, id: second }
  return null
}
