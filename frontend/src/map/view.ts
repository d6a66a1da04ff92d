/** The map itself: made once, fed by layer kinds, asked about by clicks. */

import * as maplibregl from 'maplibre-gl'
import './map.css'
// MapLibre's worker is a module of its own; a bundler that is not told so ships an empty map.
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import { signal } from '@preact/signals'
import type { Centre, Selection } from '../live/centre'
import type { Collection } from '../live/collection'
import type { AlertItem, City, LayerFeature } from '../live/protocol'
import { AlertsLayer } from './alerts'
import { AreasLayer } from './areas'
import { emptyStyle, vh } from './look'
import { PointsLayer } from './points'
import { addSymbols } from './symbols'
import { UnitsLayer, type UnitsKey } from './units'

maplibregl.setWorkerUrl(workerUrl)

declare global {
  interface Window {
    /** For tests: rendered features are asked of the real map. */
    __iocMap?: maplibregl.Map
  }
}

export class CentreMap {
  readonly map: maplibregl.Map
  readonly unitsKey = signal<UnitsKey | null>(null)
  private readonly layers = new Map<string, PointsLayer | UnitsLayer | AreasLayer>()
  private alerts: AlertsLayer | null = null
  /** What the outlines really cover, once they are here; the city's bounds are only a frame around it. */
  private extent: [number, number, number, number] | null = null
  private readonly undo: (() => void)[] = []

  constructor(
    container: HTMLElement,
    private readonly centre: Centre,
    private readonly city: City,
    private readonly isCalling: (alert: AlertItem) => boolean,
  ) {
    const [west, south, east, north] = city.bounds
    this.map = new maplibregl.Map({
      container,
      style: emptyStyle(),
      bounds: [west, south, east, north],
      fitBoundsOptions: { padding: framing() },
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      renderWorldCopies: false,
      fadeDuration: 0,
      maxZoom: 17,
    })
    this.map.touchZoomRotate.disableRotation()
    this.map.keyboard.disableRotation()
    window.__iocMap = this.map
    this.map.on('load', () => this.fill())
    const resize = () => {
      this.home(false)
      for (const layer of this.layers.values()) layer.resize()
      this.alerts?.resize()
    }
    window.addEventListener('resize', resize)
    this.undo.push(() => window.removeEventListener('resize', resize))
  }

  zoom(steps: number): void {
    this.map.easeTo({ zoom: this.map.getZoom() + steps })
  }

  /** The whole province again. */
  home(animate = true): void {
    this.map.resize()
    this.map.fitBounds(this.extent ?? this.city.bounds, { padding: framing(), animate })
  }

  stop(): void {
    for (const undo of this.undo) undo()
    for (const layer of this.layers.values()) layer.stop()
    this.alerts?.stop()
    this.map.remove()
    if (window.__iocMap === this.map) delete window.__iocMap
  }

  private fill(): void {
    addSymbols(this.map)
    const units = this.city.layers.filter((layer) => layer.kind === 'units')
    const points = this.city.layers.filter((layer) => layer.kind === 'points')
    const areas = this.city.layers.filter((layer) => layer.kind === 'areas')
    for (const info of [...units, ...areas, ...points]) {
      const features = this.centre.layers.get(info.id)
      if (!features) continue
      if (info.kind === 'points') {
        this.layers.set(info.id, new PointsLayer(this.map, info, features, this.map.getZoom()))
        continue
      }
      if (info.kind === 'areas') {
        this.layers.set(info.id, new AreasLayer(this.map, info, features))
        continue
      }
      this.frame(features)
      const layer = new UnitsLayer(this.map, info, features, this.centre)
      this.layers.set(info.id, layer)
      this.undo.push(layer.key.subscribe((key) => (this.unitsKey.value = key ?? this.unitsKey.peek())))
    }
    this.alerts = new AlertsLayer(this.map, this.centre.alerts, this.isCalling)
    this.undo.push(this.centre.selection.subscribe((selection) => this.choose(selection)))
    this.map.on('click', (event) => this.click(event))
    this.map.on('mousemove', (event) => {
      this.map.getCanvas().style.cursor = this.at(event.point, 4).length ? 'pointer' : ''
    })
  }

