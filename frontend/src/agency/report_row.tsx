/** One measure of a report: what it was, what is typed, how far it is, and its history. */

import { useSignal } from '@preact/signals'
import { number, plain, uomSign } from '../i18n/format'
import { portalWords } from '../i18n/portal/words'
import { say, w } from '../i18n/words'
import { get, type Problem } from '../live/api'
import { tick } from '../live/clock'
import type { MeasureItem, ReportHistory, ReportItem } from '../live/protocol'
import { when } from './deadline'
import type { Cell } from './entry'
import { problemOf, Waiting } from './refusal'

interface Props {
  measure: MeasureItem
  share: boolean
  cell: Cell | undefined
  held: ReportItem | undefined
  last: ReportItem | undefined
  mayWrite: boolean
  set: (cell: Partial<Cell>) => void
}

export function EntryRow({ measure, share, cell, held, last, mayWrite, set }: Props) {
  const words = portalWords()
  const name = say(measure.name)
  const field = (of: 'value' | 'numerator' | 'denominator', label: string) => (
    <input
      type="text"
      inputMode="decimal"
      size={9}
      class="n"
      aria-label={`${name}: ${label}`}
      data-testid={`${of}-${measure.id}`}
      disabled={!mayWrite || cell?.nothing}
      value={cell?.[of] ?? ''}
      onInput={(event) => set({ [of]: event.currentTarget.value })}
    />
  )
  return (
    <tr data-testid="measure" data-id={measure.id}>
      <th scope="row">
        {name}
        <div class="caption">{[uomSign(measure.uom), measure.legal_reference].filter(Boolean).join(' · ')}</div>
      </th>
      <td class="n" data-label={words.colLast}>
        {last ? (
          <>
            {figureOf(last, measure)}{' '}
            <div class="caption">{last.period.text}</div>
          </>
        ) : (
          <span class="caption">{words.noLast}</span>
        )}
      </td>
      <td data-label={words.colNow}>
        {share ? (
          <span class="share-fields">
            {field('numerator', words.numerator)} / {field('denominator', words.denominator)}
          </span>
        ) : (
          field('value', words.colNow)
        )}
      </td>
      <td>
        {measure.kind === 'flow' && (
          <label class="check">
            <input
              type="checkbox"
              aria-label={`${name}: ${words.colNothing}`}
              data-testid={`nothing-${measure.id}`}
              disabled={!mayWrite}
              checked={cell?.nothing ?? false}
              onChange={(event) => set({ nothing: event.currentTarget.checked })}
            />
            <span class="caption">{words.nothing}</span>
          </label>
        )}
      </td>
      <td data-label={words.colStage}>
        {held ? words.stages[held.state] : <span class="caption">{words.stages.none}</span>}
        {held && <Past report={held} measure={measure} />}
      </td>
    </tr>
  )
}

/** "1.803", "40 / 120", "không phát sinh". */
function figureOf(report: ReportItem, measure: MeasureItem): string {
  if (report.nothing_occurred) return portalWords().nothing
  if (report.numerator !== null && report.denominator !== null) return w().of(plain(report.numerator), plain(report.denominator))
  return report.value === null ? '–' : number(report.value, Number.isInteger(report.value) ? 0 : Math.max(1, measure.decimals))
}

function Past({ report, measure }: { report: ReportItem; measure: MeasureItem }) {
  const words = portalWords()
  const asked = useSignal<ReportHistory | null>(null)
  const failure = useSignal<Problem | null>(null)
  const look = async (open: boolean) => {
    if (!open) return
    try {
      asked.value = await get<ReportHistory>(`/reports/${report.id}/history`)
      failure.value = null
    } catch (error) {
      failure.value = problemOf(error)
    }
  }
  return (
    <details onToggle={(event) => void look(event.currentTarget.open)} data-testid="past">
      <summary class="caption">{words.pastOf(number(report.version))}</summary>
      <Waiting on={asked.value} failure={failure.value} />
      <ol class="past-steps">
        {asked.value?.items.map((step) => (
          <li key={step.version} class="caption">
            {when(step.at, tick.value)} · {words.changes[step.change] ?? step.change} · {step.actor}
            {typeof step.document.value === 'number' && ` · ${figureOf({ ...report, nothing_occurred: false, numerator: null, denominator: null, value: step.document.value }, measure)}`}
            {step.reason && ` · ${step.reason}`}
          </li>
        ))}
      </ol>
    </details>
  )
}
