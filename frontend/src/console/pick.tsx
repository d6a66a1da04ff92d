/** A field in which one types a part of a name and takes one of what is found, by keyboard alone. */

import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { takeFocus } from './focus'

export interface Choice {
  id: string
  name: string
  hint?: string | null
}

interface Props<T extends Choice> {
  label: string
  testid: string
  chosen: T | null
  look: (text: string) => Promise<T[]> | T[]
  choose: (choice: T | null) => void
  /** Words that are none of the choices are taken as well. */
  typed?: (text: string) => void
  autofocus?: boolean
  required?: boolean
}

export function Pick<T extends Choice>({ label, testid, chosen, look, choose, typed, autofocus = false, required = false }: Props<T>) {
  const text = useSignal(chosen?.name ?? '')
  const found = useSignal<T[]>([])
  const at = useSignal(0)
  const open = useSignal(false)
  // What was chosen elsewhere, on a map, is shown here as well.
  const shownText = chosen?.name ?? text.value
  const answered = useRef<string | null>(null)
  const ask = async (query: string) => {
    text.value = query
    at.value = 0
    const list = await look(query)
    // An answer to what was typed before is no answer any more.
    if (text.peek() !== query) return
    answered.current = query
    found.value = list
  }
  const take = (choice: T) => {
    text.value = choice.name
    open.value = false
    choose(choice)
  }
  /** Take what is marked; who types fast does not wait for the list. */
  const takeMarked = async (field: HTMLInputElement) => {
    const query = text.peek()
    if (answered.current !== query) await ask(query)
    const choice = found.peek()[at.peek()]
    if (choice) take(choice)
    if (choice || typed) nextField(field)
  }
  const onKey = (event: KeyboardEvent & { currentTarget: HTMLInputElement }) => {
    const shown = open.value && !chosen?.id ? found.value : []
    if (event.key === 'ArrowDown') at.value = Math.min(at.value + 1, shown.length - 1)
    else if (event.key === 'ArrowUp') at.value = Math.max(at.value - 1, 0)
    else if (event.key === 'Enter' && !event.ctrlKey && !chosen?.id && shownText.trim()) void takeMarked(event.currentTarget)
    else return
    event.preventDefault()
  }
  return (
    <label class="pick">
      <span>{label}</span>
      <input
        ref={autofocus ? takeFocus : null}
        required={required}
        autocomplete="off"
        role="combobox"
        aria-expanded={open.value}
        data-testid={testid}
        value={shownText}
        onFocus={() => {
          open.value = true
          void ask(shownText)
        }}
        onBlur={() => (open.value = false)}
        onInput={(event) => {
          open.value = true
          choose(null)
          typed?.(event.currentTarget.value)
          void ask(event.currentTarget.value)
        }}
        onKeyDown={onKey}
      />
      {open.value && found.value.length > 0 && !chosen?.id && (
        <ul role="listbox">
          {found.value.map((choice, i) => (
            <li
              key={choice.id}
              role="option"
              aria-selected={i === at.value}
              class={i === at.value ? 'at' : ''}
              data-testid={`${testid}-choice`}
              data-id={choice.id}
              // The field must not lose the focus before the choice is taken.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(choice)}
            >
              {choice.name} {choice.hint && <span class="caption">{choice.hint}</span>}
            </li>
          ))}
        </ul>
      )}
    </label>
  )
}

/** Go on to the next field of the form. */
function nextField(input: HTMLInputElement): void {
  const fields = [...(input.form?.elements ?? [])].filter(
    (field): field is HTMLInputElement => field instanceof HTMLElement && field.tabIndex >= 0 && !('disabled' in field && field.disabled),
  )
  fields[fields.indexOf(input) + 1]?.focus()
}
