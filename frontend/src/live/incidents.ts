/** Incidents, shifts and calls as they travel; the truth is `ioc/live/incident_wire.py` and `ioc/api`. */

import type { AlertItem, Instant, Severity, Text, UnitRef } from './protocol'

export type IncidentState = 'open' | 'assigned' | 'in_progress' | 'resolved' | 'closed' | 'reopened'
export type IncidentResult = 'handled' | 'false_alarm' | 'no_action' | 'transferred' | 'exercise'
export type IncidentMove =
  | 'acknowledge'
  | 'assign'
  | 'start'
  | 'support'
  | 'extend'
  | 'recategorise'
  | 'escalate'
  | 'de-escalate'
  | 'hand-over'
  | 'resolve'
  | 'return'
  | 'close'
  | 'reopen'
export type IncidentTask = 'acknowledge' | 'assign' | 'resolve'

export interface IncidentItem {
  id: string
  code: string
  version: number
  category: { id: string; name: Text }
  title: string
  origin: string
  exercise: boolean
  state: IncidentState
  result: IncidentResult | null
  /** How high it has risen, 0 to 3. */
  level: number
  lead: UnitRef
  support: UnitRef[]
  assignee: string | null
  keeper: string
  place: AlertItem['place']
  opened_at: Instant
  opened_by: string
  changed_at: Instant
  acknowledged_at: Instant | null
  assigned_at: Instant | null
  resolved_at: Instant | null
  closed_at: Instant | null
  acknowledge_due_at: Instant
  assign_due_at: Instant
  due_at: Instant
  reopened: number
  entries: number
}

export interface IncidentStep {
  id: string
  text: Text
  required: boolean
  done_at: Instant | null
  done_by: string | null
  note: string
}

export interface IncidentFile {
  id: string
  name: string
  media_type: string
  size: number
  added_at: Instant
  added_by: string
}

export interface IncidentEntry {
  at: Instant
  change: string
  actor: string
  comment: string
  detail: Record<string, unknown>
  version: number
}

export interface IncidentDetail extends IncidentItem {
  description: string
  outcome: string
  place_unit: UnitRef | null
  deadline_source: string
  caller_known: boolean
  clocks: { task: IncidentTask; due_at: Instant; done_at: Instant | null; seconds: number; standing: 'running' | 'met' | 'missed' }[]
  checklist: { version: number; steps: IncidentStep[] }
  alerts: string[]
  tickets: string[]
  files: IncidentFile[]
  log: IncidentEntry[]
  allowed: IncidentMove[]
}

export interface IncidentCategory {
  id: string
  name: Text
  group: Text
}

export interface Caller {
  name: string
  phone: string
  taken_by: string
  masked: boolean
}

export interface PlaceItem {
  kind: 'unit' | 'feature'
  id: string
  name: string
  within: string | null
  point: [number, number] | null
}

export interface ShiftItem {
  id: string
  began_at: Instant
  began_by: string
  on_duty: string[]
  note: string
  ended_at: Instant | null
  ended_by: string | null
  summary: string
}

export interface ShiftEntry {
  id: string
  at: Instant
  actor: string
  text: string
}

export interface ShiftReport {
  shift: ShiftItem
  until: Instant
  opened: number
  resolved: number
  closed: number
  false_reports: number
  alerts_raised: number
  alerts_acknowledged: number
  alerts: { id: string; severity: Severity; title: Text; place: string; raised: boolean }[]
}

export type CallResult = 'reached' | 'no_answer' | 'busy' | 'wrong_number' | 'message_left'

export interface CallItem {
  id: string
  at: Instant
  made_by: string
  person: string
  phone: string
  unit: string | null
  result: CallResult
  note: string
  alert: string | null
  incident: string | null
}

export interface DutyPerson {
  id: string
  name: string
  phone: string | null
  email: string | null
  /** Those of the shift that runs; null of somebody who is not on call. */
  hours: string | null
}

export interface DutyUnit {
  unit: UnitRef
  people: DutyPerson[]
}
