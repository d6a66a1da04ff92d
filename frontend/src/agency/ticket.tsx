/** One ticket: what it is about and where, its clocks, what was done with it, and what may be done now. */

import { useState } from 'preact/hooks'
import { portalWords } from '../i18n/portal/words'
import { say, w } from '../i18n/words'
import { get } from '../live/api'
import { tick } from '../live/clock'
import type { TicketDetail, UnitRef } from '../live/protocol'
import { useAsked } from '../standing/asked'
import { when } from './deadline'
import { Waiting } from './refusal'
import { follow } from './route'
import { ClockText, placeText } from './ticket_clock'
import { TicketMoves } from './ticket_moves'
import type { Exceptions } from './working'

export function Ticket({ id, unit, days }: { id: string; unit: UnitRef; days: Exceptions }) {
  const words = portalWords()
  const [again, renew] = useState(0)
  const { data: ticket, failure } = useAsked(id, () => get<TicketDetail>(`/tickets/${encodeURIComponent(id)}`), { again })
  return (
    <section class="panel" data-testid="ticket" data-state={ticket?.state} data-version={ticket?.version}>
      <header class="panel-head">
        <a {...follow({ section: 'tickets', unit: unit.id })} data-testid="back">
          ‹ {words.tickets}
        </a>
        {ticket && <h2>{say(ticket.category.name)}</h2>}
        {ticket && <span class="aside">{ticket.code}</span>}
      </header>
      <Waiting on={ticket} failure={failure} />
      {ticket && (
        <>
          <Facts ticket={ticket} />
          <Clocks ticket={ticket} days={days} />
          <TicketMoves ticket={ticket} renew={() => renew((n) => n + 1)} />
          <Timeline ticket={ticket} />
        </>
      )}
    </section>
  )
}

function Facts({ ticket }: { ticket: TicketDetail }) {
  const words = portalWords()
  return (
    <>
      <p class="pad description">{ticket.description}</p>
      <dl class="about">
        <dt>{words.colStage}</dt>
        <dd data-testid="ticket-state">
          <b>{w().ticketStates[ticket.state]}</b>
          {ticket.outcome && ` · ${words.outcomes[ticket.outcome]}`}
        </dd>
        <dt>{words.kind}</dt>
        <dd>{words.kinds[ticket.kind]}</dd>
        <dt>{words.colPlaceOf}</dt>
        <dd>{placeText(ticket)}</dd>
        <dt>{words.handledBy}</dt>
        <dd>{ticket.unit?.name ?? words.nobody}</dd>
        <dt>{words.colReceivedAt}</dt>
        <dd>{when(ticket.received_at, tick.value)}</dd>
        {/^https?:/.test(ticket.media_url) && (
          <>
            <dt>{words.media}</dt>
            <dd>
              <a href={ticket.media_url} target="_blank" rel="noreferrer noopener">
                {ticket.media_url}
              </a>
            </dd>
          </>
        )}
        {ticket.result && (
          <>
            <dt>{words.result}</dt>
            <dd>{ticket.result}</dd>
          </>
        )}
        {ticket.wanted_due_at && (
          <>
            <dt>{words.wantedDue}</dt>
            <dd>{when(ticket.wanted_due_at, tick.value)}</dd>
          </>
        )}
        <dt>{words.reporter}</dt>
        <dd class="caption">{words.reporterHidden}</dd>
      </dl>
    </>
  )
}

function Clocks({ ticket, days }: { ticket: TicketDetail; days: Exceptions }) {
  const words = portalWords()
  const told = ticket.clocks.filter((clock) => clock.standing !== 'void')
  return (
    <ul class="clocks pad" aria-label={words.clocks}>
      {told.map(({ step, due_at: due, done_at: done, standing }) => (
        <li key={step} data-testid={`clock-${step}`} data-standing={standing}>
          <h3>{words.steps[step]}</h3>
          {done ? (
            <>
              {when(due, tick.value)}
              <div class={standing === 'missed' ? 'behind' : 'caption'}>
                {words.standings[standing]} · {when(done, tick.value)}
              </div>
            </>
          ) : (
            <ClockText due={due} kind={ticket.kind} days={days} paused={standing === 'paused'} />
          )}
        </li>
      ))}
    </ul>
  )
}

function Timeline({ ticket }: { ticket: TicketDetail }) {
  const words = portalWords()
  return (
    <details class="pad" open>
      <summary>{w().history}</summary>
      <ol class="timeline">
        {[...ticket.timeline].reverse().map((step) => (
          <li key={step.version} data-testid="step" data-move={step.move}>
            <b>{words.movesDone[step.move] ?? step.move}</b> · {w().ticketStates[step.to_state]}
            {step.unit && ` · ${step.unit.name}`}
            <div class="caption">
              {when(step.at, tick.value)} · {step.actor}
            </div>
            {step.reason && <div>{step.reason}</div>}
          </li>
        ))}
      </ol>
    </details>
  )
}
