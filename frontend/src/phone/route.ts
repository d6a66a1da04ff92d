/** What the address is about: `/m#unit=ID` and `/m#alert=ID` can be shared; back leads to where one was. */

import { signal } from '@preact/signals'

const UNIT = /^#unit=(.+)$/
const ALERT = /^#alert=(.+)$/

function read(part: RegExp): string | null {
  const found = part.exec(location.hash)?.[1]
  try {
    return found ? decodeURIComponent(found) : null
  } catch {
    return null
  }
}

/** The unit whose page is open; null on the first page. */
export const openUnit = signal(read(UNIT))

/** The alert that a notification led to; its card is shown among the others. */
export const openAlert = signal(read(ALERT))

/** The units were opened from the first page, so that back is where they came from. */
let fromHome = false

// The first page knows its place better than the browser, which looks before the page is there again.
history.scrollRestoration = 'manual'

window.addEventListener('hashchange', () => {
  const next = read(UNIT)
  fromHome = next !== null && openUnit.peek() === null
  openUnit.value = next
  openAlert.value = read(ALERT)
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
