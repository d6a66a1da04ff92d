/** A report on its way: the unit approves, the centre closes and opens again, each as rights allow. */

import { useSignal } from '@preact/signals'
import { number } from '../i18n/format'
import { portalWords } from '../i18n/portal/words'
import { post, type Problem } from '../live/api'
import type { MovedReports, ReportItem, ReportState } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { problemOf } from './refusal'

interface Props {
  reports: ReportItem[]
  own: boolean
  done: () => void
  tell: (problem: Problem | null) => void
}

export function Moves({ reports, own, done, tell }: Props) {
  const words = portalWords()
  const centre = useCentre()
  const busy = useSignal(false)
  const reason = useSignal('')
  const said = useSignal('')
  const kept = useSignal<MovedReports['problems']>([])
  const ids = (...states: ReportState[]) => reports.filter((one) => states.includes(one.state)).map((one) => one.id)
  const [submitted, approved, closed, final] = [ids('submitted'), ids('approved'), ids('closed'), ids('approved', 'closed')]
  const mayApprove = own && centre.may('report.approve')
  const mayClose = centre.may('report.close')
  const act = async (work: () => Promise<MovedReports>) => {
    busy.value = true
    tell(null)
    try {
      const moved = await work()
      said.value = words.moved(number(moved.items.length))
      kept.value = moved.problems
    } catch (error) {
      said.value = ''
      tell(problemOf(error))
    } finally {
      busy.value = false
      done()
    }
  }
  const many = (move: 'approve' | 'close', which: string[]) => act(() => post<MovedReports>(`/reports/${move}`, { ids: which }))
  const reopen = () =>
    act(async () => {
      const items: ReportItem[] = []
      for (const id of final) items.push(await post<ReportItem>(`/reports/${id}/reopen`, { reason: reason.value.trim() }))
      reason.value = ''
      return { items, problems: [] }
    })
  return (
    <div class="report-moves pad" data-testid="report-moves">
      <div class="bar">
        {mayApprove && submitted.length > 0 && (
          <button type="button" disabled={busy.value} data-testid="approve" onClick={() => void many('approve', submitted)}>
            {words.approve(number(submitted.length))}
          </button>
        )}
        {mayClose && approved.length > 0 && (
          <button type="button" disabled={busy.value} data-testid="close" onClick={() => void many('close', approved)}>
            {words.closeReports(number(approved.length))}
          </button>
        )}
        {mayClose && final.length > 0 && (
          <>
            <label>
              {words.reasonToReopen}
              <input type="text" maxLength={500} value={reason.value} data-testid="reopen-reason" onInput={(event) => (reason.value = event.currentTarget.value)} />
            </label>
            <button type="button" disabled={busy.value || !reason.value.trim()} data-testid="reopen" onClick={() => void reopen()}>
              {words.reopen(number(final.length))}
            </button>
          </>
        )}
        <span role="status">{said.value}</span>
      </div>
      {kept.value.map((one) => (
        <p key={one.id} class="behind" role="alert">
          {one.detail}
        </p>
      ))}
      {!mayClose && closed.length > 0 && <p class="caption">{words.reopenByCentre}</p>}
    </div>
  )
}
