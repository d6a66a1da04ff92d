/** What stands in the console's address behind the `?`, so that a reload or a link shows the same. */

import { signal } from '@preact/signals'

export const address = signal(new URLSearchParams(location.search))

window.addEventListener('popstate', () => (address.value = new URLSearchParams(location.search)))

function changed(changes: Readonly<Record<string, string | null>>): URLSearchParams {
  const next = new URLSearchParams(address.peek())
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value)
    else next.delete(name)
  }
  return next
}

/** Say or unsay parts of the address; back does not undo them, and what is selected stays. */
export function put(changes: Readonly<Record<string, string | null>>): void {
  const next = changed(changes)
  history.replaceState(null, '', next.size ? `?${next}${location.hash}` : location.pathname + location.hash)
  address.value = next
}

/** Go to another part of the console; back leads to where one was. */
export function go(changes: Readonly<Record<string, string | null>>): void {
  const next = changed(changes)
  history.pushState(null, '', next.size ? `?${next}` : location.pathname)
  address.value = next
}
