/** The tickets that a unit handles: what is due soonest stands first. Who reported is not shown here. */

import { useEffect, useState } from 'preact/hooks'
import { number } from '../i18n/format'
import { portalWords } from '../i18n/portal/words'
import { say, w } from '../i18n/words'
import { get } from '../live/api'
import { serverNow, tick } from '../live/clock'
import type { CalendarYear, Page, TicketItem, TicketState, UnitRef } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { useAsked } from '../standing/asked'
import { when } from './deadline'
import { useStill } from './still'
import { Waiting } from './refusal'
import { follow, place } from './route'
import { Ticket } from './ticket'
import { ClockText, placeText } from './ticket_clock'
import { type Exceptions, exceptions } from './working'

export const SHOWN = ['open', 'overdue', 'all'] as const
type Shown = (typeof SHOWN)[number]
const STEP = 100
const MOST = 1_000
const OPEN: readonly TicketState[] = ['received', 'verified', 'assigned', 'accepted', 'returned', 'in_progress', 'waiting', 'extension_requested', 'reopened']

function query(shown: Shown, unit: string | null, limit: number): string {
  const asked = new URLSearchParams({ limit: String(limit) })
  if (unit) asked.set('unit', unit)
  if (shown === 'open') for (const state of OPEN) asked.append('state', state)
  if (shown === 'overdue') asked.set('overdue', 'true')
  return `/tickets?${asked}`
}

/** Soonest due first, what has ended behind it. */
function soonest(a: TicketItem, b: TicketItem): number {
  if ((a.ended_at === null) !== (b.ended_at === null)) return a.ended_at === null ? -1 : 1
  return Date.parse(a.due_at) - Date.parse(b.due_at) || (a.id < b.id ? -1 : 1)
}

export function Tickets({ unit }: { unit: UnitRef }) {
  const { ticket } = place.value
  const days = useCalendar()
  useEffect(() => window.scrollTo(0, 0), [ticket])
  if (ticket) return <Ticket key={ticket} id={ticket} unit={unit} days={days} />
  return <List key={place.value.show} unit={unit} days={days} />
}

/** This year's days of rest and make-up days, and the next one's: a clock may run over New Year. */
function useCalendar(): Exceptions {
  const year = new Date(serverNow()).getFullYear()
  const { data } = useAsked(`calendar ${year}`, () => Promise.all([year, year + 1].map((one) => get<CalendarYear>(`/calendar?year=${one}`))))
  return exceptions(data ?? [])
}

function List({ unit, days }: { unit: UnitRef; days: Exceptions }) {
  const words = portalWords()
  const shown = SHOWN.find((one) => one === place.value.show) ?? 'open'
  const [limit, widen] = useState(STEP)
  // Who sees the whole province sees the tickets of all.
  const of = useCentre().me.value?.role === 'agency' ? unit.id : null
  const { data, failure } = useAsked(`${of} ${shown}`, () => get<Page<TicketItem>>(query(shown, of, limit)), { again: limit })
  const items = useStill(`${of} ${shown} ${limit}`, [...(data?.items ?? [])].sort(soonest))
  return (
    <section class="panel" data-testid="tickets">
      <header class="panel-head">
        <h2>{words.tickets}</h2>
        <span class="aside">{unit.name}</span>
      </header>
      <nav class="bar pad" aria-label={words.ticketsShown}>
        {SHOWN.map((one) => (
          <a key={one} class="chip" aria-current={one === shown ? 'true' : undefined} data-testid={`show-${one}`} {...follow({ section: 'tickets', unit: unit.id, show: one })}>
            {words.shown[one]}
          </a>
        ))}
      </nav>
      <Waiting on={data} failure={failure} />
      {data && items.length === 0 && <p class="caption pad">{words.ticketsNone[shown]}</p>}
      {items.length > 0 && <Table items={items} unit={unit} days={days} />}
      {data?.next && (
        <p class="bar pad">
          {words.ticketsCut(number(items.length))}
          {limit < MOST && (
            <button type="button" onClick={() => widen(Math.min(MOST, limit * 2))}>
              {words.more}
            </button>
          )}
        </p>
      )}
    </section>
  )
}

function Table({ items, unit, days }: { items: TicketItem[]; unit: UnitRef; days: Exceptions }) {
  const words = portalWords()
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={words.tickets}>
      <table class="tickets">
        <thead>
          <tr>
            <th>{words.colTicket}</th>
            <th>{words.colDeadline}</th>
            <th>{words.colStage}</th>
            <th>{words.colPlaceOf}</th>
            <th>{words.colReceivedAt}</th>
          </tr>
        </thead>
        <tbody>
          {items.map((one) => (
            <tr key={one.id} data-testid="ticket-row" data-id={one.id} data-code={one.code} data-state={one.state}>
              <td>
                <a {...follow({ section: 'tickets', unit: unit.id, ticket: one.id })}>{say(one.category.name)}</a>
                <div class="excerpt">{one.description}</div>
                <div class="caption">
                  {[one.code, words.kinds[one.kind], one.unit?.id !== unit.id && (one.unit?.name ?? words.nobody)].filter(Boolean).join(' · ')}
                </div>
              </td>
              <td>{one.ended_at ? <span class="caption">{words.endedAt(when(one.ended_at, tick.value))}</span> : <ClockText due={one.due_at} kind={one.kind} days={days} paused={one.state === 'waiting'} />}</td>
              <td>{w().ticketStates[one.state]}</td>
              <td>{placeText(one)}</td>
              <td>{when(one.received_at, tick.value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