  /** Fit the map to the outlines as soon as they are known. */
  private frame(features: Collection<LayerFeature>): void {
    const measure = () => {
      const found = extentOf(features.items.values())
      if (!found) return
      undo()
      this.extent = found
      this.home(false)
    }
    const undo = features.watch(measure)
    this.undo.push(undo)
    measure()
  }

  private click(event: maplibregl.MapMouseEvent): void {
    const hits = this.at(event.point, 8)
    // What lies at the same place is reached by clicking again.
    const hit = hits[(hits.findIndex((one) => isChosen(one, this.centre.selection.peek())) + 1) % hits.length]
    if (!hit) {
      this.centre.select(null)
      return
    }
    if (hit.layer.id === 'alert-clusters') {
      this.map.easeTo({ center: event.lngLat, zoom: this.map.getZoom() + 1.6 })
      return
    }
    const id = String(hit.properties.id)
    this.centre.select(hit.layer.id === 'alerts' ? { kind: 'alert', id } : { kind: 'feature', layer: hit.source, id })
  }

  /** What lies under the pointer, nearest first; a finger's width of grace for points. */
  private at(point: maplibregl.Point, grace: number): maplibregl.MapGeoJSONFeature[] {
    const pointLayers = ['alerts', 'alert-clusters', ...this.ids('points').map((id) => `${id}-points`)]
    const near = this.map.queryRenderedFeatures(
      [
        [point.x - grace, point.y - grace],
        [point.x + grace, point.y + grace],
      ],
      { layers: pointLayers },
    )
    // Of several within reach the nearest is meant; of equally near ones the uppermost.
    const away = ({ geometry }: maplibregl.MapGeoJSONFeature) =>
      geometry.type === 'Point' ? this.map.project(geometry.coordinates as [number, number]).dist(point) : Infinity
    const far = new Map(near.map((hit) => [hit, Math.round(away(hit))]))
    near.sort((a, b) => (far.get(a) as number) - (far.get(b) as number))
    return near.length ? near : this.map.queryRenderedFeatures(point, { layers: this.ids('units').map((id) => `${id}-fill`) })
  }

  private ids(kind: 'points' | 'units'): string[] {
    const drawn = kind === 'units' ? UnitsLayer : PointsLayer
    return [...this.layers].filter(([, layer]) => layer instanceof drawn).map(([id]) => id)
  }

  private choose(selection: Selection): void {
    let layer: string | null = null
    let feature: string | null = null
    if (selection?.kind === 'feature') ({ layer, id: feature } = selection)
    if (selection?.kind === 'alert') feature = this.centre.alerts.items.get(selection.id)?.place.feature ?? null
    for (const [id, drawn] of this.layers) drawn.choose(layer === null || layer === id ? feature : null)
  }
}

function isChosen({ layer, source, properties }: maplibregl.MapGeoJSONFeature, selection: Selection): boolean {
  if (selection?.id !== String(properties.id)) return false
  return layer.id === 'alerts' ? selection.kind === 'alert' : selection.kind === 'feature' && selection.layer === source
}

/** Room for the legend on the left and a little air around. */
function framing(): maplibregl.PaddingOptions {
  return { top: vh() * 1.5, right: vh() * 2, bottom: vh() * 1.5, left: vh() * 25 }
}

function extentOf(features: Iterable<LayerFeature>): [number, number, number, number] | null {
  const bounds = new maplibregl.LngLatBounds()
  for (const { geometry } of features) {
    const polygons = geometry?.type === 'Polygon' ? [geometry.coordinates] : geometry?.type === 'MultiPolygon' ? geometry.coordinates : []
    for (const [ring] of polygons) for (const [x, y] of ring ?? []) bounds.extend([x as number, y as number])
  }
  return bounds.isEmpty() ? null : [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()]
}
