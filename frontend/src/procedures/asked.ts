/** The months behind the board's figures, asked for anew each minute. */

import { get } from '../live/api'
import { tick } from '../live/clock'
import type { FigureHistory } from '../live/protocol'
import { date } from '../i18n/format'
import { useAsked, type Asked } from '../standing/asked'
import { lastMonths } from './history'

/** What is drawn; of what is overdue, how much was in hand when each month ended. */
export const DRAWN = ['online-share', 'dossiers-received', 'dossiers-resolved', 'in-hand-overdue'] as const

export type Histories = Record<(typeof DRAWN)[number], FigureHistory>

/** The histories of the province; once a month begins they are those of other months. */
export function useHistories(): Asked<Histories> {
  const months = lastMonths(today())
  const span = `since=${months[0]}&until=${months.at(-1)}`
  return useAsked(span, async () => {
    const found = await Promise.all(DRAWN.map((id) => get<FigureHistory>(`/indicators/${id}/history?${span}`)))
    return Object.fromEntries(DRAWN.map((id, place) => [id, found[place]])) as Histories
  })
}

/** The day of the province, 2026-11-28. */
function today(): string {
  const [day, month, year] = date(tick.value).split('/')
  return `${year}-${month}-${day}`
}
