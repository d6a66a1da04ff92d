/** The forms that the product fills from dossiers, to be taken away for a unit and a period. */

import { useSignal } from '@preact/signals'
import { portalWords } from '../i18n/portal/words'
import { say } from '../i18n/words'
import { get, type Problem } from '../live/api'
import type { FormEntry, Page, UnitRef } from '../live/protocol'
import { useAsked } from '../standing/asked'
import { fileAt, TakeAway } from './download'
import { Refusal, Waiting } from './refusal'

export function Forms({ unit }: { unit: UnitRef }) {
  const words = portalWords()
  const { data, failure } = useAsked('forms', () => get<Page<FormEntry>>('/forms'))
  return (
    <section class="panel" data-testid="forms">
      <header class="panel-head">
        <h2>{words.forms}</h2>
        <span class="aside">{words.formsNote}</span>
      </header>
      <Waiting on={data} failure={failure} />
      {data?.items.length === 0 && <p class="caption pad">{words.formsNone}</p>}
      {data?.items.map((form) => (
        <Form key={form.id} form={form} unit={unit} />
      ))}
    </section>
  )
}

function Form({ form, unit }: { form: FormEntry; unit: UnitRef }) {
  const words = portalWords()
  const cycle = useSignal(form.cycles[0]?.id ?? '')
  const period = useSignal(form.cycles[0]?.last ?? '')
  const refused = useSignal<Problem | null>(null)
  const asked = new URLSearchParams({ unit: unit.id, cycle: cycle.value, ...(period.value && { period: period.value.trim() }) })
  const choose = (id: string) => {
    cycle.value = id
    period.value = form.cycles.find((one) => one.id === id)?.last ?? ''
  }
  const take = (format: string, label: string) => (
    <TakeAway
      label={label}
      testid={`form-${format}`}
      take={fileAt(`/forms/${encodeURIComponent(form.id)}.${format}?${asked}`)}
      tell={(problem) => (refused.value = problem)}
    />
  )
  return (
    <div class="form-entry" data-testid={`form-${form.id}`}>
      <p>
        {form.number} · {form.title}
        <span class="caption"> {form.legal_reference}</span>
      </p>
      <div class="bar">
        <label>
          {words.cycle}
          <select value={cycle.value} onChange={(event) => choose(event.currentTarget.value)}>
            {form.cycles.map((one) => (
              <option key={one.id} value={one.id}>
                {say(one.name)}
              </option>
            ))}
          </select>
        </label>
        <label>
          {words.period}
          <input type="text" size={14} value={period.value} placeholder="2026-Q3" onInput={(event) => (period.value = event.currentTarget.value)} />
        </label>
        {take('xlsx', words.takeExcel)}
        {take('csv', words.takeCsv)}
      </div>
      <Refusal problem={refused.value} />
    </div>
  )
}
