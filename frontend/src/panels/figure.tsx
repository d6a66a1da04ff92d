/** A figure with what it takes to read it: share's counts, target, gap in words, age. */

import { Measure } from '../charts/measure'
import { Age } from '../design/age'
import { figureNumber, figureScale, figureText, gapText, number } from '../i18n/format'
import { say, w } from '../i18n/words'
import { tick } from '../live/clock'
import { figureFreshness } from '../live/freshness'
import type { FigureItem, Freshness } from '../live/protocol'

export function useFigureState(figure: FigureItem): Freshness {
  return figureFreshness(figure, tick.value)
}

/** The number itself: hollow grey once stale, with its age where the value stood. */
export function FigureValue({ figure, big = false }: { figure: FigureItem; big?: boolean }) {
  const state = useFigureState(figure)
  const { sign } = figureScale(figure)
  const behind = figure.standing === 'behind' && state !== 'stale'
  const empty = figure.value === null
  return (
    <span
      class={`figure-value${big ? ' big' : ''}${behind ? ' behind' : ''}${empty ? ' is-never' : ''}`}
      data-testid={`figure-${figure.id}`}
      data-state={state}
      data-standing={figure.standing}
      data-value={figure.value ?? ''}
    >
      {empty && state === 'never' ? (
        <span class="figure-never">{w().never}</span>
      ) : (
        <span class={state === 'stale' && !empty ? 'hollow' : ''}>{figureNumber(figure)}</span>
      )}
      {sign && !empty && <small class={state === 'stale' ? 'is-stale' : ''}>{sign}</small>}
    </span>
  )
}

/** "1.204 / 2.310": what the share is made of. */
export function FigureCounts({ figure }: { figure: FigureItem }) {
  if (figure.kind !== 'share' || figure.numerator === null || figure.denominator === null) return null
  const decimals = (value: number) => (Number.isInteger(value) || value >= 100 ? 0 : 1)
  return (
    <span class="counts" data-testid={`counts-${figure.id}`}>
      {w().of(
        number(figure.numerator, decimals(figure.numerator)),
        number(figure.denominator, decimals(figure.denominator)),
      )}
    </span>
  )
}

/** "▼ thiếu 3,8 điểm %": the distance to the target, with sign and word. */
export function Gap({ figure }: { figure: FigureItem }) {
  const { target, value } = figure
  if (!target || value === null || figure.standing === 'none') return null
  const words = w()
  const gap = gapText(figure, Math.abs(value - target.value))
  if (figure.standing === 'behind') {
    return <span class="gap behind">{target.direction === 'up' ? words.belowBy(gap) : words.overBy(gap)}</span>
  }
  return <span class="gap">{words.met}</span>
}

/** "được giao 51 % (số liệu mẫu)"; briefly without the remark, where the page carries its own mark. */
export function TargetNote({ figure, brief = false }: { figure: FigureItem; brief?: boolean }) {
  if (!figure.target) return null
  const words = w()
  return (
    <span class="target-note" title={figure.target.document}>
      {words.targetShort(figureText(figure, figure.target.value))}
      {figure.target.sample && !brief && ` (${words.sampleTarget})`}
    </span>
  )
}

/** "dự báo 49,8 %, có nguy cơ": where it is headed by the target's end; the reason on pointing at it. */
export function OutlookNote({ figure }: { figure: FigureItem }) {
  const { outlook } = figure
  if (!outlook || outlook.course === 'unknown') return null
  const words = w()
  const foreseen = outlook.value == null ? '' : `${words.foreseen(figureText(figure, outlook.value))}, `
  return (
    <span class="outlook" title={say(outlook.reason)} data-testid={`outlook-${figure.id}`} data-course={outlook.course}>
      {foreseen}
      {words.courses[outlook.course]}
    </span>
  )
}

export function FigureMeasure({ figure }: { figure: FigureItem }) {
  const state = useFigureState(figure)
  if (figure.kind !== 'share') return null
  const share = (value: number | null | undefined) => {
    if (value == null) return null
    const { factor, sign } = figureScale(figure)
    return sign === '%' ? (value * factor) / 100 : value
  }
  return (
    <Measure
      filled={share(figure.value)}
      tick={share(figure.target?.value)}
      behind={figure.standing === 'behind'}
      stale={state === 'stale'}
    />
  )
}

export function FigureAge({ figure, ...how }: { figure: FigureItem; always?: boolean; brief?: boolean }) {
  // What was never fed says so where the value would stand.
  if (figure.value === null && figure.state === 'never') return null
  return <Age time={figure.time} state={figure.state} late_after={figure.late_after} stale_after={figure.stale_after} {...how} />
}

export function FigureName({ figure }: { figure: FigureItem }) {
  return (
    <span class="figure-name" title={say(figure.note)}>
      {say(figure.name)}
    </span>
  )
}
