/** Few figures typed by hand, with those of the period before beside them as a start. */

import { useSignal } from '@preact/signals'
import { portalWords } from '../i18n/portal/words'
import { say, w } from '../i18n/words'
import { post, type Problem } from '../live/api'
import type { DueItem, HandReceipt, MeasureItem, ReportItem } from '../live/protocol'
import { type Cell, changed, type Draft, draftOf, isShare, reportOf } from './entry'
import { problemOf } from './refusal'
import { EntryRow } from './report_row'

interface Props {
  due: DueItem
  measures: MeasureItem[]
  held: Map<string, ReportItem>
  last: Map<string, ReportItem>
  mayWrite: boolean
  taken: (receipt: HandReceipt) => void
  tell: (problem: Problem | null) => void
}

export function Entry({ due, measures, held, last, mayWrite, taken, tell }: Props) {
  const words = portalWords()
  // What is typed lies over what is stored, which may change meanwhile.
  const edits = useSignal<Draft>({})
  const draft: Draft = { ...draftOf(measures, held), ...edits.value }
  const given = useSignal<string | null>(null)
  const document = given.value ?? [...held.values()][0]?.document ?? ''
  const reason = useSignal('')
  const said = useSignal('')
  const busy = useSignal(false)
  const wasHandedIn = [...held.values()].some((one) => one.state !== 'draft')
  const set = (measure: string, cell: Partial<Cell>) => {
    const was = draft[measure]
    if (was) edits.value = { ...edits.value, [measure]: { ...was, ...cell } }
  }
  const send = async (state: 'draft' | 'submitted') => {
    const rows = changed(draft, held, document, state)
    said.value = ''
    if (rows.length === 0) {
      said.value = words.nothingChanged
      return
    }
    busy.value = true
    try {
      const body = rows.map((measure) => reportOf(due, measure, draft[measure], { document, reason: reason.value, state }))
      const receipt = await post<HandReceipt>(`/reports?unit=${encodeURIComponent(due.unit.id)}`, body)
      const refused = new Set(receipt.refused.map((one) => rows[one.index]))
      edits.value = Object.fromEntries(Object.entries(edits.value).filter(([measure]) => refused.has(measure)))
      taken(receipt)
    } catch (error) {
      tell(problemOf(error))
    } finally {
      busy.value = false
    }
  }
  const startFromLast = () => {
    edits.value = draftOf(measures, last, draft)
  }
  return (
    <form
      class="entry"
      onSubmit={(event) => {
        event.preventDefault()
        void send('submitted')
      }}
    >
      <div class="scroll" tabIndex={0} role="region" aria-label={say(due.name)}>
        <table>
          <thead>
            <tr>
              <th>{words.colMeasure}</th>
              <th class="n">{words.colLast}</th>
              <th>{words.colNow}</th>
              <th>{words.colNothing}</th>
              <th>{words.colStage}</th>
            </tr>
          </thead>
          <tbody>
            {measures.map((measure) => (
              <EntryRow
                key={measure.id}
                measure={measure}
                share={isShare(measure)}
                cell={draft[measure.id]}
                held={held.get(measure.id)}
                last={last.get(measure.id)}
                mayWrite={mayWrite && held.get(measure.id)?.state !== 'closed'}
                set={(cell) => set(measure.id, cell)}
              />
            ))}
          </tbody>
        </table>
      </div>
      {mayWrite && (
        <>
          <div class="bar pad">
            <label class="wide">
              {words.document}
              <input type="text" name="document" required maxLength={500} value={document} placeholder={words.documentExample} onInput={(event) => (given.value = event.currentTarget.value)} />
            </label>
            {wasHandedIn && (
              <label class="wide">
                {words.reasonOfChange}
                <input type="text" name="reason" maxLength={500} value={reason.value} onInput={(event) => (reason.value = event.currentTarget.value)} />
              </label>
            )}
          </div>
          <div class="bar pad">
            <button type="submit" class="primary" disabled={busy.value} data-testid="hand-in">
              {busy.value ? w().loading : words.handIn}
            </button>
            {!wasHandedIn && (
              <button type="button" disabled={busy.value || !document.trim()} data-testid="save-draft" onClick={() => void send('draft')}>
                {words.saveDraft}
              </button>
            )}
            {last.size > 0 && (
              <button type="button" disabled={busy.value} data-testid="start-from-last" onClick={startFromLast}>
                {words.startFromLast}
              </button>
            )}
            <span role="status">{said.value}</span>
            <span class="caption">{words.numbersNote}</span>
          </div>
        </>
      )}
    </form>
  )
}
