/** A report that is owed, in words: which period, by when, how far it is. */

import { number } from '../i18n/format'
import { portalWords } from '../i18n/portal/words'
import { tick } from '../live/clock'
import type { DueItem, MeasureItem, ReportItem } from '../live/protocol'
import { deadline, when } from './deadline'
import { stageOf } from './report_state'
import { calendar } from './share'

/** The last day of a period, of which the server names the one behind it. */
function lastDay(end: string): string {
  return new Date(Date.parse(end) - 86_400_000).toISOString().slice(0, 10)
}

export function PeriodText({ due }: { due: DueItem }) {
  const { text, start, end } = due.period
  const last = lastDay(end)
  return (
    <>
      {text}
      <div class="caption">{last === start ? calendar(start) : portalWords().fromTo(calendar(start), calendar(last))}</div>
    </>
  )
}

export function Deadline({ due }: { due: DueItem }) {
  const open = due.state === 'missing' || due.state === 'expected'
  const left = deadline(due.due_at, tick.value)
  return (
    <>
      {when(due.due_at, tick.value)}
      {open && <div class={left.late ? 'behind' : 'caption'}>{left.text}</div>}
    </>
  )
}

export function StageText({ due, measures, held }: { due: DueItem; measures: MeasureItem[]; held: Map<string, ReportItem> }) {
  const words = portalWords()
  const { stage, handedIn } = stageOf(measures, held)
  const late = due.state === 'missing'
  return (
    <span data-testid="stage" data-stage={stage}>
      <b class={late ? 'behind' : ''}>{late ? words.overdueStage[stage] : words.stages[stage]}</b>
      <div class="caption">
        {words.handedIn(number(handedIn), number(measures.length))}
        {due.received_at && ` · ${due.state === 'late' ? words.receivedLate(when(due.received_at, tick.value)) : words.receivedAt(when(due.received_at, tick.value))}`}
      </div>
    </span>
  )
}
