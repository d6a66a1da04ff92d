/** A small map on which one place is shown, and chosen by a click. */

import * as maplibregl from 'maplibre-gl'
import './map.css'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import type { City } from '../live/protocol'
import { COLOURS, emptyStyle, FONT } from './look'

maplibregl.setWorkerUrl(workerUrl)

const FONT_LOADED = '16px "Be Vietnam Pro"'
const LABEL_SIZE = 12
const NEAR = 11
/** Air around an area, px. */
const PADDING = 24

export type Point = [number, number]

/** What is drawn as the place besides its point. */
export type Area = GeoJSON.Polygon | GeoJSON.MultiPolygon

export class PlaceMap {
  readonly map: maplibregl.Map
  private shown: GeoJSON.FeatureCollection

  constructor(container: HTMLElement, city: City, point: Point | null, pick: ((point: Point) => void) | null) {
    const [west, south, east, north] = city.bounds
    this.map = new maplibregl.Map({
      container,
      style: emptyStyle(),
      ...(point ? { center: point, zoom: NEAR } : { bounds: [west, south, east, north] }),
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      renderWorldCopies: false,
      fadeDuration: 0,
      maxZoom: 17,
    })
    this.shown = marked(point, null)
    this.map.touchZoomRotate.disableRotation()
    this.map.on('load', () => this.fill(city))
    if (pick) {
      this.map.getCanvas().style.cursor = 'crosshair'
      this.map.on('click', (event) => pick([event.lngLat.lng, event.lngLat.lat]))
    }
  }

  /** Mark another place; one that is out of sight is gone to, and an area is shown whole. */
  show(point: Point | null, area: Area | null = null): void {
    this.shown = marked(point, area)
    this.map.getSource<maplibregl.GeoJSONSource>('place')?.setData(this.shown)
    if (area) this.map.fitBounds(extentOf(area), { padding: PADDING, maxZoom: NEAR })
    else if (point && !this.map.getBounds().contains(point)) this.map.easeTo({ center: point })
  }

  stop(): void {
    this.map.remove()
  }

  private fill(city: City): void {
    const units = city.layers.find((layer) => layer.kind === 'units')
    if (units) {
      this.map.addSource('units', { type: 'geojson', data: `${location.origin}/api/v1/layers/${units.id}` })
      this.map.addLayer({ id: 'units-fill', type: 'fill', source: 'units', paint: { 'fill-color': COLOURS.noData } })
      this.map.addLayer({ id: 'units-line', type: 'line', source: 'units', paint: { 'line-color': COLOURS.outline } })
      this.map.addLayer({
        id: 'units-names',
        type: 'symbol',
        source: 'units',
        layout: { 'text-field': ['get', 'name'], 'text-font': FONT, 'text-size': LABEL_SIZE, 'text-max-width': 7, 'text-padding': 3 },
        paint: { 'text-color': COLOURS.label, 'text-halo-color': COLOURS.halo, 'text-halo-width': 1.2 },
      })
    }
    this.map.addSource('place', { type: 'geojson', data: this.shown })
    this.map.addLayer({ id: 'place-area', type: 'line', source: 'place', paint: { 'line-color': COLOURS.text, 'line-width': 2 } })
    this.map.addLayer({
      id: 'place',
      type: 'circle',
      source: 'place',
      filter: ['==', ['geometry-type'], 'Point'],
      // A ring, so that the name beneath it can be read.
      paint: { 'circle-radius': 10, 'circle-opacity': 0, 'circle-stroke-width': 3, 'circle-stroke-color': COLOURS.text },
    })
  }
}

/** The map once the fonts of its labels are there. */
export async function placeMap(...given: ConstructorParameters<typeof PlaceMap>): Promise<PlaceMap> {
  await Promise.all([document.fonts.load(FONT_LOADED, 'A'), document.fonts.load(FONT_LOADED, 'ạ')])
  return new PlaceMap(...given)
}

function marked(point: Point | null, area: Area | null): GeoJSON.FeatureCollection {
  const drawn: GeoJSON.Geometry[] = [...(point ? [{ type: 'Point' as const, coordinates: point }] : []), ...(area ? [area] : [])]
  return { type: 'FeatureCollection', features: drawn.map((geometry) => ({ type: 'Feature', geometry, properties: {} })) }
}

function extentOf(area: Area): maplibregl.LngLatBounds {
  const bounds = new maplibregl.LngLatBounds()
  const polygons = area.type === 'Polygon' ? [area.coordinates] : area.coordinates
  for (const [ring] of polygons) for (const [x, y] of ring ?? []) bounds.extend([x as number, y as number])
  return bounds
}
