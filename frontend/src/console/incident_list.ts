/** The incidents that the console knows: those that are not closed live, those closed lately by asking. */

import { signal } from '@preact/signals'
import { get } from '../live/api'
import type { Centre } from '../live/centre'
import { serverNow } from '../live/clock'
import { Collection } from '../live/collection'
import type { IncidentItem, IncidentState, IncidentTask } from '../live/incidents'
import type { FigureItem, Page } from '../live/protocol'

/** Closed ones stay on the board so long. */
const LATELY = 86_400_000
const MOST_CLOSED = 50

export const COLUMNS = ['open', 'assigned', 'in_progress', 'resolved', 'closed'] as const
export type Column = (typeof COLUMNS)[number]

export const incidents = new Collection<IncidentItem>()
export const incidentFigures = new Collection<FigureItem>()
export const closedLately = signal<IncidentItem[]>([])

let follows = false

/** Follow incidents from now on, as long as the page lives. */
export function followIncidents(centre: Centre): void {
  if (follows) return
  follows = true
  centre.stream.subscribe('incidents', incidents)
  centre.stream.subscribe('board:incidents', incidentFigures)
  incidents.watch(({ removed }) => {
    if (removed.size) void renewClosed()
  })
  void renewClosed()
}

async function renewClosed(): Promise<void> {
  const page = await get<Page<IncidentItem>>(`/incidents?state=closed&limit=${MOST_CLOSED}`).catch(() => null)
  if (page) closedLately.value = page.items
}

/** All that the board shows, subscribing the calling component. */
export function shownIncidents(): IncidentItem[] {
  const open = incidents.read()
  const since = serverNow() - LATELY
  const live = new Set(open.map((item) => item.id))
  const closed = closedLately.value.filter((item) => !live.has(item.id) && Date.parse(item.closed_at ?? item.changed_at) >= since)
  return [...open, ...closed]
}

export function columnOf(state: IncidentState): Column {
  return state === 'reopened' ? 'open' : state
}

/** What is to be done next, and until when; null once there is a result. */
export function nextTask(item: IncidentItem): { task: IncidentTask; due: number } | null {
  if (item.state === 'resolved' || item.state === 'closed') return null
  if (item.acknowledged_at === null) return { task: 'acknowledge', due: Date.parse(item.acknowledge_due_at) }
  if (item.assignee === null) return { task: 'assign', due: Date.parse(item.assign_due_at) }
  return { task: 'resolve', due: Date.parse(item.due_at) }
}

/** The nearest deadline first; what has ended, the newest first. */
export function byDeadline(a: IncidentItem, b: IncidentItem): number {
  const due = (item: IncidentItem) => nextTask(item)?.due ?? Number.MAX_SAFE_INTEGER - Date.parse(item.changed_at)
  return due(a) - due(b) || (a.id < b.id ? -1 : 1)
}
