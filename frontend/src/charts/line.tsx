/** A line over time with last week's ghost and an optional level: a thin shell around uPlot. */

import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { clockTime, plain, timeZone } from '../i18n/format'
import { language } from '../i18n/words'

const HOUR = 3_600_000

/** From so long a time on the marks are days, which are written longer. */
const DAYS_FROM = 72 * HOUR
const MINUTES_BELOW = 3 * HOUR
const STEPS_OF_MINUTES = [60_000, 300_000, 900_000, 1_800_000, HOUR]
const STEPS_OF_HOURS = [1, 2, 3, 6, 12, 24].map((hours) => hours * HOUR)
const STEPS_OF_DAYS = [1, 2, 5, 10].map((days) => days * 24 * HOUR)

export interface LineProps {
  time: number[]
  value: (number | null)[]
  ghost?: (number | null)[] | null
  /** Drawn dashed across: a rule's level, a target. */
  level?: number | null
  /** Multiplies what is drawn (a share as a percentage). */
  factor?: number
  /** The line is grey: its newest value is stale. */
  stale?: boolean
  label: string
  /** Values that the y axis takes in besides those of the line. */
  within?: readonly number[]
  /** Drawn under the line, in pixels of the canvas; `font` is the size of the axis labels. */
  draw?: (plot: uPlot, font: number) => void
}

interface Ink {
  line: string
  ghost: string
  grid: string
  text: string
  level: string
  font: number
}

function ink(element: HTMLElement): Ink {
  const style = getComputedStyle(element)
  const read = (name: string) => style.getPropertyValue(name).trim()
  return {
    line: read('--normal'),
    ghost: read('--ghost'),
    grid: read('--line'),
    text: read('--secondary'),
    level: read('--behind'),
    font: parseFloat(style.fontSize),
  }
}

/** Where to label the y axis: the ends and the middle, on round numbers. */
function marks(min: number, max: number): number[] {
  const span = max - min || Math.abs(max) || 1
  const rough = span / 2.2
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? rough
  const found: number[] = []
  for (let at = Math.ceil(min / step) * step; at <= max + step * 1e-6; at += step) found.push(Number(at.toPrecision(12)))
  return found
}

function dayMark(at: number): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone: timeZone.peek(), day: '2-digit', month: '2-digit' }).format(at)
}

function hourMark(at: number): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone: timeZone.peek(), hour: '2-digit', hour12: false }).format(at) + 'h'
}

/** How the time axis is labelled; a long mark at its very end would be cut off. */
function timeMarks(splits: number[], min: number, max: number): string[] {
  const span = max - min
  if (span >= MINUTES_BELOW && span <= DAYS_FROM) return splits.map(hourMark)
  const mark = span > DAYS_FROM ? dayMark : (at: number) => clockTime(at)
  return splits.map((at) => (max - at < span * 0.035 ? '' : mark(at)))
}

