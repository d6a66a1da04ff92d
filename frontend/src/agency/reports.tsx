/** The reports that a unit owes: what is late stands first, each with its deadline and how far it is. */

import { useEffect, useState } from 'preact/hooks'
import { portalWords } from '../i18n/portal/words'
import { say } from '../i18n/words'
import { get, type Problem } from '../live/api'
import type { DueItem, MeasureItem, Page, ReportItem, UnitRef } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { useAsked } from '../standing/asked'
import { Waiting } from './refusal'
import { Report } from './report'
import { Deadline, PeriodText, StageText } from './report_due'
import { ofPeriod } from './report_state'
import { follow, place } from './route'

interface Asked {
  due: DueItem[]
  reports: ReportItem[]
  measures: MeasureItem[]
}

async function load(unit: string | null): Promise<Asked> {
  const of = unit ? `unit=${encodeURIComponent(unit)}` : ''
  const [due, measures] = await Promise.all([get<Page<DueItem>>(`/reports/due?${of}`), get<Page<MeasureItem>>('/measures')])
  const spans = [...new Set(due.items.map(({ period }) => `${period.start}/${period.end}`))]
  const pages = await Promise.all(spans.map((span) => get<Page<ReportItem>>(`/reports?${of}&period=${span}&limit=1000`)))
  return { due: due.items, measures: measures.items, reports: pages.flatMap((page) => page.items) }
}

export function Reports({ unit }: { unit: UnitRef }) {
  const [again, renew] = useState(0)
  // Who sees the whole province sees what all owe.
  const of = useCentre().me.value?.role === 'agency' ? unit.id : null
  const { data, failure } = useAsked(`${of}`, () => load(of), { again })
  const { obligation, period, unit: whose } = place.value
  const open = data?.due.find((due) => due.obligation === obligation && due.period.text === period && due.unit.id === (whose ?? unit.id))
  useEffect(() => window.scrollTo(0, 0), [obligation, period])
  if (!data) {
    return (
      <section class="panel" data-testid="reports">
        <Waiting on={data} failure={failure} />
      </section>
    )
  }
  if (open) {
    const measures = data.measures.filter((measure) => measure.group === open.group)
    return <Report key={`${open.unit.id} ${open.obligation} ${open.period.text}`} due={open} measures={measures} renew={() => renew((n) => n + 1)} />
  }
  return <List asked={data} unit={unit} gone={obligation !== undefined} failure={failure} />
}

interface ListProps {
  asked: Asked
  unit: UnitRef
  gone: boolean
  failure: Problem | null
}

function List({ asked, unit, gone, failure }: ListProps) {
  const words = portalWords()
  return (
    <section class="panel" data-testid="reports">
      <header class="panel-head">
        <h2>{words.reports}</h2>
        <span class="aside">{unit.name}</span>
      </header>
      <Waiting on={asked} failure={failure} />
      {gone && <p class="pad">{words.reportGone}</p>}
      {asked.due.length === 0 && <p class="caption pad">{words.reportsNone}</p>}
      {asked.due.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label={words.reports}>
          <table>
            <thead>
              <tr>
                <th>{words.colReport}</th>
                <th>{words.colPeriod}</th>
                <th>{words.colDeadline}</th>
                <th>{words.colStage}</th>
                <th>{words.colPost}</th>
              </tr>
            </thead>
            <tbody>
              {asked.due.map((due) => (
                <Line key={`${due.unit.id} ${due.obligation} ${due.period.text}`} due={due} asked={asked} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

function Line({ due, asked }: { due: DueItem; asked: Asked }) {
  const wide = useCentre().me.value?.role !== 'agency'
  const measures = asked.measures.filter((measure) => measure.group === due.group)
  const to = { section: 'reports', unit: due.unit.id, obligation: due.obligation, period: due.period.text }
  return (
    <tr data-testid="due" data-obligation={due.obligation} data-period={due.period.text} data-state={due.state}>
      <td>
        <a {...follow(to)}>{say(due.name)}</a>
        {wide && <div class="caption">{due.unit.name}</div>}
      </td>
      <td>
        <PeriodText due={due} />
      </td>
      <td>
        <Deadline due={due} />
      </td>
      <td>
        <StageText due={due} measures={measures} held={ofPeriod(due, asked.reports)} />
      </td>
      <td>{due.post}</td>
    </tr>
  )
}
