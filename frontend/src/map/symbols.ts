/** The map's symbols, drawn here: severity shapes, and one quiet sign per domain in four states. */

import type { Map as MapLibre } from 'maplibre-gl'
import { SHAPE_PATHS } from '../design/shape'
import type { Domain, Severity } from '../live/protocol'
import { COLOURS, SEVERITY_COLOURS } from './look'

/** Drawn this large and scaled down, so that 4K stays crisp. */
const PIXELS = 96
const RATIO = 3
/** The size of an icon at scale 1, CSS px. */
export const ICON_SIZE = PIXELS / RATIO

export type PointState = 'fresh' | 'late' | 'suspect' | 'stale'

/** In a box of 24: told apart by form, since colour is kept for what is wrong. */
export const DOMAIN_PATHS: Record<Domain, string> = {
  traffic: 'M12 5A7 7 0 1 1 12 19 7 7 0 1 1 12 5Z',
  health: 'M9 3.5H15V9H20.5V15H15V20.5H9V15H3.5V9H9Z',
  electricity: 'M14 2.5 5 13.5H11L9.5 21.5 19 10H13Z',
  environment: 'M12 2.5C15.5 8 18.5 11.5 18.5 15A6.5 6.5 0 0 1 5.5 15C5.5 11.5 8.5 8 12 2.5Z',
  service: 'M12 3.5 20.5 10.5V20H3.5V10.5Z',
  it: 'M12 3.5 19.5 8V16L12 20.5 4.5 16V8Z',
}

const DOMAINS = Object.keys(DOMAIN_PATHS) as Domain[]
const SEVERITIES = Object.keys(SHAPE_PATHS) as Severity[]

export function domainIcon(domain: Domain, state: PointState): string {
  return `${domain}-${state}`
}

/** A place with something wrong keeps its sign and takes the colour; the alert's own shape stands over it. */
export function troubledIcon(domain: Domain, severity: Severity): string {
  return `${domain}-${severity}`
}

export function severityIcon(severity: Severity, state: 'open' | 'seen' | 'cleared'): string {
  return `severity-${severity}-${state}`
}

/** Give the map its images. */
export function addSymbols(map: MapLibre): void {
  for (const domain of DOMAINS) {
    const path = DOMAIN_PATHS[domain]
    add(map, domainIcon(domain, 'fresh'), path, { fill: COLOURS.normal, stroke: COLOURS.halo, scale: 0.62 })
    add(map, domainIcon(domain, 'late'), path, { fill: COLOURS.ground, half: COLOURS.late, stroke: COLOURS.late, scale: 0.6 })
    add(map, domainIcon(domain, 'suspect'), path, { fill: COLOURS.ground, stroke: COLOURS.late, core: COLOURS.late, scale: 0.66 })
    for (const severity of SEVERITIES) {
      add(map, troubledIcon(domain, severity), path, { fill: SEVERITY_COLOURS[severity], stroke: COLOURS.halo, scale: 0.66 })
    }
    add(map, domainIcon(domain, 'stale'), path, { fill: COLOURS.ground, stroke: COLOURS.stale, scale: 0.6 })
  }
  for (const severity of SEVERITIES) {
    const path = SHAPE_PATHS[severity]
    const colour = SEVERITY_COLOURS[severity]
    add(map, severityIcon(severity, 'open'), path, { fill: colour, stroke: COLOURS.halo, scale: 0.86, wide: true })
    add(map, severityIcon(severity, 'seen'), path, { fill: colour, stroke: COLOURS.halo, scale: 0.86, wide: true, core: COLOURS.halo })
    add(map, severityIcon(severity, 'cleared'), path, { fill: COLOURS.halo, stroke: colour, scale: 0.8 })
  }
}

interface Look {
  fill: string
  stroke: string
  scale: number
  /** The right half in another colour. */
  half?: string
  /** A dot in the middle: somebody has it. */
  core?: string
  wide?: boolean
}

function add(map: MapLibre, name: string, path: string, look: Look): void {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = PIXELS
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (!context) return
  const unit = (PIXELS / 24) * look.scale
  context.translate(PIXELS / 2, PIXELS / 2)
  context.scale(unit, unit)
  context.translate(-12, -12)
  const shape = new Path2D(path)
  context.lineJoin = 'round'
  context.lineWidth = look.wide ? 4.4 : 3
  context.strokeStyle = look.stroke
  context.fillStyle = look.fill
  if (look.wide) context.stroke(shape)
  context.fill(shape)
  if (look.half) {
    context.save()
    context.clip(shape)
    context.fillStyle = look.half
    context.fillRect(12, 0, 12, 24)
    context.restore()
  }
  if (look.core) {
    context.fillStyle = look.core
    context.beginPath()
    context.arc(12, 13, 3.6, 0, Math.PI * 2)
    context.fill()
  }
  if (!look.wide) context.stroke(shape)
  const image = context.getImageData(0, 0, PIXELS, PIXELS)
  if (map.hasImage(name)) map.updateImage(name, image)
  else map.addImage(name, image, { pixelRatio: RATIO })
}
