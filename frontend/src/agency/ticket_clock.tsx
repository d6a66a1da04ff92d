/** The clock of a ticket in words: which runs, until when, how much is left in the days that it counts. */

import { number } from '../i18n/format'
import { portalWords } from '../i18n/portal/words'
import { tick } from '../live/clock'
import type { TicketItem } from '../live/protocol'
import { deadline, when } from './deadline'
import { type Exceptions, workingDays } from './working'

interface Props {
  due: string
  kind: TicketItem['kind']
  days: Exceptions
  paused?: boolean
}

export function ClockText({ due, kind, days, paused = false }: Props) {
  const words = portalWords()
  const left = leftText(due, kind, days, tick.value)
  return (
    <div data-testid="clock">
      {when(due, tick.value)}
      <div class={left.late && !paused ? 'behind' : 'caption'}>{paused ? words.paused : left.text}</div>
    </div>
  )
}

/** A petition goes by working days, a field report by hours. */
export function leftText(due: string, kind: TicketItem['kind'], days: Exceptions, now: number): { text: string; late: boolean } {
  const plain = deadline(due, now)
  if (kind !== 'petition') return plain
  const words = portalWords()
  const count = workingDays(now, Date.parse(due), days)
  // Within the day the hours say more.
  if (count === null || count === 0) return plain
  return { late: plain.late, text: (plain.late ? words.workingOver : words.workingLeft)(number(Math.abs(count))) }
}

export function placeText({ address, place }: TicketItem): string {
  if (address) return address
  return place ? `${number(place[1], 5)}; ${number(place[0], 5)}` : portalWords().noPlace
}
