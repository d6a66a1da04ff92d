/** Figures in sentences: counts, gap, movement, pace. */

import { figureText, gapText, number, withUom } from '../i18n/format'
import { w } from '../i18n/words'
import { moreIsBetter } from '../live/lastlook'
import type { Course, FigureItem, Outlook, PeriodFigure } from '../live/protocol'

/** A value with its unit, which stay on one line. */
export function shown(figure: FigureItem, value: number | null = figure.value): string {
  return figureText(figure, value).replaceAll(' ', '\u00a0')
}

interface Counted {
  value: number | null
  numerator?: number | null
  denominator?: number | null
}

/** "1.204 / 2.310", or nothing for what is no share. */
export function countsOf(figure: FigureItem, counted: Counted = figure): string {
  const { numerator, denominator } = counted
  if (figure.kind !== 'share' || numerator == null || denominator == null) return ''
  return w().of(count(numerator), count(denominator)).replaceAll(' ', '\u00a0')
}

/** "44,6 %, 1.924 / 4.318": a value of the figure's kind with what it is made of. */
export function withCounts(figure: FigureItem, counted: Counted = figure): string {
  if (counted.value === null) return w().notYet
  return [shown(figure, counted.value), countsOf(figure, counted)].filter(Boolean).join(', ')
}

/** The distance to the target with its sign and its word. */
export function gapSentence(figure: FigureItem): string {
  const { target, value } = figure
  if (!target || value === null || figure.standing === 'none') return ''
  const words = w()
  const gap = gapText(figure, Math.abs(value - target.value))
  const up = target.direction === 'up'
  if (figure.standing === 'behind') return up ? words.belowBy(gap) : words.overBy(gap)
  return up ? words.metBy(`+${gap}`) : words.metUnder(`−${gap}`)
}

/** What the period before is called: of a year it is the same time of the year before. */
export function previousSpan({ previous, same_last_year: lastYear }: FigureItem): string {
  return previous?.period === lastYear?.period ? w().sameLastYear : w().previousPeriod
}

/** What changed against the period before and the same of last year; one sentence where both are one. */
export function movements(figure: FigureItem): string[] {
  const { previous, same_last_year: lastYear } = figure
  const words = w()
  const told: string[] = []
  if (previous && previous.period !== lastYear?.period) told.push(...movement(figure, previous, previousSpan(figure)))
  if (lastYear) told.push(...movement(figure, lastYear, words.sameLastYear))
  return told
}

function movement(figure: FigureItem, then: PeriodFigure, span: string): string[] {
  if (figure.value === null || then.value === null) return []
  const words = w()
  const was = withCounts(figure, then)
  const step = figure.value - then.value
  if (figureText(figure, Math.abs(step)) === figureText(figure, 0)) return [words.asBefore(span, was)]
  const better = moreIsBetter(figure)
  const rose = step > 0
  const word = better === null ? (rose ? words.more : words.fewer) : rose === better ? words.better : words.worse
  const move = `${rose ? '▲ +' : '▼ −'}${gapText(figure, Math.abs(step))}`
  return [words.movedSince(move, word, span, was)]
}

export function courseWord(course: Course): string {
  return course === 'unknown' ? w().courseUnknown : w().courses[course]
}

/** What the rest of the period must bring, beside what the last weeks brought. */
export function paceSentence(figure: FigureItem, outlook: Outlook): string {
  const { needed, recent } = outlook
  const { target } = figure
  if (needed == null || !target || outlook.course === 'met') return ''
  const words = w()
  const up = target.direction === 'up'
  const share = figure.kind === 'share'
  if (share && (up ? needed > 100 : needed < 0)) return words.paceOut
  if (share ? (up ? needed <= 0 : needed >= 100) : up && needed <= 0) return words.paceSecured
  if (!share && needed < 0) return words.paceOut
  const written = (value: number | null | undefined) => {
    if (value == null) return '–'
    return share ? shown(figure, value) : withUom(value, figure.uom)
  }
  if (share) return (up ? words.paceUp : words.paceDown)(written(needed), written(recent))
  return (up ? words.paceCountUp : words.paceCountDown)(written(needed), written(recent))
}

function count(value: number): string {
  return number(value, Number.isInteger(value) || value >= 100 ? 0 : 1)
}
