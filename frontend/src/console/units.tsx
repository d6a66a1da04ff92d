/** Units that are picked by typing a part of their name. */

import { w } from '../i18n/words'
import type { UnitRef } from '../live/protocol'
import { useUnitSearch } from './unit_search'

interface Props {
  label: string
  chosen: UnitRef[]
  change: (chosen: UnitRef[]) => void
}

export function UnitPicker({ label, chosen, change }: Props) {
  const { text, found, look } = useUnitSearch()
  const take = (unit: UnitRef) => {
    change([...chosen, unit])
    void look('')
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
        {found.value.filter((unit) => !chosen.some((one) => one.id === unit.id)).map((unit) => (
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
