/** The line of what an alert is about, with the rule's levels, the hold time and the value that raised it. */

import { useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { Line } from '../charts/line'
import { Age } from '../design/age'
import { duration, moment, withUom } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { say, w } from '../i18n/words'
import { get } from '../live/api'
import { serverNow, tick } from '../live/clock'
import type uPlot from 'uplot'
import type { AlertSheet, ObservationColumns, Page, SeriesItem } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { withGaps } from '../panels/detail'
import { drawCause, type Drawn } from './cause_draw'
import { stretchOf } from './window'

const RENEW_EVERY = 30_000

interface Traced {
  time: number[]
  value: (number | null)[]
  series: SeriesItem | null
}

export function Cause({ sheet }: { sheet: AlertSheet }) {
  const words = w()
  const { alert } = sheet
  const line = useLine(sheet)
  const drawn = useMemo(() => drawnOf(sheet), [sheet, words])
  const within = [...drawn.levels.map((level) => level.value), ...(drawn.raised ? [drawn.raised.value] : [])]
  const draw = useMemo(() => (plot: uPlot, font: number) => drawCause(plot, font, drawn), [drawn])
  if (alert.series === null) return null
  return (
    <section class="cause" data-testid="cause">
      <Judged sheet={sheet} series={line === 'failed' || line === null ? null : line.series} />
      {line === null && <p class="caption">{words.loading}</p>}
      {line === 'failed' && <p class="caption">{words.unreachable}</p>}
      {line !== null && line !== 'failed' && (line.time.length === 0 ? (
        <p class="caption">{consoleWords().noLine}</p>
      ) : (
        <div class="detail-chart">
          <Line time={line.time} value={line.value} within={within} draw={draw} label={`${say(alert.title)}, ${alert.place.name}`} />
        </div>
      ))}
    </section>
  )
}

/** The levels in words, for who does not see the drawing, and how old the newest value is. */
function Judged({ sheet, series }: { sheet: AlertSheet; series: SeriesItem | null }) {
  const words = consoleWords()
  const { alert, levels, raised } = sheet
  const feed = useCentre().feeds.read().find((one) => one.id === alert.feed)
  const latest = series?.latest
  const said = [
    raised.value !== null && raised.value_time && words.raisedBy(withUom(raised.value, alert.uom), moment(raised.value_time, tick.value)),
    levels.level !== null && words.raiseLevel(withUom(levels.level, levels.compares ? alert.uom : null)),
    levels.clear !== null && levels.clear !== levels.level && words.clearLevel(withUom(levels.clear, levels.compares ? alert.uom : null)),
    levels.hold ? words.held(duration(levels.hold)) : null,
    levels.clear_hold ? words.clearHeld(duration(levels.clear_hold)) : null,
  ].filter(Boolean)
  return (
    <p class="caption judged">
      <span data-testid="judged" data-level={levels.level} data-clear={levels.clear} data-hold={levels.hold}>
        {said.join(' · ')}
      </span>
      {latest?.time && typeof latest.value === 'number' && (
        <span data-testid="cause-age">
          {words.newest(withUom(latest.value, alert.uom))},{' '}
          <Age time={latest.time} state="fresh" late_after={feed?.late_after ?? null} stale_after={feed?.stale_after ?? null} always />
        </span>
      )}
    </p>
  )
}

function drawnOf({ alert, levels, raised, pending_since }: AlertSheet): Drawn {
  const words = consoleWords()
  const drawn: Drawn = { levels: [], held: null, raised: null }
  const [from, to] = [Date.parse(pending_since), Date.parse(alert.since)]
  drawn.held = { from, to, label: levels.hold ? words.held(duration(levels.hold)) : '' }
  if (!levels.compares) return drawn
  if (levels.level !== null) drawn.levels.push({ value: levels.level, kind: 'raise', label: words.raiseLevel(withUom(levels.level, alert.uom)) })
  if (levels.clear !== null && levels.clear !== levels.level) {
    drawn.levels.push({ value: levels.clear, kind: 'clear', label: words.clearLevel(withUom(levels.clear, alert.uom)) })
  }
  if (raised.value !== null && raised.value_time) drawn.raised = { time: Date.parse(raised.value_time), value: raised.value }
  return drawn
}

/** The stretch of time around the alert, renewed while it goes on. */
function useLine(sheet: AlertSheet): Traced | 'failed' | null {
  const line = useSignal<Traced | 'failed' | null>(null)
  const { alert, levels } = sheet
  // Of each bucket the side that crosses the level: its mean would hide the crossing.
  const take = levels.sign === null || !levels.compares ? 'mean' : levels.sign > 0 ? 'max' : 'min'
  useEffect(() => {
    if (alert.series === null) return
    let current = true
    const load = async () => {
      const { since, until, width, widthMs } = stretchOf(sheet, serverNow())
      const query = new URLSearchParams({ since: new Date(since).toISOString(), until: new Date(until).toISOString(), width })
      const [columns, one] = await Promise.all([
        get<ObservationColumns>(`/series/${alert.series}/observations?${query}`).catch(() => null),
        get<Page<SeriesItem>>(`/series?after=${(alert.series as number) - 1}&limit=1`).catch(() => null),
      ])
      if (!current) return
      if (columns) line.value = { ...withGaps(columns.time, columns[take], widthMs), series: one?.items[0] ?? null }
      else line.value ??= 'failed'
    }
    void load()
    const timer = window.setInterval(() => void load(), RENEW_EVERY)
    return () => {
      current = false
      window.clearInterval(timer)
    }
  }, [alert.id, alert.version, take])
  return line.value
}
