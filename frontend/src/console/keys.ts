/** Keys of the console: what each does, unless somebody is writing. */

import { useEffect, useRef } from 'preact/hooks'

export type Keys = Readonly<Record<string, () => unknown>>

const WRITES = 'input:not([type=checkbox]), textarea, select'

/** Listen for keys while the component is there; the handlers are those of its last drawing. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys)
  latest.current = keys
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const writes = event.target instanceof HTMLElement && event.target.matches(WRITES)
      if (event.key === 'Escape' && writes) (event.target as HTMLElement).blur()
      // A button does by itself what Enter means; a dialog has the keyboard to itself.
      const taken = event.key === 'Enter' && event.target instanceof HTMLButtonElement
      if (taken || document.querySelector('dialog[open]')) return
      if (writes || event.ctrlKey || event.altKey || event.metaKey) return
      const act = latest.current[event.key]
      if (!act) return
      act()
      event.preventDefault()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
}