function options(element: HTMLElement, props: LineProps, colours: Ink): uPlot.Options {
  const zone = timeZone.peek()
  const font = `400 ${colours.font}px "Be Vietnam Pro", sans-serif`
  const width = Math.max(1.5, colours.font / 8.5)
  return {
    width: Math.max(10, element.clientWidth),
    height: Math.max(10, element.clientHeight),
    ms: 1,
    tzDate: (stamp) => uPlot.tzDate(new Date(stamp), zone),
    padding: [colours.font * 0.5, colours.font * 0.7, 0, 0],
    cursor: { show: false },
    legend: { show: false },
    scales: {
      x: { time: true },
      y: {
        range: (_plot, low, high) => {
          const level = props.level == null ? null : props.level * (props.factor ?? 1)
          const also = [...(level === null ? [] : [level]), ...(props.within ?? [])]
          let min = also.length ? Math.min(low ?? Infinity, ...also) : low
          let max = also.length ? Math.max(high ?? -Infinity, ...also) : high
          if (min == null || max == null) return [0, 1]
          if (min === max) {
            min -= Math.abs(min) * 0.1 || 1
            max += Math.abs(max) * 0.1 || 1
          }
          const air = (max - min) * 0.08
          return [min >= 0 && min - air < 0 ? 0 : min - air, max + air]
        },
      },
    },
    axes: [
      {
        stroke: colours.text,
        font,
        size: colours.font * 1.75,
        gap: colours.font * 0.35,
        space: (_plot, _axis, min, max) => colours.font * (max - min > DAYS_FROM || max - min < MINUTES_BELOW ? 4.4 : 2.6),
        grid: { show: false },
        ticks: { show: false },
        incrs: (_plot, _axis, min, max) => (max - min > DAYS_FROM ? STEPS_OF_DAYS : max - min < MINUTES_BELOW ? STEPS_OF_MINUTES : STEPS_OF_HOURS),
        values: ({ scales }, splits) => timeMarks(splits, scales['x']?.min ?? 0, scales['x']?.max ?? 0),
      },
      {
        stroke: colours.text,
        font,
        size: (_plot, values) => Math.max(2, ...(values ?? []).map((v) => v.length)) * colours.font * 0.62 + colours.font * 0.7,
        gap: colours.font * 0.4,
        grid: { stroke: colours.grid, width: Math.max(1, colours.font / 18) },
        ticks: { show: false },
        splits: (_plot, _axis, min, max) => marks(min, max),
        values: (_plot, splits) => splits.map((at) => plain(at)),
      },
    ],
    series: [
      {},
      { stroke: colours.ghost, width: width * 0.8, points: { show: false }, spanGaps: false },
      { stroke: props.stale ? colours.ghost : colours.line, width, points: { show: false }, spanGaps: false },
    ],
    hooks: {
      drawAxes: [(plot) => props.draw?.(plot, colours.font * devicePixelRatio)],
      draw: [
        (plot) => {
          if (props.level != null) drawLevel(plot, props.level * (props.factor ?? 1), colours)
          drawLast(plot, props.stale ? colours.ghost : colours.line, width)
        },
      ],
    },
  }
}

function drawLevel(plot: uPlot, level: number, colours: Ink): void {
  const { ctx, bbox } = plot
  const y = plot.valToPos(level, 'y', true)
  ctx.save()
  ctx.strokeStyle = colours.level
  ctx.lineWidth = Math.max(1, (colours.font / 12) * devicePixelRatio)
  ctx.setLineDash([colours.font * 0.5 * devicePixelRatio, colours.font * 0.35 * devicePixelRatio])
  ctx.beginPath()
  ctx.moveTo(bbox.left, y)
  ctx.lineTo(bbox.left + bbox.width, y)
  ctx.stroke()
  ctx.restore()
}

function drawLast(plot: uPlot, colour: string, width: number): void {
  const values = plot.data[2]
  const times = plot.data[0]
  if (!values) return
  let last = values.length - 1
  while (last >= 0 && values[last] == null) last -= 1
  const value = values[last]
  const time = times[last]
  if (value == null || time === undefined) return
  const { ctx } = plot
  ctx.save()
  ctx.fillStyle = colour
  ctx.beginPath()
  ctx.arc(plot.valToPos(time, 'x', true), plot.valToPos(value, 'y', true), width * 1.9 * devicePixelRatio, 0, Math.PI * 2)
  ctx.fill()
  ctx.restore()
}

function columns({ time, value, ghost, factor = 1 }: LineProps): uPlot.AlignedData {
  const scaled = (column: (number | null)[]) =>
    factor === 1 ? column : column.map((v) => (v === null ? null : v * factor))
  return [time, scaled(ghost?.length === time.length ? ghost : time.map(() => null)), scaled(value)]
}

export function Line(props: LineProps) {
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const latest = useRef(props)
  latest.current = props
  const spoken = language.value

  useEffect(() => {
    const element = host.current
    if (!element) return
    const draw = () => {
      plot.current?.destroy()
      plot.current = new uPlot(options(element, latest.current, ink(element)), columns(latest.current), element)
    }
    draw()
    let size = `${element.clientWidth}×${element.clientHeight}`
    const observer = new ResizeObserver(() => {
      const next = `${element.clientWidth}×${element.clientHeight}`
      if (next === size) return
      size = next
      draw()
    })
    observer.observe(element)
    void document.fonts.ready.then(() => plot.current?.redraw(false, true))
    return () => {
      observer.disconnect()
      plot.current?.destroy()
      plot.current = null
    }
  }, [props.stale, props.level, props.factor, props.draw, spoken])

  useEffect(() => {
    plot.current?.setData(columns(latest.current))
  }, [props.time, props.value, props.ghost])

  return <div ref={host} class="chart" role="img" aria-label={props.label} />
}
