/** A bulletin as it is typed in: level, hazard, where, until when, the words and the PDF. */

import { useSignal } from '@preact/signals'
import { Refusal, problemOf } from '../agency/refusal'
import { fieldInstant, fieldTime } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { w } from '../i18n/words'
import { post, put, type Problem } from '../live/api'
import { serverNow } from '../live/clock'
import type { UnitRef, WarningItem } from '../live/protocol'
import { UnitPicker } from './units'

const HOUR = 3_600_000
const DAY = 24 * HOUR

export function BulletinForm({ done }: { done: () => void }) {
  const words = consoleWords().warned
  const units = useSignal<UnitRef[]>([])
  const failure = useSignal<Problem | null>(null)
  const busy = useSignal(false)
  // Stored, but its PDF was refused: the next try sends the PDF alone.
  const made = useSignal<WarningItem | null>(null)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const given = new FormData(event.currentTarget as HTMLFormElement)
    const text = (name: string) => String(given.get(name) ?? '').trim()
    const pdf = given.get('pdf')
    busy.value = true
    failure.value = null
    try {
      made.value ??= await post<WarningItem>('/warnings', {
        level: Number(text('level')),
        hazard: text('hazard'),
        text: text('text'),
        source: text('source'),
        units: units.value.map((unit) => unit.id),
        starts: fieldInstant(text('starts')),
        ends: fieldInstant(text('ends')),
        exercise: given.has('exercise'),
      })
      if (pdf instanceof File && pdf.size > 0) await put(`/warnings/${made.value.id}/bulletin`, pdf, 'application/pdf')
      done()
    } catch (error) {
      failure.value = problemOf(error)
    } finally {
      busy.value = false
    }
  }
  return (
    <form class="bulletin-form" data-testid="bulletin-form" onSubmit={(event) => void submit(event)}>
      <fieldset disabled={made.value !== null}>
        <label>
          {words.level}
          <select name="level" autofocus>
            {w().nationalLevels.map((word, place) => (
              <option key={word} value={place + 1}>
                {word}
              </option>
            ))}
          </select>
        </label>
        <label>
          {words.hazard}
          <input name="hazard" required maxLength={200} list="hazards" />
          <datalist id="hazards">
            {words.hazards.map((word) => (
              <option key={word} value={word} />
            ))}
          </datalist>
        </label>
        <label>
          {words.source}
          <input name="source" maxLength={200} placeholder={words.sourceExample} />
        </label>
        <label>
          {words.starts}
          <input name="starts" type="datetime-local" required value={fieldTime(serverNow())} />
        </label>
        <label>
          {words.ends}
          <input name="ends" type="datetime-local" required min={fieldTime(serverNow())} value={fieldTime(serverNow() + DAY)} />
        </label>
        <label class="check">
          <input name="exercise" type="checkbox" /> {words.exercise}
        </label>
        <div class="wide">
          <UnitPicker label={words.where} chosen={units.value} change={(chosen) => (units.value = chosen)} />
        </div>
        <label class="wide">
          {words.text}
          <textarea name="text" rows={4} required maxLength={20_000} />
        </label>
      </fieldset>
      <div class="bar">
        <label>
          {words.attach} <input name="pdf" type="file" accept="application/pdf,.pdf" data-testid="bulletin-file" />
        </label>
        <button type="submit" class="primary" disabled={busy.value || (units.value.length === 0 && made.value === null)} data-testid="bulletin-send">
          {words.send}
        </button>
        {units.value.length === 0 && <span class="caption">{words.needsUnit}</span>}
      </div>
      <Refusal problem={failure.value} />
    </form>
  )
}
