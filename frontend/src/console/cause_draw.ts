/** What is drawn under the line of a cause: the rule's levels, the time that was waited, what raised. */

import type uPlot from 'uplot'

export interface Drawn {
  levels: { value: number; label: string; kind: 'raise' | 'clear' }[]
  /** From when the cause held until it counted. */
  held: { from: number; to: number; label: string } | null
  raised: { time: number; value: number } | null
}

export function drawCause(plot: uPlot, font: number, drawn: Drawn): void {
  const style = getComputedStyle(plot.root)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const { ctx } = plot
  ctx.save()
  ctx.font = `400 ${font}px "Be Vietnam Pro", sans-serif`
  if (drawn.held) drawHeld(plot, font, drawn.held, colour('--line'), colour('--text'))
  for (const level of drawn.levels) drawLevel(plot, font, level, colour(level.kind === 'raise' ? '--behind' : '--secondary'))
  if (drawn.raised) drawRaised(plot, font, drawn.raised, colour('--text'))
  ctx.restore()
}

function drawHeld(plot: uPlot, font: number, held: NonNullable<Drawn['held']>, fill: string, text: string): void {
  const { ctx, bbox } = plot
  const at = (time: number) => Math.max(bbox.left, Math.min(bbox.left + bbox.width, plot.valToPos(time, 'x', true)))
  const [from, to] = [at(held.from), at(held.to)]
  // A short time is still a line to be seen.
  const width = Math.max(to - from, font / 6)
  ctx.fillStyle = fill
  ctx.fillRect(to - width, bbox.top, width, bbox.height)
  if (!held.label) return
  ctx.fillStyle = text
  ctx.textBaseline = 'top'
  const fits = to - width - ctx.measureText(held.label).width > bbox.left
  ctx.textAlign = fits ? 'right' : 'left'
  ctx.fillText(held.label, fits ? to - width - font / 3 : to + font / 3, bbox.top + font / 4)
}

function drawLevel(plot: uPlot, font: number, level: Drawn['levels'][number], colour: string): void {
  const { ctx, bbox } = plot
  const y = plot.valToPos(level.value, 'y', true)
  ctx.strokeStyle = ctx.fillStyle = colour
  ctx.lineWidth = Math.max(1, font / 12)
  ctx.setLineDash(level.kind === 'raise' ? [font / 2, font / 3] : [font / 8, font / 4])
  ctx.beginPath()
  ctx.moveTo(bbox.left, y)
  ctx.lineTo(bbox.left + bbox.width, y)
  ctx.stroke()
  ctx.setLineDash([])
  ctx.textAlign = 'left'
  const above = y - bbox.top > font * 1.5
  ctx.textBaseline = above ? 'bottom' : 'top'
  ctx.fillText(level.label, bbox.left + font / 3, above ? y - font / 8 : y + font / 8)
}

function drawRaised(plot: uPlot, font: number, raised: NonNullable<Drawn['raised']>, colour: string): void {
  const { ctx } = plot
  ctx.strokeStyle = colour
  ctx.lineWidth = font / 8
  ctx.beginPath()
  ctx.arc(plot.valToPos(raised.time, 'x', true), plot.valToPos(raised.value, 'y', true), font / 2.2, 0, Math.PI * 2)
  ctx.stroke()
}
