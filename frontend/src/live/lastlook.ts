/** What changed since this person last looked, kept on the device: alerts come and gone, figures moved. */

import type { AlertItem, FigureItem } from './protocol'

export interface Look {
  at: number
  alerts: Record<string, { title: { vi: string; en: string }; place: string; cleared: boolean }>
  figures: Record<string, number>
}

export type Change =
  | { kind: 'new' | 'gone' | 'cleared'; worse: boolean; title: { vi: string; en: string }; place: string }
  | { kind: 'moved'; worse: boolean; figure: FigureItem; from: number }

/** Two looks closer together than this are one. */
export const SAME_LOOK = 5 * 60_000

/** Figures where more is better; the others that are named here are better when less. */
const MORE_IS_BETTER = new Set(['online-share', 'on-time-share', 'traffic-mean-speed', 'feeds-fresh-share', 'stored-share'])
const LESS_IS_BETTER = new Set([
  'traffic-slow-share',
  'bed-occupancy-planned',
  'bed-occupancy-actual',
  'customers-out',
  'dengue-cases',
  'pm25-worst',
  'water-level-worst',
  'in-hand-overdue',
])

export function lookAt(alerts: AlertItem[], figures: FigureItem[], now: number): Look {
  return {
    at: now,
    alerts: Object.fromEntries(
      alerts.map((alert) => [alert.id, { title: alert.title, place: alert.place.name, cleared: alert.state === 'cleared' }]),
    ),
    figures: Object.fromEntries(figures.flatMap((figure) => (figure.value === null ? [] : [[figure.id, figure.value]]))),
  }
}

/** What became worse and better between a look and the present, worse first. */
export function changesSince(before: Look, alerts: AlertItem[], figures: FigureItem[]): Change[] {
  const changes: Change[] = []
  const open = new Map(alerts.map((alert) => [alert.id, alert]))
  for (const alert of alerts) {
    const known = before.alerts[alert.id]
    if (!known && alert.state === 'active') changes.push({ kind: 'new', worse: true, title: alert.title, place: alert.place.name })
    if (known && !known.cleared && alert.state === 'cleared') {
      changes.push({ kind: 'cleared', worse: false, title: alert.title, place: alert.place.name })
    }
  }
  for (const [id, known] of Object.entries(before.alerts)) {
    if (!open.has(id)) changes.push({ kind: 'gone', worse: false, title: known.title, place: known.place })
  }
  for (const figure of figures) {
    const from = before.figures[figure.id]
    if (from === undefined || figure.value === null || !moved(from, figure.value, figure.decimals)) continue
    const better = moreIsBetter(figure)
    if (better === null) continue
    changes.push({ kind: 'moved', worse: figure.value > from !== better, figure, from })
  }
  return changes.sort((a, b) => Number(b.worse) - Number(a.worse))
}

/** A move worth a sentence: at least 2 % of the value and visible in its decimals. */
function moved(from: number, to: number, decimals: number): boolean {
  return Math.abs(to - from) >= Math.max(Math.abs(from) * 0.02, 10 ** -decimals)
}

/** Whether more of a figure is better, null where nobody says. */
export function moreIsBetter(figure: FigureItem): boolean | null {
  if (figure.target) return figure.target.direction === 'up'
  if (MORE_IS_BETTER.has(figure.indicator)) return true
  return LESS_IS_BETTER.has(figure.indicator) ? false : null
}

const KEPT_AS = 'ioc.looks'

interface Kept {
  base: Look | null
  last: Look
}

function kept(): Kept | null {
  try {
    return JSON.parse(localStorage.getItem(KEPT_AS) ?? 'null') as Kept | null
  } catch {
    return null
  }
}

/** The look to compare with: the last one, unless that is only a moment ago. */
export function previousLook(now: number): Look | null {
  const stored = kept()
  if (!stored) return null
  return now - stored.last.at < SAME_LOOK ? stored.base : stored.last
}

export function keepLook(base: Look | null, last: Look): void {
  try {
    localStorage.setItem(KEPT_AS, JSON.stringify({ base, last } satisfies Kept))
  } catch {
    // Without storage every look is the first.
  }
}
