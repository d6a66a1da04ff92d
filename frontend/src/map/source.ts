/** Feeds one GeoJSON source from changes, at most twice a second, by difference. */

import type { GeoJSONFeatureDiff, GeoJSONSource, Map as MapLibre } from 'maplibre-gl'

/** Two frames a second are enough for a wall, and leave the machine cool. */
const FLUSH_EVERY = 500

export interface Drawn {
  id: string
  geometry: GeoJSON.Geometry
  properties: Record<string, string | number | boolean>
}

export class LiveSource {
  private readonly drawn = new Map<string, Drawn>()
  private readonly dirty = new Set<string>()
  private timer: number | undefined
  private flushed = Number.NEGATIVE_INFINITY
  private filled = false
  private inFlight = false

  /** `shape` answers what to draw for an id now, or null for nothing. */
  constructor(
    private readonly map: MapLibre,
    private readonly name: string,
    private readonly shape: (id: string) => Drawn | null,
  ) {
    map.addSource(name, { type: 'geojson', data: collection([]), promoteId: 'id' })
  }

  /** These may look different now. */
  touch(ids: Iterable<string>): void {
    for (const id of ids) this.dirty.add(id)
    this.flushSoon()
  }

  stop(): void {
    window.clearTimeout(this.timer)
  }

  private flushSoon(): void {
    if (this.timer !== undefined || this.inFlight || this.dirty.size === 0) return
    const wait = Math.max(0, this.flushed + FLUSH_EVERY - performance.now())
    this.timer = window.setTimeout(() => {
      this.timer = undefined
      void this.flush()
    }, wait)
  }

  private async flush(): Promise<void> {
    const source = this.map.getSource(this.name) as GeoJSONSource | undefined
    if (!source) return
    this.flushed = performance.now()
    const add: GeoJSON.Feature[] = []
    const update: GeoJSONFeatureDiff[] = []
    const remove: string[] = []
    for (const id of this.dirty) {
      const before = this.drawn.get(id)
      const after = this.shape(id)
      if (!after) {
        if (before) remove.push(id)
        this.drawn.delete(id)
        continue
      }
      this.drawn.set(id, after)
      if (!before) add.push(feature(after))
      else {
        const diff = difference(before, after)
        if (diff) update.push(diff)
      }
    }
    this.dirty.clear()
    if (!add.length && !update.length && !remove.length) return
    // One at a time: the worker is never given more than it can take.
    this.inFlight = true
    try {
      if (this.filled) await source.updateData({ add, update, remove })
      else await source.setData(collection([...this.drawn.values()].map(feature)))
      this.filled = true
    } finally {
      this.inFlight = false
      this.flushSoon()
    }
  }
}

function difference(before: Drawn, after: Drawn): GeoJSONFeatureDiff | null {
  const changed = Object.entries(after.properties).filter(([key, value]) => before.properties[key] !== value)
  const gone = Object.keys(before.properties).filter((key) => !(key in after.properties))
  const moved = before.geometry !== after.geometry && JSON.stringify(before.geometry) !== JSON.stringify(after.geometry)
  if (!changed.length && !gone.length && !moved) return null
  return {
    id: after.id,
    ...(moved ? { newGeometry: after.geometry } : {}),
    ...(changed.length ? { addOrUpdateProperties: changed.map(([key, value]) => ({ key, value })) } : {}),
    ...(gone.length ? { removeProperties: gone } : {}),
  }
}

function feature(drawn: Drawn): GeoJSON.Feature {
  return { type: 'Feature', id: drawn.id, geometry: drawn.geometry, properties: { ...drawn.properties, id: drawn.id } }
}

function collection(features: GeoJSON.Feature[]): GeoJSON.FeatureCollection {
  return { type: 'FeatureCollection', features }
}
