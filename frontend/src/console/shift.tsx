/** The shift: who is on, what it wrote and whom it called, who is on call elsewhere, and the hand-over. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import './incidents.css'
import './shift.css'
import { Boundary } from '../design/boundary'
import { date, moment, number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { language, w } from '../i18n/words'
import { get } from '../live/api'
import { tick } from '../live/clock'
import type { ShiftItem, ShiftReport } from '../live/incidents'
import type { Page } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { Directory } from './duty'
import { BeginShift, EndShift } from './shift_forms'
import { ShiftCalls, ShiftLog } from './shift_log'

/** There is no stream of shifts: they change twice a day. */
const RENEW_EVERY = 10_000
const SHOWN = 15

export function Shift() {
  const centre = useCentre()
  const words = consoleWords().shift
  const shifts = useSignal<ShiftItem[] | null>(null)
  const failed = useSignal(false)
  const renew = () =>
    get<Page<ShiftItem>>(`/shifts?limit=${SHOWN}`)
      .then((page) => {
        shifts.value = page.items
        failed.value = false
      })
      .catch(() => (failed.value = true))
  useEffect(() => {
    void renew()
    const timer = window.setInterval(() => void renew(), RENEW_EVERY)
    return () => window.clearInterval(timer)
  }, [])
  const [newest, ...older] = shifts.value ?? []
  const running = newest && newest.ended_at === null ? newest : null
  const past = running ? older : (shifts.value ?? [])
  const may = centre.may('incident.run')
  return (
    <>
      <Boundary name="shift">
        <section class="panel shift-side" data-testid="shift">
          <h2>{words.running}</h2>
          {shifts.value === null && <p class="caption">{failed.value ? w().unreachable : w().loading}</p>}
          {shifts.value !== null && !running && <p data-testid="no-shift">{words.none}</p>}
          {running && <Running shift={running} />}
          {running && may && <EndShift shift={running} done={() => void renew()} />}
          {shifts.value !== null && !running && may && <BeginShift done={() => void renew()} />}
          <h2>{words.past}</h2>
          {past.length === 0 && shifts.value !== null && <p class="caption">{words.pastNone}</p>}
          <ul class="shift-past">
            {past.map((shift) => (
              <li key={shift.id}>
                <span>
                  {date(shift.began_at)} {moment(shift.began_at, Date.parse(shift.began_at))}–{shift.ended_at ? moment(shift.ended_at, Date.parse(shift.began_at)) : ''}
                  <span class="caption">{shift.on_duty.join(', ')}</span>
                </span>
                <ReportLinks shift={shift} />
              </li>
            ))}
          </ul>
        </section>
      </Boundary>
      <Boundary name="shift-log">
        <section class="panel shift-middle">{newest ? <ShiftLog key={newest.id} shift={newest} /> : <p class="caption empty">{words.logNone}</p>}</section>
      </Boundary>
      <Boundary name="duty">
        <section class="panel shift-side">
          <ShiftCalls shift={newest ?? null} />
          <Directory />
        </section>
      </Boundary>
    </>
  )
}

function Running({ shift }: { shift: ShiftItem }) {
  const words = consoleWords().shift
  const report = useSignal<ShiftReport | null>(null)
  useEffect(() => {
    get<ShiftReport>(`/shifts/${shift.id}/report`)
      .then((found) => (report.value = found))
      .catch(() => (report.value = null))
  }, [shift])
  const now = tick.value
  const told = report.value
  return (
    <div data-testid="running-shift">
      <p class="shift-people">{shift.on_duty.join(', ')}</p>
      <p class="caption">{words.began(moment(shift.began_at, now), shift.began_by)}</p>
      {shift.note && <p>{shift.note}</p>}
      {told && (
        <dl class="facts">
          {(
            [
              [words.opened, told.opened],
              [words.resolved, told.resolved],
              [words.closed, told.closed],
              [words.falseAlarms, told.false_reports],
              [words.alertsRaised, told.alerts_raised],
              [words.alertsAcknowledged, told.alerts_acknowledged],
            ] as const
          ).map(([term, count]) => (
            <div key={term}>
              <dt>{term}</dt>
              <dd>{number(count)}</dd>
            </div>
          ))}
        </dl>
      )}
      <ReportLinks shift={shift} />
    </div>
  )
}

/** The report to print, and to keep. */
export function ReportLinks({ shift }: { shift: ShiftItem }) {
  const words = consoleWords().shift
  const path = `/api/v1/shifts/${shift.id}/report`
  return (
    <span class="report-links">
      <a href={`${path}.html?language=${language.value}`} target="_blank" rel="noopener" data-testid="report-print">
        {words.report}
      </a>{' '}
      <a href={`${path}.xlsx?language=${language.value}`} data-testid="report-xlsx">
        XLSX
      </a>
    </span>
  )
}
