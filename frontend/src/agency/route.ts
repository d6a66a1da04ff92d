/** Which part of the portal the address is about, so that each can be shared and back leads to where one was. */

import { signal } from '@preact/signals'

export const SECTIONS = ['figures', 'reports', 'tickets', 'feeds'] as const
export type Section = (typeof SECTIONS)[number]

/** What stands in the address behind the section; null is not said. */
const NAMES = ['section', 'unit', 'feed', 'obligation', 'period', 'ticket', 'show'] as const
export type Place = Partial<Record<(typeof NAMES)[number], string>>

function read(): Place {
  const given = new URLSearchParams(location.search)
  return Object.fromEntries(NAMES.flatMap((name) => (given.get(name) ? [[name, given.get(name)]] : [])))
}

export const place = signal<Place>(read())

window.addEventListener('popstate', () => (place.value = read()))

export function link(to: Place): string {
  const said = new URLSearchParams(NAMES.flatMap((name): [string, string][] => (to[name] ? [[name, to[name]]] : [])))
  return `${location.pathname}?${said}`
}

export function go(to: Place): void {
  history.pushState(null, '', link(to))
  place.value = read()
  window.scrollTo(0, 0)
}

/** A link within the portal stays on the page, unless another window is wanted. */
export function follow(to: Place) {
  return {
    href: link(to),
    onClick: (event: MouseEvent) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return
      event.preventDefault()
      go(to)
    },
  }
}
