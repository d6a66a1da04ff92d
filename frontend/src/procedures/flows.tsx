/** What came in and what was resolved month by month, and how much was overdue as each ended. */

import uPlot from 'uplot'
import { number } from '../i18n/format'
import { w } from '../i18n/words'
import type { LineBreak } from '../live/protocol'
import type { Histories } from './asked'
import { breaksIn, firstDrawn, middleOf, numberedActions, withGaps, type Numbered } from './history'
import { drawActions, drawBreaks } from './marks'
import { Plot, type Ink } from './plot'
import { Key, Sign } from './key'
import { monthTicks, type Tick } from './ticks'

export interface FlowLines {
  months: number
  ticks: Tick[]
  breaks: LineBreak[]
  /** All that was done, of the online share too. */
  actions: Numbered[]
  flows: uPlot.AlignedData
  late: uPlot.AlignedData
  newest: { month: string; received: number | null; resolved: number | null; late: number | null }
  drawFlows: (ink: Ink) => Pick<uPlot.Options, 'series' | 'scales' | 'hooks'>
  drawLate: (ink: Ink) => Pick<uPlot.Options, 'series' | 'scales' | 'hooks'>
}

export function flowsOf(histories: Histories): FlowLines | null {
  const [received, resolved, late] = [histories['dossiers-received'], histories['dossiers-resolved'], histories['in-hand-overdue']]
  if ([received, resolved].every(({ items }) => items.every(({ value }) => !value))) return null
  const first = firstDrawn([received, resolved])
  const items = received.items.slice(first)
  const periods = items.map(({ period }) => period)
  const [from, to] = rangeOf(periods)
  const breaks = breaksIn(received.breaks, from, to)
  const values = (history: typeof received) => history.items.slice(first).map(({ value }) => value)
  const counted = values(late)
  const { time, columns } = withGaps(periods, [values(received), values(resolved)], breaks)
  const actions = numberedActions(Object.values(histories), from)
  const own = actions.filter(({ action }) => action.indicators.some((id) => id !== 'online-share' && id in histories))
  const newest = { received: received.items.at(-1), resolved: resolved.items.at(-1), late: late.items.at(-1) }
  return {
    months: periods.length,
    ticks: monthTicks(periods),
    breaks,
    actions,
    flows: [time, ...columns] as uPlot.AlignedData,
    late: [periods.map(middleOf), counted],
    newest: {
      month: periods.at(-1) ?? '',
      received: newest.received?.value ?? null,
      resolved: newest.resolved?.value ?? null,
      late: newest.late?.value ?? null,
    },
    drawFlows: (ink) => ({
      scales: scales(from, to),
      series: [
        {},
        { stroke: ink.line, width: ink.font / 7, points: { show: true, size: ink.font * 0.42, fill: ink.line, stroke: ink.line } },
        { stroke: ink.bright, width: ink.font / 10, dash: [ink.font * 0.45, ink.font * 0.3], points: { show: false } },
      ],
      hooks: {
        draw: [
          (plot) => {
            drawBreaks(plot, breaks, ink)
            drawActions(plot, own, ink)
          },
        ],
      },
    }),
    drawLate: (ink) => ({
      scales: scales(from, to),
      series: [{}, { stroke: ink.line, fill: ink.ghost, width: ink.font / 14, paths: uPlot.paths.bars?.({ size: [0.55, ink.font * 2] }), points: { show: false } }],
    }),
  }
}

/** A month before and behind what is drawn, so that nothing stands on the edge. */
function rangeOf(periods: readonly string[]): [number, number] {
  const half = 16 * 86_400_000
  return [middleOf(periods[0] ?? '1970-01') - half, middleOf(periods.at(-1) ?? '1970-01') + half]
}

function scales(from: number, to: number): uPlot.Scales {
  return { x: { time: true, range: [from, to] }, y: { range: (_plot, _low, high) => [0, Math.max(1, (high ?? 0) * 1.12)] } }
}

export function Flows({ flows }: { flows: FlowLines }) {
  const words = w()
  const { newest } = flows
  const shown = (value: number | null) => (value === null ? '–' : number(value))
  return (
    <>
      <div class="proc-plot">
        <Plot data={flows.flows} make={flows.drawFlows} ticks={flows.ticks} label={words.procFlows} />
      </div>
      <div class="proc-strip">
        <Plot data={flows.late} make={flows.drawLate} ticks={flows.ticks} bare label={words.procLate} />
      </div>
      <Key>
        <span data-testid="month-received">
          <Sign kind="solid" /> {words.procReceived} <b>{shown(newest.received)}</b>
        </span>
        <span data-testid="month-resolved">
          <Sign kind="dashed" /> {words.procResolved} <b>{shown(newest.resolved)}</b>
        </span>
        <span data-testid="month-late">
          <Sign kind="bar" /> {words.procLate} <b>{shown(newest.late)}</b>
        </span>
      </Key>
    </>
  )
}
