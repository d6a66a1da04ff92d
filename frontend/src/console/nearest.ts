/** Which features lie nearest to a point, and how far away. */

import type { LayerFeature } from '../live/protocol'

const METRES_PER_DEGREE = 111_320

export interface Near {
  feature: LayerFeature
  metres: number
}

export function nearest(features: readonly LayerFeature[], point: readonly [number, number], most: number, within: number): Near[] {
  return features
    .flatMap((feature) => {
      if (feature.geometry?.type !== 'Point') return []
      const metres = apart(point, feature.geometry.coordinates as [number, number])
      return metres <= within ? [{ feature, metres }] : []
    })
    .sort((a, b) => a.metres - b.metres || (a.feature.id < b.feature.id ? -1 : 1))
    .slice(0, most)
}

/** Within a province the earth is flat enough. */
function apart([x, y]: readonly [number, number], [u, v]: readonly [number, number]): number {
  const east = (u - x) * Math.cos(((y + v) / 2) * (Math.PI / 180))
  return Math.hypot(east, v - y) * METRES_PER_DEGREE
}
