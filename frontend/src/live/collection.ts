/** Things of one topic by id: a snapshot plus deltas, told to watchers at most once per frame. */

import { signal } from '@preact/signals'
import type { Delta, Rest } from './protocol'

export interface Changes {
  changed: ReadonlySet<string>
  removed: ReadonlySet<string>
}

export type Watcher = (changes: Changes) => void

/** What a subscription hands its frames to. */
export interface Receiver {
  snapshot(items: unknown[], rest?: Rest): void
  delta(delta: Delta<unknown>): void
}

/** Run once before the next paint; a hidden page gets no frames, so it takes a timer. */
export function nextFrame(run: () => void): void {
  if (document.hidden) window.setTimeout(run, 50)
  else requestAnimationFrame(run)
}

export class Collection<T extends { id: string | number }> implements Receiver {
  readonly items = new Map<string, T>()
  /** Rises with each batch of changes; reading it in a component subscribes the component. */
  readonly version = signal(0)
  /** Whether a snapshot has ever arrived: empty and unknown are different things. */
  readonly known = signal(false)

  /** What is there besides, and not here. */
  readonly rest = signal<Rest>({})

  private changed = new Set<string>()
  private removed = new Set<string>()
  private readonly watchers = new Set<Watcher>()
  private scheduled = false

  constructor(private readonly schedule: (run: () => void) => void = nextFrame) {}

  snapshot(items: unknown[], rest: Rest = {}): void {
    this.rest.value = rest
    const gone = new Set(this.items.keys())
    this.items.clear()
    for (const item of items as T[]) {
      const id = String(item.id)
      this.items.set(id, item)
      this.changed.add(id)
      this.removed.delete(id)
      gone.delete(id)
    }
    for (const id of gone) this.drop(id)
    this.notifySoon(true)
  }

  delta(delta: Delta<unknown>): void {
    this.rest.value = delta.rest ?? {}
    for (const item of [...((delta.add as T[]) ?? []), ...((delta.update as T[]) ?? [])]) this.set(item)
    for (const id of delta.remove ?? []) {
      this.items.delete(String(id))
      this.drop(String(id))
    }
    this.notifySoon(false)
  }

  /** Take in one item at once, as the answer to an action of this client. */
  put(item: T): void {
    this.set(item)
    this.notifySoon(false)
  }

  /** How many things are there besides. */
  get others(): number {
    return Object.values(this.rest.value).reduce((sum, count) => sum + count, 0)
  }

  /** Everything, subscribing the calling component to changes. */
  read(): T[] {
    void this.version.value
    return [...this.items.values()]
  }

  /** One thing by id, subscribing the calling component to changes. */
  find(id: string): T | undefined {
    void this.version.value
    return this.items.get(id)
  }

  /** Be told of changes; the answer ends it. */
  watch(watcher: Watcher): () => void {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }

  private set(item: T): void {
    const id = String(item.id)
    this.items.set(id, item)
    this.changed.add(id)
    this.removed.delete(id)
  }

  private drop(id: string): void {
    this.changed.delete(id)
    this.removed.add(id)
  }

  private notifySoon(first: boolean): void {
    if (this.scheduled) {
      this.sawSnapshot ||= first
      return
    }
    this.scheduled = true
    this.sawSnapshot = first
    this.schedule(() => {
      this.scheduled = false
      const changes = { changed: this.changed, removed: this.removed }
      this.changed = new Set()
      this.removed = new Set()
      if (this.sawSnapshot) this.known.value = true
      this.version.value += 1
      for (const watcher of this.watchers) watcher(changes)
    })
  }

  private sawSnapshot = false
}
