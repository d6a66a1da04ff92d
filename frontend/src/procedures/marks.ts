/** What is drawn over a line of months: breaks, actions, the target and the range that is foreseen. */

import type uPlot from 'uplot'
import { date } from '../i18n/format'
import type { LineBreak } from '../live/protocol'
import { dayAt, type Numbered } from './history'
import { fontOf, type Ink } from './plot'

export interface Foreseen {
  at: number
  value: number
  low: number
  high: number
  /** Where the line that it goes on from ends. */
  from: { at: number; value: number } | null
}

/** A dash-dotted line from top to bottom with its day. */
export function drawBreaks(plot: uPlot, breaks: readonly LineBreak[], colours: Ink): void {
  for (const one of breaks) {
    const x = plot.valToPos(dayAt(one.at), 'x', true)
    const pen = penOf(plot, colours.bright, 0.09, [0.7, 0.25, 0.15, 0.25], colours)
    stroke(pen, [x, plot.bbox.top - colours.font * devicePixelRatio * 1.1], [x, plot.bbox.top + plot.bbox.height])
    write(pen, date(dayAt(one.at)), x + colours.font * 0.35 * devicePixelRatio, plot.bbox.top - colours.font * 0.2 * devicePixelRatio, colours)
    pen.restore()
  }
}

/** A numbered flag on the day of each action, and a bar for as long as it held. */
export function drawActions(plot: uPlot, actions: readonly Numbered[], colours: Ink): void {
  const { bbox } = plot
  const unit = colours.font * devicePixelRatio
  for (const { number, action } of actions) {
    const x = Math.max(bbox.left, plot.valToPos(dayAt(action.from), 'x', true))
    const top = bbox.top + unit * 0.15
    const pen = penOf(plot, colours.text, 0.08, [], colours)
    stroke(pen, [x, top], [x, bbox.top + bbox.height])
    pen.fillStyle = colours.bright
    if (action.until) {
      const end = Math.min(bbox.left + bbox.width, plot.valToPos(dayAt(action.until), 'x', true))
      pen.fillRect(x, top, Math.max(0, end - x), unit * 0.16)
    }
    pen.beginPath()
    pen.moveTo(x, top)
    pen.lineTo(x + unit * 1.05, top)
    pen.lineTo(x + unit * 1.05, top + unit * 1.15)
    pen.lineTo(x, top + unit * 1.15)
    pen.fill()
    pen.fillStyle = getComputedStyle(plot.root).getPropertyValue('--panel')
    pen.font = scaledFont(colours, 0.86)
    pen.textAlign = 'center'
    pen.fillText(String(number), x + unit * 0.52, top + unit * 0.85)
    pen.restore()
  }
}

export function drawTarget(plot: uPlot, target: number, colours: Ink): void {
  const y = plot.valToPos(target, 'y', true)
  const pen = penOf(plot, colours.behind, 0.1, [0.5, 0.35], colours)
  stroke(pen, [plot.bbox.left, y], [plot.bbox.left + plot.bbox.width, y])
  pen.restore()
}

/** From the line's end to where it is foreseen to go: an upright bar from the low to the high bound. */
export function drawForeseen(plot: uPlot, foreseen: Foreseen, colours: Ink): void {
  const x = plot.valToPos(foreseen.at, 'x', true)
  const [y, low, high] = [foreseen.value, foreseen.low, foreseen.high].map((value) => plot.valToPos(value, 'y', true)) as [number, number, number]
  const unit = colours.font * devicePixelRatio
  let pen = penOf(plot, colours.bright, 0.12, [0.15, 0.25], colours)
  if (foreseen.from) {
    stroke(pen, [plot.valToPos(foreseen.from.at, 'x', true), plot.valToPos(foreseen.from.value, 'y', true)], [x, y])
  }
  pen.restore()
  pen = penOf(plot, colours.bright, 0.14, [], colours)
  stroke(pen, [x, low], [x, high])
  for (const end of [low, high]) stroke(pen, [x - unit * 0.35, end], [x + unit * 0.35, end])
  pen.fillStyle = colours.bright
  pen.beginPath()
  pen.arc(x, y, unit * 0.22, 0, Math.PI * 2)
  pen.fill()
  pen.restore()
}

/** The drawing context, saved, with a stroke in parts of the font's size. */
function penOf(plot: uPlot, colour: string, width: number, dash: number[], colours: Ink): CanvasRenderingContext2D {
  const { ctx } = plot
  const unit = colours.font * devicePixelRatio
  ctx.save()
  ctx.strokeStyle = colour
  ctx.lineWidth = Math.max(devicePixelRatio, width * unit)
  ctx.setLineDash(dash.map((part) => part * unit))
  return ctx
}

function stroke(pen: CanvasRenderingContext2D, from: [number, number], to: [number, number]): void {
  pen.beginPath()
  pen.moveTo(...from)
  pen.lineTo(...to)
  pen.stroke()
}

function write(pen: CanvasRenderingContext2D, text: string, x: number, y: number, colours: Ink): void {
  pen.fillStyle = colours.text
  pen.font = scaledFont(colours, 1)
  pen.textAlign = 'left'
  pen.fillText(text, x, y)
}

function scaledFont(colours: Ink, ratio: number): string {
  return fontOf({ ...colours, font: colours.font * devicePixelRatio }, ratio)
}
