/** Alert symbols over everything else: sized by severity, clustered with the worst colour and a count. */

import { Marker, type GeoJSONSource, type Map as MapLibre } from 'maplibre-gl'
import type { Collection } from '../live/collection'
import { isQuiet, SEVERITIES, SEVERITY_RANK, worstFirst } from '../live/order'
import type { AlertItem } from '../live/protocol'
import { COLOURS, FONT, SEVERITY_COLOURS, vh } from './look'
import { ICON_SIZE, severityIcon } from './symbols'

const SOURCE = 'alerts'
const FLUSH_EVERY = 500
/** Only the worst are named on the map; more names would hide the places. */
const NAMED = 6
const SIZES = { critical: 3.5, high: 3, medium: 2.5, low: 2.2 } as const

export class AlertsLayer {
  private readonly undo: (() => void)[] = []
  private timer: number | undefined
  private readonly rings = new Map<string, Marker>()

  constructor(
    private readonly map: MapLibre,
    private readonly alerts: Collection<AlertItem>,
    private readonly isCalling: (alert: AlertItem) => boolean,
  ) {
    map.addSource(SOURCE, {
      type: 'geojson',
      data: { type: 'FeatureCollection', features: [] },
      promoteId: 'id',
      cluster: true,
      clusterRadius: vh() * 2.4,
      clusterMaxZoom: 13,
      clusterProperties: { worst: ['min', ['get', 'rank']] },
    })
    map.addLayer({
      id: 'alerts',
      type: 'symbol',
      source: SOURCE,
      filter: ['!', ['has', 'point_count']],
      layout: {
        'icon-image': ['get', 'icon'],
        'icon-allow-overlap': true,
        // Symbols keep their ground, so that no name is written over one.
        'symbol-sort-key': ['get', 'rank'],
        'text-field': ['get', 'label'],
        'text-font': FONT,
        'text-variable-anchor': ['left', 'right', 'top-left', 'bottom-left', 'top-right', 'bottom-right'],
        'text-radial-offset': 1.35,
        'text-justify': 'auto',
        'text-optional': true,
        'text-max-width': 9,
      },
      paint: { 'text-color': COLOURS.text, 'text-halo-color': COLOURS.halo },
    })
    // Above the single ones, so that clusters are placed first and no name is written over them.
    map.addLayer({
      id: 'alert-clusters',
      type: 'symbol',
      source: SOURCE,
      filter: ['has', 'point_count'],
      layout: {
        'icon-image': ['match', ['get', 'worst'], ...SEVERITIES.slice(0, 3).flatMap((s) => [SEVERITY_RANK[s], severityIcon(s, 'open')]), severityIcon('low', 'open')] as never,
        'icon-allow-overlap': true,
        'text-field': ['get', 'point_count_abbreviated'],
        'text-font': FONT,
        'text-allow-overlap': true,
      },
      paint: { 'text-color': COLOURS.ground },
    })
    this.resize()
    this.undo.push(alerts.watch(() => this.flushSoon()))
    this.flushSoon()
  }

  resize(): void {
    const scale = (size: number) => (vh() * size) / ICON_SIZE
    const bySeverity = (field: string) =>
      ['match', ['get', field], ...SEVERITIES.slice(0, 3).flatMap((s) => [SEVERITY_RANK[s], scale(SIZES[s])]), scale(SIZES.low)] as never
    this.map.setLayoutProperty('alerts', 'icon-size', bySeverity('rank'))
    this.map.setLayoutProperty('alerts', 'text-size', vh() * 1.7)
    this.map.setPaintProperty('alerts', 'text-halo-width', vh() * 0.2)
    this.map.setLayoutProperty('alert-clusters', 'icon-size', scale(4.4))
    this.map.setLayoutProperty('alert-clusters', 'text-size', vh() * 1.6)
  }

  stop(): void {
    for (const undo of this.undo) undo()
    window.clearTimeout(this.timer)
    for (const ring of this.rings.values()) ring.remove()
  }

  private flushSoon(): void {
    if (this.timer !== undefined) return
    this.timer = window.setTimeout(() => {
      this.timer = undefined
      this.flush()
    }, FLUSH_EVERY)
  }

  private flush(): void {
    const placed = [...this.alerts.items.values()].filter((alert) => alert.place.point !== null && !isQuiet(alert))
    const named = new Set(placed.filter((alert) => alert.state === 'active').sort(worstFirst).slice(0, NAMED).filter((alert) => !this.isCalling(alert)))
    // A few hundred points at most, and clusters are made anew anyway: the whole is simpler than a difference.
    void (this.map.getSource(SOURCE) as GeoJSONSource | undefined)?.setData({
      type: 'FeatureCollection',
      features: placed.map((alert) => drawAlert(alert, named.has(alert))),
    })
    this.callOut(placed.filter(this.isCalling))
  }

  /** The blinking outline and the name beside it are elements of the page: they cost no redraw of the map. */
  private callOut(calling: AlertItem[]): void {
    const wanted = new Set(calling.map((alert) => alert.id))
    for (const [id, ring] of this.rings) {
      if (wanted.has(id)) continue
      ring.remove()
      this.rings.delete(id)
    }
    for (const alert of calling) {
      if (this.rings.has(alert.id)) continue
      const element = document.createElement('div')
      element.className = 'map-calling blinking'
      element.setAttribute('aria-hidden', 'true')
      element.style.borderColor = SEVERITY_COLOURS[alert.severity]
      const holder = document.createElement('div')
      holder.className = 'map-call'
      const name = document.createElement('span')
      name.textContent = alert.place.name
      holder.append(element, name)
      this.rings.set(alert.id, new Marker({ element: holder }).setLngLat(alert.place.point as [number, number]).addTo(this.map))
    }
  }
}

function drawAlert(alert: AlertItem, named: boolean): GeoJSON.Feature {
  const rank = SEVERITY_RANK[alert.severity]
  const state = alert.state === 'cleared' ? 'cleared' : alert.acknowledged ? 'seen' : 'open'
  return {
    type: 'Feature',
    geometry: { type: 'Point', coordinates: alert.place.point as [number, number] },
    properties: {
      id: alert.id,
      rank,
      icon: severityIcon(alert.severity, state),
      label: named && rank <= SEVERITY_RANK.high ? alert.place.name : '',
    },
  }
}
