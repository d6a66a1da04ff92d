/** The shapes that travel over the websocket and REST; the truth is `ioc/live/wire.py`. */

export type Freshness = 'fresh' | 'late' | 'stale' | 'never'
export type Severity = 'critical' | 'high' | 'medium' | 'low'
export type Domain = 'traffic' | 'health' | 'electricity' | 'environment' | 'service' | 'it'

/** An RFC 3339 instant. */
export type Instant = string

export interface Text {
  vi: string
  en: string
}

export interface Value {
  value: number | string | null
  time: Instant | null
  uom: string | null
  state: Freshness
  /** Why the value is not plausible; absent where it is. */
  suspect?: Suspect[]
}

export type Suspect = 'range' | 'rate' | 'flat'

export interface LayerProperties {
  name: string
  unit: string | null
  unit_name?: string | null
  feed?: string | null
  values: Record<string, Value>
  severity?: Severity | null
  late_after?: number | null
  stale_after?: number | null
  /** A web address of the feature's own, such as that of a camera's picture. */
  link?: string
}

export interface LayerFeature {
  type: 'Feature'
  id: string
  geometry: GeoJSON.Geometry | null
  properties: LayerProperties
}

export interface UnitRef {
  id: string
  name: string
}

export interface AlertItem {
  id: string
  rule: string
  kind: string
  severity: Severity
  title: Text
  reason: Text
  state: 'active' | 'cleared'
  acknowledged: boolean
  acknowledged_by: string | null
  acknowledged_at: Instant | null
  since: Instant
  cleared_at: Instant | null
  place: { feature: string | null; name: string; point: [number, number] | null }
  unit: UnitRef | null
  domain: Domain
  feed: string | null
  series: number | null
  value: number | null
  level: number | null
  uom: string | null
  value_time: Instant | null
  comments?: number
  version?: number
  assignee?: UnitRef | null
  shelved?: { until: Instant; by: string; why: string } | null
  muted?: { cause: 'silence' | 'planned' | 'inhibited'; by: string; reason: Text } | null
  matter?: string | null
  matter_reason?: string | null
  flapping?: boolean
  national_level?: number | null
  noted?: boolean
  exercise?: boolean
  incident?: { id: string; code: string } | null
}

export interface FeedItem {
  id: string
  name: string
  agency: UnitRef
  domain: Domain
  state: Freshness
  interval: number | null
  late_after: number | null
  stale_after: number | null
  last_time: Instant | null
  last_received: Instant | null
  received_hour: number
  stored_hour: number
  quarantined_hour: number
  late_hour: number
  series: number
  idempotent: boolean
  simulated: boolean
}

export interface Trend {
  time: number[]
  value: (number | null)[]
  ghost: (number | null)[]
}

export interface TargetRef {
  value: number
  direction: 'up' | 'down'
  until: string | null
  document: string
  sample: boolean
}

export interface FigureItem {
  id: string
  indicator: string
  version: number
  name: Text
  domain: Domain
  unit: UnitRef | null
  period: string | null
  kind: 'share' | 'sum' | 'max' | 'mean' | 'count' | 'ratio' | 'score' | 'composite'
  value: number | null
  numerator: number | null
  denominator: number | null
  uom: string
  decimals: number
  state: Freshness
  time: Instant | null
  late_after: number | null
  stale_after: number | null
  coverage: { observed: number; expected: number | null } | null
  target: TargetRef | null
  standing: 'met' | 'behind' | 'none'
  trend?: Trend | null
  rank?: number
  of?: number
  movement?: number | null
  note?: Text | null
  use?: 'steering' | 'statistical' | null
  severity?: Severity | null
  maximum?: number | null
  rounding?: 'half_up' | 'truncate'
  cumulative?: PeriodFigure | null
  previous?: PeriodFigure | null
  same_last_year?: PeriodFigure | null
  printed?: PrintedFigure | null
  official?: OfficialScore | null
  own?: OwnScore | null
  estimated?: boolean
  provisional?: boolean
  flags?: 'above'[]
  breaks?: LineBreak[]
  answering?: Answering | null
  late?: LateDossier[]
  outlook?: Outlook | null
}

