/** Units that are picked by typing a part of their name. */

import { useSignal } from '@preact/signals'
import { w } from '../i18n/words'
import { get } from '../live/api'
import type { Page, UnitRef } from '../live/protocol'

const MOST_UNITS = 8

interface Props {
  label: string
  chosen: UnitRef[]
  change: (chosen: UnitRef[]) => void
}

export function UnitPicker({ label, chosen, change }: Props) {
  const text = useSignal('')
  const found = useSignal<UnitRef[]>([])
  const look = async (query: string) => {
    text.value = query
    if (query.trim().length < 2) {
      found.value = []
      return
    }
    const page = await get<Page<UnitRef>>(`/units?limit=${MOST_UNITS}&q=${encodeURIComponent(query.trim())}`).catch(() => null)
    // An answer to what was typed before is no answer any more.
    if (page && text.peek() === query) found.value = page.items.filter((unit) => !chosen.some((one) => one.id === unit.id))
  }
  const take = (unit: UnitRef) => {
    change([...chosen, { id: unit.id, name: unit.name }])
    text.value = ''
    found.value = []
  }
  return (
    <div class="unit-picker">
      <input
        type="search"
        data-testid="unit-search"
        aria-label={label}
        placeholder={label}
        value={text.value}
        onInput={(event) => void look(event.currentTarget.value)}
      />
      <ul>
        {found.value.map((unit) => (
          <li key={unit.id}>
            <button type="button" data-testid="unit-found" data-id={unit.id} onClick={() => take(unit)}>
              {unit.name}
            </button>
          </li>
        ))}
      </ul>
      <p class="chips">
        {chosen.map((unit) => (
          <button key={unit.id} type="button" title={w().takeOut} onClick={() => change(chosen.filter((one) => one !== unit))}>
            {unit.name} ×
          </button>
        ))}
      </p>
    </div>
  )
}
