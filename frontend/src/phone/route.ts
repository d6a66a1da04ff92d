/** Which unit the address is about: `/m#unit=ID` can be shared, and back leads to where one was. */

import { signal } from '@preact/signals'

const UNIT = /^#unit=(.+)$/

function read(): string | null {
  const found = UNIT.exec(location.hash)?.[1]
  try {
    return found ? decodeURIComponent(found) : null
  } catch {
    return null
  }
}

/** The unit whose page is open; null on the first page. */
export const openUnit = signal(read())

/** The units were opened from the first page, so that back is where they came from. */
let fromHome = false

// The first page knows its place better than the browser, which looks before the page is there again.
history.scrollRestoration = 'manual'

window.addEventListener('hashchange', () => {
  const next = read()
  fromHome = next !== null && openUnit.peek() === null
  openUnit.value = next
})

export function unitLink(unit: string): string {
  return `#unit=${encodeURIComponent(unit)}`
}

/** Back to the first page, also for who came by a link. */
export function leaveUnit(): void {
  if (fromHome) history.back()
  else {
    history.replaceState(null, '', location.pathname + location.search)
    openUnit.value = null
  }
}