export type Course = 'met' | 'on_track' | 'at_risk' | 'off_track' | 'unknown'

export interface Outlook {
  course: Course
  reason: Text
  at?: Instant | null
  needed?: number | null
  recent?: number | null
  value?: number | null
  low?: number | null
  high?: number | null
}

export interface LateDossier {
  code: string
  procedure: string
  /** What the catalogue called the procedure on the day of filing. */
  procedure_name: string | null
  unit: UnitRef
  office: string | null
  due_at: Instant
  /** Working days; null outside of the calendar. */
  days_late: number | null
}

export interface PeriodFigure {
  period: string
  value: number | null
  numerator?: number | null
  denominator?: number | null
  version?: number
  estimated?: boolean
}

export interface PrintedFigure {
  value: number
  bound: '=' | '>=' | '<=' | '~'
  decimals: number
  document: string
  period: string
  agrees: boolean | null
}

export interface OfficialScore {
  score: number
  at: string
  document: string
  rank: number | null
  of: number | null
  movement: number | null
}

export interface OwnScore {
  value: number | null
  covered: number
  maximum: number
  formula: boolean
}

export interface LineBreak {
  at: string
  reason: Text
}

export interface Answering {
  unit: UnitRef
  post?: string | null
  name?: string | null
  phone?: string | null
  sample?: boolean
}

export interface Delta<T> {
  update?: T[]
  add?: T[]
  remove?: string[]
  rest?: Rest
}

/** How many things are there that are not sent, by severity; of alerts only the worst are. */
export type Rest = Readonly<Partial<Record<Severity, number>>>

export type ServerFrame =
  | { type: 'hello'; server_time: Instant; epoch: string }
  | { type: 'pong' }
  | { type: 'snapshot'; id: string; cursor: string; data: { items: unknown[]; rest?: Rest } }
  | { type: 'delta'; id: string; cursor: string; data: Delta<unknown> }
  | { type: 'resync'; id: string; reason: string }
  | { type: 'lag'; behind_ms: number }
  | { type: 'error'; id: string | null; code: string; message: string }

export type ClientFrame =
  | { type: 'subscribe'; id: string; topic: string; bbox?: [number, number, number, number]; cursor?: string }
  | { type: 'unsubscribe'; id: string }
  | { type: 'ping' }

export interface LayerInfo {
  id: string
  name: Text
  kind: 'points' | 'units' | 'areas'
  domain: Domain
  properties: unknown[]
  indicator: string | null
}

export interface City {
  province: UnitRef
  bounds: [number, number, number, number]
  time_zone: string
  simulated: boolean
  version: string
  layers: LayerInfo[]
  backfill: { running: boolean; done: number } | null
  outline_note: Text | null
}

export interface Me {
  name: string
  full_name: string
  role: 'administrator' | 'operator' | 'leader' | 'agency' | 'wall'
  units: UnitRef[]
  permissions: string[]
}

/** A device that this person is pushed to on; while it is not `live` it waits for a sign-in. */
export interface PushSubscriptionItem {
  id: number
  endpoint: string
  least: Severity
  live: boolean
  created_at: Instant
}

/** The key to subscribe to, null while push is off; `reached` by the roster. */
export interface PushState {
  key: string | null
  reached: boolean
  subscriptions: PushSubscriptionItem[]
}

export interface Summary {
  as_of: Instant
  items: FigureItem[]
  alerts: AlertItem[]
  feeds: { fresh: number; late: number; stale: number; never: number }
}

export interface SeriesItem {
  id: number
  key: string
  feed: string
  feature: string
  property: string
  uom: string | null
  value_kind: 'number' | 'boolean' | 'text'
  latest: { value: number | string | null; time: Instant | null } | null
}

export interface ObservationColumns {
  time: number[]
  mean: (number | null)[]
  min: (number | null)[]
  max: (number | null)[]
  observed: number[]
  expected: (number | null)[]
}

export interface AlertChange {
  at: Instant
  change: string
  actor: string | null
  comment: string | null
}

