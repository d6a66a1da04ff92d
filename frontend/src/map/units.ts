/** Layer kind "units": outlines coloured by how far a unit stands from its target. */

import { signal, type Signal } from '@preact/signals'
import type { ExpressionSpecification, Map as MapLibre } from 'maplibre-gl'
import type { Centre } from '../live/centre'
import type { Collection } from '../live/collection'
import type { FigureItem, LayerFeature, LayerInfo, TargetRef } from '../live/protocol'
import { COLOURS, FONT, NEUTRAL_FILLS, TARGET_FILLS, vh } from './look'
import { classOf, neutralScale, targetScale, type Scale } from './scale'
import { LiveSource, type Drawn } from './source'

/** What the legend needs to explain the colours. */
export interface UnitsKey {
  scale: Scale
  /** The province's figure for the same indicator: its name, unit and decimals. */
  figure: FigureItem | null
}

export class UnitsLayer {
  readonly key: Signal<UnitsKey | null> = signal(null)
  private readonly source: LiveSource
  private readonly labels: LiveSource
  private readonly undo: (() => void)[] = []
  private scale: Scale = { kind: 'neutral', limits: [] }

  constructor(
    private readonly map: MapLibre,
    private readonly info: LayerInfo,
    private readonly features: Collection<LayerFeature>,
    private readonly centre: Centre,
  ) {
    const id = info.id
    this.source = new LiveSource(map, id, (unit) => this.shape(unit))
    this.labels = new LiveSource(map, `${id}-names`, (unit) => this.name(unit))
    map.addLayer({ id: `${id}-fill`, type: 'fill', source: id, paint: { 'fill-color': this.fill(), 'fill-antialias': false } })
    map.addLayer({ id: `${id}-line`, type: 'line', source: id, paint: { 'line-color': COLOURS.outline } })
    map.addLayer({
      id: `${id}-chosen`,
      type: 'line',
      source: id,
      filter: ['==', ['get', 'id'], ''],
      paint: { 'line-color': COLOURS.text },
    })
    map.addLayer({
      id: `${id}-names`,
      type: 'symbol',
      source: `${id}-names`,
      layout: {
        'text-field': ['get', 'name'],
        'text-font': FONT,
        'text-max-width': 7,
        'text-padding': 3,
        // The furthest from target is named first, then the largest.
        'symbol-sort-key': ['get', 'order'],
      },
      paint: { 'text-color': COLOURS.label, 'text-halo-color': COLOURS.halo },
    })
    this.resize()
    this.undo.push(
      features.watch(({ changed, removed }) => this.renew([...changed, ...removed])),
      centre.procedures.watch(({ changed }) => {
        // Targets come with the board; without a change of scale nothing needs repainting.
        if (changed.size) this.renew([])
      }),
    )
    this.renew(features.items.keys())
  }

  resize(): void {
    const { id } = this.info
    this.map.setPaintProperty(`${id}-line`, 'line-width', vh() * 0.1)
    this.map.setPaintProperty(`${id}-chosen`, 'line-width', vh() * 0.32)
    this.map.setLayoutProperty(`${id}-names`, 'text-size', vh() * 1.5)
    this.map.setPaintProperty(`${id}-names`, 'text-halo-width', vh() * 0.14)
  }

  choose(id: string | null): void {
    this.map.setFilter(`${this.info.id}-chosen`, ['==', ['get', 'id'], id ?? ''])
  }

  stop(): void {
    for (const undo of this.undo) undo()
    this.source.stop()
    this.labels.stop()
  }

  /** The value that colours a unit. */
  valueOf(feature: LayerFeature): number | null {
    const { values } = feature.properties
    const value = (this.info.indicator ? values[this.info.indicator] : undefined) ?? Object.values(values)[0]
    return typeof value?.value === 'number' ? value.value : null
  }

  private renew(ids: Iterable<string>): void {
    const values = [...this.features.items.values()].flatMap((feature) => this.valueOf(feature) ?? [])
    const figure = this.provinceFigure()
    const target: TargetRef | null = figure?.target ?? null
    const scale = target ? targetScale(target.value, target.direction, values) : neutralScale(values)
    const same = JSON.stringify(scale) === JSON.stringify(this.scale)
    this.scale = scale
    if (!same) this.map.setPaintProperty(`${this.info.id}-fill`, 'fill-color', this.fill())
    if (!same || this.key.peek()?.figure !== figure) this.key.value = { scale, figure }
    const touched = same ? [...ids] : [...new Set([...ids, ...this.features.items.keys()])]
    this.source.touch(touched)
    this.labels.touch(touched)
  }

  private provinceFigure(): FigureItem | null {
    const province = this.centre.city.peek()?.province.id
    for (const board of [this.centre.procedures, this.centre.overview]) {
      for (const item of board.items.values()) {
        if (item.indicator === this.info.indicator && (item.unit === null || item.unit.id === province)) return item
      }
    }
    return null
  }

  private fill(): ExpressionSpecification {
    const fills = this.scale.kind === 'target' ? TARGET_FILLS : NEUTRAL_FILLS
    return ['match', ['get', 'class'], ...fills.flatMap((colour, i) => [i, colour]), COLOURS.noData] as unknown as ExpressionSpecification
  }

  private shape(id: string): Drawn | null {
    const feature = this.features.items.get(id)
    if (!feature?.geometry) return null
    return {
      id,
      geometry: feature.geometry,
      properties: { name: feature.properties.name, class: classOf(this.valueOf(feature), this.scale) },
    }
  }

  private name(id: string): Drawn | null {
    const feature = this.features.items.get(id)
    const place = feature?.geometry ? inside(feature.geometry) : null
    if (!feature || !place) return null
    const far = classOf(this.valueOf(feature), this.scale)
    return {
      id,
      geometry: { type: 'Point', coordinates: place.point },
      properties: { name: shortName(feature.properties.name), order: -far * 1000 - place.width * 100 },
    }
  }
}

/** "Phường Việt Trì" is drawn as "Việt Trì": the kind of unit is not what the eye looks for. */
export function shortName(name: string): string {
  return name.replace(/^(Phường|Xã|Thị trấn|Đặc khu)\s+/u, '')
}

/** A point inside the largest ring: the middle of its widest stretch at the height of its centre. */
function inside(geometry: GeoJSON.Geometry): { point: [number, number]; width: number } | null {
  const polygons =
    geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.type === 'MultiPolygon' ? geometry.coordinates : []
  let best: { point: [number, number]; width: number } | null = null
  for (const [ring] of polygons) {
    if (!ring) continue
    const ys = ring.map((p) => p[1] as number)
    const low = Math.min(...ys)
    const high = Math.max(...ys)
    for (const part of [0.5, 0.4, 0.6]) {
      const y = low + (high - low) * part
      const xs: number[] = []
      for (let i = 0; i + 1 < ring.length; i += 1) {
        const [x1, y1] = ring[i] as [number, number]
        const [x2, y2] = ring[i + 1] as [number, number]
        if (y1 > y !== y2 > y) xs.push(x1 + ((y - y1) / (y2 - y1)) * (x2 - x1))
      }
      xs.sort((a, b) => a - b)
      for (let i = 0; i + 1 < xs.length; i += 2) {
        const left = xs[i] as number
        const right = xs[i + 1] as number
        if (!best || right - left > best.width) best = { point: [(left + right) / 2, y], width: right - left }
      }
    }
  }
  return best
}
