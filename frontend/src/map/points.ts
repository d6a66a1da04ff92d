/** Layer kind "points": sensors, hospitals, substations; quiet while well, hollow when stale. */

import type { FilterSpecification, Map as MapLibre } from 'maplibre-gl'
import { serverNow } from '../live/clock'
import type { Collection } from '../live/collection'
import { featureFreshness, isSuspect } from '../live/freshness'
import type { LayerFeature, LayerInfo } from '../live/protocol'
import { COLOURS, vh } from './look'
import { LiveSource, type Drawn } from './source'
import { domainIcon, ICON_SIZE, troubledIcon } from './symbols'

/** Ages move on even when nothing arrives. */
const AGE_EVERY = 5_000
/** A layer with more places than this shows only what is wrong until one looks closer. */
const MANY = 100
const CLOSER = 1.2

export class PointsLayer {
  private readonly source: LiveSource
  private readonly undo: (() => void)[] = []
  private many: boolean

  constructor(
    private readonly map: MapLibre,
    private readonly info: LayerInfo,
    private readonly features: Collection<LayerFeature>,
    private readonly homeZoom: number,
  ) {
    const id = info.id
    this.many = features.items.size > MANY
    this.source = new LiveSource(map, id, (feature) => this.shape(feature))
    map.addLayer({
      id: `${id}-chosen`,
      type: 'circle',
      source: id,
      filter: ['==', ['get', 'id'], ''],
      paint: { 'circle-opacity': 0, 'circle-stroke-color': COLOURS.text },
    })
    map.addLayer({
      id: `${id}-points`,
      type: 'symbol',
      source: id,
      ...(this.many ? { filter: this.filter() as FilterSpecification } : {}),
      layout: {
        'icon-image': ['get', 'icon'],
        // Symbols keep their ground, so that no commune's name is written under one.
        'icon-allow-overlap': true,
        // What is wrong is drawn over what is well.
        'symbol-sort-key': ['get', 'order'],
      },
    })
    this.resize()
    this.undo.push(
      features.watch(({ changed, removed }) => {
        if (features.items.size > MANY !== this.many) {
          this.many = !this.many
          map.setFilter(`${id}-points`, this.filter())
        }
        this.source.touch([...changed, ...removed])
      }),
    )
    const timer = window.setInterval(() => this.source.touch(features.items.keys()), AGE_EVERY)
    this.undo.push(() => window.clearInterval(timer))
    this.source.touch(features.items.keys())
  }

  resize(): void {
    this.map.setLayoutProperty(`${this.info.id}-points`, 'icon-size', (vh() * 2.3) / ICON_SIZE)
    this.map.setPaintProperty(`${this.info.id}-chosen`, 'circle-radius', vh() * 1.5)
    this.map.setPaintProperty(`${this.info.id}-chosen`, 'circle-stroke-width', vh() * 0.25)
  }

  choose(id: string | null): void {
    this.map.setFilter(`${this.info.id}-chosen`, ['==', ['get', 'id'], id ?? ''])
  }

  stop(): void {
    for (const undo of this.undo) undo()
    this.source.stop()
  }

  private filter(): FilterSpecification | null {
    if (!this.many) return null
    return ['any', ['!=', ['get', 'severity'], ''], ['>=', ['zoom'], this.homeZoom + CLOSER]]
  }

  private shape(id: string): Drawn | null {
    const feature = this.features.items.get(id)
    if (!feature?.geometry) return null
    const { name, severity } = feature.properties
    const state = featureFreshness(feature, serverNow())
    const stale = state === 'stale' || state === 'never'
    const suspect = !stale && !severity && isSuspect(feature)
    const { domain } = this.info
    // What is not known any more has no colour: its alert, if there is one, stands over it anyway.
    const icon = stale
      ? domainIcon(domain, 'stale')
      : severity
        ? troubledIcon(domain, severity)
        : domainIcon(domain, suspect ? 'suspect' : state === 'late' ? 'late' : 'fresh')
    return {
      id,
      geometry: feature.geometry,
      properties: { name, icon, state, severity: severity ?? '', suspect, order: severity ? 10 : stale || suspect ? 5 : 1 },
    }
  }
}