/** received = stored + duplicate + corrected + late + quarantined; the others stand outside of the sum. */
export interface LedgerRow {
  minute: Instant
  received: number
  stored: number
  duplicate: number
  corrected: number
  late: number
  quarantined: number
  stored_late: number
  redelivered: number
  bytes: number
  replayed: number
  dropped: number
  /** Seconds from the phenomenon to its receipt; null where no row was taken. */
  lag_p50: number | null
  lag_max: number | null
}

/** The ledger of a feed; `forbidden` counts what its agency sent outside its own topics. */
export interface LedgerPage extends Page<LedgerRow> {
  total: LedgerRow
  forbidden?: number
  idempotent: boolean
}

export type QuarantineState = 'open' | 'replayed' | 'dropped'

export interface QuarantineRow {
  id: number
  kind: 'observations' | 'dossiers' | 'reports' | 'tickets' | 'warnings'
  state: QuarantineState
  replayable: boolean
  received_at: Instant
  channel: string
  topic_key: string | null
  source: string | null
  content_type: string
  index: number
  reason: string
  title: Text
  detail: string
  cure: Text
  payload: string
  size: number
  sha256: string | null
  attempts: number
  repaired_at: Instant | null
  repaired_by: string | null
  replayed_at: Instant | null
  dropped_at: Instant | null
  dropped_by: string | null
}

export interface QuarantinePage extends Page<QuarantineRow> {
  held: { items: number; bytes: number; most_bytes: number; most_age: number }
}

/** A version of how the payloads of a feed are read; every field is JMESPath. */
export interface KeptMapping {
  version: number
  effective_from: Instant
  document: Record<string, unknown>
  created_at: Instant
  created_by: string
}

export interface MappingList extends Page<KeptMapping> {
  in_force: number | null
  format: string
}

export interface TrialAnswer {
  trial: {
    rows: { series: string; time: Instant; value: number | boolean | string; uom: string | null }[]
    features: { id: string; name: string }[]
    problems: { index: number; reason: string; detail: string }[]
  }
  rows_found: number
  reasons: { reason: string; title: Text; cure: Text }[]
}

export interface ReplayReceipt {
  received: number
  stored: number
  ids: number[]
  replayed: number[]
  kept: number[]
  skipped: number[]
  next: string | null
}

export type QualityWord = 'right' | 'complete' | 'clean' | 'live'

/** A share in percent with its counts; null where it cannot be said. */
export interface Share {
  value: number | null
  numerator: number | null
  denominator: number | null
}

export interface Scores extends Record<QualityWord, Share> {
  overall: number | null
  words: number
}

export interface FeedName {
  feed: string
  name: string
}

/** The quality of an agency's data on a day of the province; `undeclared` are its feeds without an interval. */
export interface AgencyQuality {
  day: string
  agency: UnitRef
  simulated: boolean
  version: number
  computed_at: Instant
  scores: Scores
  feeds: (FeedName & { simulated: boolean; scores: Scores })[]
  undeclared: FeedName[]
}

export interface QualityDefinition {
  word: QualityWord
  version: number
  name: Text
  meaning: Text
  cure: Text
}

export interface QualityPage extends Page<AgencyQuality> {
  definitions: QualityDefinition[]
}

/** An agency in the ranking; `reason` is why it is not ranked or stands below others. */
export interface RankedAgency {
  rank: number | null
  agency: UnitRef
  feeds: number
  simulated: boolean
  computed_at: Instant | null
  scores: Scores
  reason: Text | null
  undeclared: FeedName[]
}

export interface RankingPage extends Page<RankedAgency> {
  day: string
  definitions: QualityDefinition[]
}

/** A message of others that warns; `national_level` is that of Decision 18/2021/QĐ-TTg. */
export interface WarningItem {
  id: string
  by_hand: boolean
  national_level: number | null
  message: {
    sender: string
    sent: Instant
    status: string
    kind: 'Alert' | 'Update' | 'Cancel' | string
    infos: { event: string; headline: string; description: string; sender_name: string; onset: Instant | null; areas: { description: string }[] }[]
  }
  ends: Instant
  signature: 'verified' | 'unverified' | 'absent'
  replaced: boolean
  bulletin: boolean
  by: string
  at: Instant
}

