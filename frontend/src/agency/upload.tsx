/** A filled workbook or CSV on its way in. */

import { useSignal } from '@preact/signals'
import { portalWords } from '../i18n/portal/words'
import { w } from '../i18n/words'
import { type Problem, upload } from '../live/api'
import type { HandReceipt } from '../live/protocol'
import { problemOf } from './refusal'

const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'

interface Props {
  unit: string
  taken: (receipt: HandReceipt) => void
  tell: (problem: Problem | null) => void
}

export function Upload({ unit, taken, tell }: Props) {
  const words = w()
  const busy = useSignal(false)
  const send = async (input: HTMLInputElement) => {
    const file = input.files?.[0]
    if (!file) return
    busy.value = true
    try {
      const type = file.name.toLowerCase().endsWith('.csv') ? 'text/csv' : XLSX
      taken(await upload<HandReceipt>(`/reports?unit=${encodeURIComponent(unit)}`, file, type))
    } catch (error) {
      tell(problemOf(error))
    } finally {
      busy.value = false
      // The same file is chosen again once it is corrected.
      input.value = ''
    }
  }
  return (
    <label class={`button${busy.value ? ' busy' : ''}`}>
      {busy.value ? words.loading : portalWords().upload}
      <input
        type="file"
        class="visually-hidden"
        accept=".xlsx,.csv"
        disabled={busy.value}
        data-testid="upload"
        onChange={(event) => void send(event.currentTarget)}
      />
    </label>
  )
}
