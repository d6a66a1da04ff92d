/** Layer kind "areas": what warnings in force are about, outlined in the colour of their severity. */

import type { ExpressionSpecification, Map as MapLibre } from 'maplibre-gl'
import type { Collection } from '../live/collection'
import type { LayerFeature, LayerInfo } from '../live/protocol'
import { COLOURS, SEVERITY_COLOURS, vh } from './look'
import { LiveSource, type Drawn } from './source'

const COLOUR: ExpressionSpecification = [
  'match',
  ['get', 'severity'],
  ...Object.entries(SEVERITY_COLOURS).flat(),
  COLOURS.normal,
] as unknown as ExpressionSpecification

/** So dim that units and points below it stay legible. */
const FILL_OPACITY = 0.12

export class AreasLayer {
  private readonly source: LiveSource
  private readonly undo: () => void

  constructor(
    private readonly map: MapLibre,
    private readonly info: LayerInfo,
    private readonly features: Collection<LayerFeature>,
  ) {
    const id = info.id
    this.source = new LiveSource(map, id, (area) => this.shape(area))
    map.addLayer({ id: `${id}-fill`, type: 'fill', source: id, paint: { 'fill-color': COLOUR, 'fill-opacity': FILL_OPACITY } })
    map.addLayer({ id: `${id}-line`, type: 'line', source: id, paint: { 'line-color': COLOUR, 'line-dasharray': [3, 2] } })
    this.resize()
    this.undo = features.watch(({ changed, removed }) => this.source.touch([...changed, ...removed]))
    this.source.touch(features.items.keys())
    this.choose(null)
  }

  resize(): void {
    this.map.setPaintProperty(`${this.info.id}-line`, 'line-width', vh() * 0.25)
  }

  choose(id: string | null): void {
    const chosen: ExpressionSpecification = ['case', ['==', ['get', 'id'], id ?? ''], 3 * FILL_OPACITY, FILL_OPACITY]
    this.map.setPaintProperty(`${this.info.id}-fill`, 'fill-opacity', chosen)
  }

  stop(): void {
    this.undo()
    this.source.stop()
  }

  private shape(id: string): Drawn | null {
    const area = this.features.items.get(id)
    if (!area?.geometry) return null
    return { id, geometry: area.geometry, properties: { severity: area.properties.severity ?? '' } }
  }
}
