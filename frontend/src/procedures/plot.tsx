/** A chart of months: a thin shell around uPlot that draws anew with its data and its size. */

import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { plain } from '../i18n/format'

export interface Ink {
  line: string
  ghost: string
  grid: string
  text: string
  bright: string
  behind: string
  font: number
}

interface Props {
  data: uPlot.AlignedData
  /** Series, scales and what is drawn over them; x and y axes come from here. */
  make: (ink: Ink) => Pick<uPlot.Options, 'series' | 'scales' | 'hooks'>
  /** Periods that the months on the axis stand for. */
  ticks: readonly { at: number; text: string }[]
  bare?: boolean
  label: string
}

export function Plot(props: Props) {
  const host = useRef<HTMLDivElement>(null)
  const { data, make, ticks, bare = false } = props

  useEffect(() => {
    const element = host.current
    if (!element) return
    let plot: uPlot | null = null
    const draw = () => {
      plot?.destroy()
      const colours = ink(element)
      plot = new uPlot(options(element, colours, make(colours), ticks, bare), data, element)
    }
    draw()
    let size = sizeOf(element)
    const observer = new ResizeObserver(() => {
      const next = sizeOf(element)
      if (next === size) return
      size = next
      draw()
    })
    observer.observe(element)
    let over = false
    void document.fonts.ready.then(() => over || plot?.redraw(false, true))
    return () => {
      over = true
      observer.disconnect()
      plot?.destroy()
    }
  }, [data, make, ticks, bare])

  return <div ref={host} class="chart" role="img" aria-label={props.label} />
}

function sizeOf(element: HTMLElement): string {
  return `${element.clientWidth}×${element.clientHeight}`
}

function ink(element: HTMLElement): Ink {
  const style = getComputedStyle(element)
  const read = (name: string) => style.getPropertyValue(name).trim()
  return {
    line: read('--normal'),
    ghost: read('--ghost'),
    grid: read('--line'),
    text: read('--secondary'),
    bright: read('--text'),
    behind: read('--behind'),
    font: parseFloat(style.fontSize),
  }
}

export function fontOf(colours: Ink, ratio = 1): string {
  return `400 ${colours.font * ratio}px "Be Vietnam Pro", sans-serif`
}

function options(
  element: HTMLElement,
  colours: Ink,
  made: Pick<uPlot.Options, 'series' | 'scales' | 'hooks'>,
  ticks: readonly { at: number; text: string }[],
  bare: boolean,
): uPlot.Options {
  const { font } = colours
  return {
    width: Math.max(10, element.clientWidth),
    height: Math.max(10, element.clientHeight),
    ms: 1,
    padding: [bare ? font * 0.4 : font * 1.5, font * 1.5, 0, 0],
    cursor: { show: false },
    legend: { show: false },
    axes: [
      {
        show: !bare,
        stroke: colours.text,
        font: fontOf(colours),
        size: font * 1.6,
        gap: font * 0.3,
        grid: { show: false },
        ticks: { show: false },
        splits: () => thinned(ticks, element.clientWidth / (font * 3.6)).map(({ at }) => at),
        values: (_plot, splits) => splits.map((at) => ticks.find((tick) => tick.at === at)?.text ?? ''),
      },
      {
        stroke: colours.text,
        font: fontOf(colours),
        // The same width above and below one another, so that months stand under months.
        size: font * 3.4,
        gap: font * 0.4,
        grid: { stroke: colours.grid, width: Math.max(1, font / 18) },
        ticks: { show: false },
        splits: (_plot, _axis, min, max) => (bare ? marks(min, max, 2).filter((at) => at > min) : marks(min, max, 2.4)),
        values: (_plot, splits) => splits.map((at) => plain(at)),
      },
    ],
    ...made,
  }
}

/** As many months as there is room to name, the newest among them. */
function thinned<T>(ticks: readonly T[], room: number): T[] {
  const step = Math.max(1, Math.ceil(ticks.length / Math.max(1, room)))
  return ticks.filter((_, place) => (ticks.length - 1 - place) % step === 0)
}

/** Where to label the y axis: on round numbers. */
function marks(min: number, max: number, parts: number): number[] {
  const span = max - min || Math.abs(max) || 1
  const rough = span / parts
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? rough
  const found: number[] = []
  for (let at = Math.ceil(min / step) * step; at <= max + step * 1e-6; at += step) found.push(Number(at.toPrecision(12)))
  return found
}