/** A time in which some alerts are expected. */
export interface SilenceItem {
  id: string
  matcher: Partial<Record<'rule' | 'kind' | 'feed' | 'unit' | 'feature' | 'layer' | 'zone' | 'tag', string>> & { domain?: Domain; severity?: Severity }
  starts: Instant
  ends: Instant
  why: string
  plan: string | null
  by: string
  at: Instant
  ended_by: string | null
  ended_at: Instant | null
}

export type LetterState = 'waiting' | 'sent' | 'dropped' | 'withheld' | 'dead'

export interface NoticeChannel {
  id: string
  kind: string
  enabled: boolean
}

/** What somebody is told; `held` says why it is sent later or not at all, `detail` what failed. */
export interface LetterItem {
  incident: string | null
  id: number
  alert: string | null
  stage: string
  person: string
  channel: string
  reason: string
  held: string | null
  state: LetterState
  next_at: Instant
  attempts: number
  detail: string
  created_at: Instant
  settled_at: Instant | null
  message: { title?: Text }
}

/** Who can be called for a unit, those on call first. */
export interface DutyUnit {
  unit: UnitRef
  people: { id: string; name: string; phone: string | null; email: string | null; hours: string | null }[]
}

export interface Page<T> {
  items: T[]
  next: string | null
}

/** What the rest of a period must bring; of a share in percent of what is to come, of a count by working day. */
export interface Pace {
  value: number | null
  target: number
  gap: number | null
  needed: number | null
  recent: number | null
  outcome: number | null
  course: Course
  why: string
  coming: number | null
}

export interface Forecast {
  value: number
  low: number
  high: number
  level: number
  method: 'weeks' | 'so_far'
  at: Instant
}

export interface UnitStanding {
  figure: FigureItem
  pace: Pace | null
  forecast: Forecast | null
  reason: Text | null
}

/** How units stand by an indicator, best first. */
export interface Standing {
  indicator: string
  period: string
  days_left: number
  forecast_at: Instant | null
  items: UnitStanding[]
}

export interface Ranking {
  indicator: string
  period: string
  previous: string
  items: FigureItem[]
}

export interface Uncascaded {
  indicator: string
  unit: UnitRef
  must_cascade_by: string
  document: string
  missing: UnitRef[]
  of: number
  answers: {
    unit: string
    name: string
    short_name: string
    contact: { post: string | null; name: string | null; phone: string | null; sample: boolean }
  } | null
}

export interface UncascadedList {
  on: string
  items: Uncascaded[]
}

export interface DossierItem {
  code: string
  procedure: { code: string; name: string | null }
  field: string
  unit: UnitRef
  received_by: UnitRef
  channel: string
  state: 'early' | 'on_time' | 'late' | 'undated' | 'overdue' | 'in_hand'
  held: { office: string; since: Instant | null } | null
  received_at: Instant
  due_at: Instant | null
  resolved_at: Instant | null
  days_late: number | null
}

// What an agency hands in and handles itself.

export interface PeriodItem {
  text: string
  start: string
  /** The first day behind it. */
  end: string
}

export interface DueItem {
  obligation: string
  name: Text
  group: string
  unit: UnitRef
  period: PeriodItem
  due_at: Instant
  received_at: Instant | null
  state: 'expected' | 'received' | 'late' | 'missing'
  missing: string[]
  post: string | null
}

export interface MeasureItem {
  id: string
  name: Text
  uom: string
  kind: 'flow' | 'stock' | 'score' | 'rank'
  decimals: number
  group: string | null
  legal_reference: string | null
}

export type ReportState = 'draft' | 'submitted' | 'approved' | 'closed'

export interface ReportItem {
  id: string
  feed: string
  measure: string
  unit: UnitRef
  period: PeriodItem
  version: number
  state: ReportState
  value: number | null
  numerator: number | null
  denominator: number | null
  nothing_occurred: boolean
  document: string
  submitted_at: Instant | null
}

export interface ReportHistory {
  report: ReportItem
  items: { version: number; at: Instant; actor: string; change: string; reason: string; document: Record<string, unknown> }[]
}

export interface RefusedReport {
  index: number
  sheet: string | null
  row: number | null
  cell: string | null
  field: string | null
  reason: string
  title: Text
  detail: string
  cure: Text
}

