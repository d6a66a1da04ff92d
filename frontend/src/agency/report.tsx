/** One report of a period: as a workbook or typed, how far it is, and who moved it when. */

import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { portalWords } from '../i18n/portal/words'
import { say } from '../i18n/words'
import { get, type Problem } from '../live/api'
import type { DueItem, HandReceipt, MeasureItem, Page, ReportItem } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { useAsked } from '../standing/asked'
import { fileAt, TakeAway } from './download'
import { Receipt } from './receipt'
import { Refusal, Waiting } from './refusal'
import { Entry } from './report_entry'
import { Moves } from './report_moves'
import { before, ofPeriod, spanBefore } from './report_state'
import { Deadline, PeriodText, StageText } from './report_due'
import { follow } from './route'
import { Upload } from './upload'

interface Props {
  due: DueItem
  measures: MeasureItem[]
  /** Tell the list behind that something has changed. */
  renew: () => void
}

export function Report({ due, measures, renew }: Props) {
  const words = portalWords()
  const centre = useCentre()
  const [again, askAgain] = useState(0)
  const receipt = useSignal<HandReceipt | null>(null)
  const refused = useSignal<Problem | null>(null)
  const of = encodeURIComponent(due.unit.id)
  const { data, failure } = useAsked(
    `${due.unit.id} ${due.period.text}`,
    async () => (await get<Page<ReportItem>>(`/reports?unit=${of}&period=${spanBefore(due)}&limit=1000`)).items,
    { again },
  )
  const held = ofPeriod(due, data ?? [])
  const own = centre.me.value?.units.some((unit) => unit.id === due.unit.id) ?? false
  const mayWrite = own && centre.may('report.write')
  const done = () => {
    askAgain((n) => n + 1)
    renew()
  }
  const taken = (told: HandReceipt) => {
    receipt.value = told
    refused.value = null
    done()
  }
  // A workbook says all anew: what was being typed beside it is given up.
  const uploads = useSignal(0)
  const uploaded = (told: HandReceipt) => {
    uploads.value += 1
    taken(told)
  }
  const tell = (problem: Problem | null) => {
    refused.value = problem
    if (problem) receipt.value = null
  }
  return (
    <section class="panel" data-testid="report" data-obligation={due.obligation} data-period={due.period.text}>
      <header class="panel-head">
        <a {...follow({ section: 'reports', unit: due.unit.id })} data-testid="back">
          ‹ {words.reports}
        </a>
        <h2>{say(due.name)}</h2>
        <span class="aside">{due.unit.name}</span>
      </header>
      <dl class="report-facts pad">
        <Fact name={words.colPeriod}>
          <PeriodText due={due} />
        </Fact>
        <Fact name={words.colDeadline}>
          <Deadline due={due} />
        </Fact>
        <Fact name={words.colStage}>
          <StageText due={due} measures={measures} held={held} />
        </Fact>
        {due.post && <Fact name={words.colPost}>{due.post}</Fact>}
      </dl>
      <div class="bar pad">
        <TakeAway
          label={words.template}
          testid="template"
          tell={tell}
          take={fileAt(`/reports/template.xlsx?group=${encodeURIComponent(due.group)}&unit=${of}&period=${encodeURIComponent(due.period.text)}`)}
        />
        {mayWrite && <Upload unit={due.unit.id} taken={uploaded} tell={tell} />}
        <span class="caption">{mayWrite ? words.templateNote : words.onlyOwn}</span>
      </div>
      <Refusal problem={refused.value} />
      <Receipt receipt={receipt.value} />
      <Waiting on={data} failure={failure} />
      {data && <Entry key={uploads.value} due={due} measures={measures} held={held} last={before(due, data)} mayWrite={mayWrite} taken={taken} tell={tell} />}
      {data && <Moves reports={[...held.values()]} own={own} done={done} tell={tell} />}
    </section>
  )
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
