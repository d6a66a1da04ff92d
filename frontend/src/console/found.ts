/** Which of the open alerts the list shows, and in which order. */

import { useRef } from 'preact/hooks'
import { bare } from '../i18n/bare'
import { domainWord, say } from '../i18n/words'
import type { Centre } from '../live/centre'
import { tick } from '../live/clock'
import { StillOrder, worstFirst } from '../live/order'
import type { AlertItem } from '../live/protocol'

/** Open alerts that match, accents ignored, in an order that stays still. */
export function useFound(centre: Centre, query: string): AlertItem[] {
  const still = useRef(new StillOrder())
  void tick.value
  const open = centre.alerts.read()
  const order = still.current.arrange([...open].sort(worstFirst).map((alert) => alert.id), performance.now(), false)
  const wanted = bare(query)
  return order
    .flatMap((id) => centre.alerts.items.get(id) ?? [])
    .filter((alert) => bare(`${say(alert.title)} ${alert.place.name} ${alert.unit?.name ?? ''} ${domainWord(alert.domain)}`).includes(wanted))
}
