/** The look of the map: colours, sizes and the empty local style. */

import type { StyleSpecification } from 'maplibre-gl'
import type { Severity } from '../live/protocol'

export const COLOURS = {
  ground: '#0b1016',
  noData: '#10171f',
  outline: '#33475a',
  label: '#7f91a2',
  halo: '#0b1016',
  normal: '#8fb4ce',
  late: '#7d93a5',
  stale: '#6b7b8b',
  text: '#e6edf3',
} as const

export const SEVERITY_COLOURS: Record<Severity, string> = {
  critical: '#ff5a4f',
  high: '#ff9f1c',
  medium: '#f4d35e',
  low: '#6ec6ff',
}

/** At target, then three steps of orange: dim, so that an alert on top of them is still the brightest thing. */
export const TARGET_FILLS = ['#243240', '#443621', '#66491c', '#8c5f18'] as const
export const NEUTRAL_FILLS = ['#1b2732', '#263645', '#334859', '#425c70', '#547389'] as const

export const FONT = ['Be Vietnam Pro']

/** No glyphs, no sprite, no tiles: everything on this map comes from this house. */
export function emptyStyle(): StyleSpecification {
  return {
    version: 8,
    sources: {},
    layers: [{ id: 'ground', type: 'background', paint: { 'background-color': COLOURS.ground } }],
  }
}

/** One hundredth of the wall's height in px, so that 1080p and 4K look alike. */
export function vh(): number {
  return window.innerHeight / 100
}