export interface HandReceipt {
  feed: string
  received: number
  stored: number
  duplicate: number
  corrected: number
  quarantined: number
  refused: RefusedReport[]
}

export interface MovedReports {
  items: ReportItem[]
  problems: { id: string; detail: string }[]
}

export interface FormEntry {
  id: string
  number: string
  title: string
  legal_reference: string
  cycles: { id: string; name: Text; last: string | null }[]
}

export type TicketState =
  | 'received'
  | 'verified'
  | 'rejected'
  | 'assigned'
  | 'accepted'
  | 'returned'
  | 'in_progress'
  | 'waiting'
  | 'extension_requested'
  | 'resolved'
  | 'approved'
  | 'published'
  | 'rated'
  | 'reopened'
  | 'closed'

export type TicketOutcome = 'solved' | 'false_report' | 'out_of_scope' | 'duplicate' | 'withdrawn'

export type TicketMove =
  | 'verify'
  | 'reject'
  | 'ask-supplement'
  | 'supplement'
  | 'assign'
  | 'accept'
  | 'return'
  | 'start'
  | 'request-extension'
  | 'extend'
  | 'resolve'
  | 'approve'
  | 'publish'
  | 'rate'
  | 'reopen'
  | 'close'

export interface TicketItem {
  id: string
  code: string
  kind: 'petition' | 'field_report'
  category: { id: string; name: Text }
  state: TicketState
  outcome: TicketOutcome | null
  unit: UnitRef | null
  lead: UnitRef
  received_at: Instant
  due_at: Instant
  ended_at: Instant | null
  overdue: boolean
  rating: number | null
  description: string
  address: string
  /** Longitude and latitude. */
  place: [number, number] | null
  version: number
}

export interface TicketClock {
  step: 'refuse' | 'supplement' | 'solve' | 'publish'
  due_at: Instant
  done_at: Instant | null
  standing: 'running' | 'paused' | 'met' | 'missed' | 'void'
}

export interface TicketDetail extends TicketItem {
  wanted_due_at: Instant | null
  supplements: number
  reopened: number
  result: string
  media_url: string
  changed_at: Instant
  clocks: TicketClock[]
  timeline: {
    version: number
    at: Instant
    actor: string
    move: string
    from_state: TicketState | null
    to_state: TicketState
    reason: string
    unit: UnitRef | null
    due_at: Instant
  }[]
  allowed: TicketMove[]
}

/** The days of a year that differ from what their weekday says. */
export interface CalendarYear {
  year: number
  items: { day: string; working: boolean; name: string }[]
}

/** What was done on a day to move a figure; without an end it goes on, or was done on a single day. */
export interface Action {
  id: string
  unit: string
  kind: 'fee_cut' | 'help_desk' | 'urging_letter' | 'training' | 'campaign' | 'other'
  name: Text
  from: string
  until: string | null
  document: string
  indicators: string[]
  sample: boolean
}

/** A figure period by period, with the days on which its line is broken, and what was done. */
export interface FigureHistory {
  indicator: string
  unit: string
  cycle: string
  uom: string
  items: PeriodFigure[]
  breaks: LineBreak[]
  actions: Action[]
}

/** What a rule judges by at one place; seconds, null where it has none. `compares`: levels are those of the values. */
export interface Levels {
  level: number | null
  clear: number | null
  sign: 1 | -1 | null
  hold: number | null
  clear_hold: number | null
  compares: boolean
}

/** One who was told of an alert, or was not: `held` says why later or not at all. */
export interface Told {
  at: Instant
  person: string
  channel: string
  stage: string
  reason: string
  held: string | null
  state: 'waiting' | 'sent' | 'dropped' | 'withheld' | 'dead'
  settled_at: Instant | null
  detail: string
}

/** All about one alert. */
export interface AlertSheet {
  alert: AlertItem
  pending_since: Instant
  raised: { value: number | null; value_time: Instant | null }
  levels: Levels
  advice: Text | null
  told: Told[]
}

export interface CallItem {
  id: string
  at: Instant
  made_by: string
  person: string
  phone: string
  unit: string | null
  result: string
  note: string
}
