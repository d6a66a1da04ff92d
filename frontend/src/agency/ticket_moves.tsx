/** What may be done with a ticket now, with what each move needs; an older state is told, not overwritten. */

import { useSignal } from '@preact/signals'
import { fieldInstant, fieldTime } from '../i18n/format'
import { portalWords } from '../i18n/portal/words'
import { w } from '../i18n/words'
import { post, type Problem } from '../live/api'
import type { TicketDetail, TicketMove, TicketOutcome } from '../live/protocol'
import { problemOf, Refusal } from './refusal'
import { inOrder, needsOf } from './ticket_needs'

export function TicketMoves({ ticket, renew }: { ticket: TicketDetail; renew: () => void }) {
  const words = portalWords()
  // A move is decided on the ticket as it was looked at; once refused, on what it has become.
  const chosen = useSignal<{ move: TicketMove; version: number | null } | null>(null)
  const refused = useSignal<Problem | null>(null)
  const said = useSignal('')
  const busy = useSignal(false)
  const { moves, first } = inOrder(ticket.allowed)
  const open = moves.find((move) => move === chosen.value?.move)
  const act = async (move: TicketMove, body: Record<string, unknown>) => {
    busy.value = true
    said.value = ''
    try {
      await post<TicketDetail>(`/tickets/${ticket.id}/${move}`, { version: chosen.value?.version ?? ticket.version, ...body })
      refused.value = null
      chosen.value = null
      said.value = words.movesDone[move] ?? move
    } catch (error) {
      refused.value = problemOf(error)
      if (chosen.value) chosen.value = { move, version: null }
    } finally {
      busy.value = false
      renew()
    }
  }
  const choose = (move: TicketMove) => {
    refused.value = null
    chosen.value = null
    const { reason, unit, due, result, rating, outcomes } = needsOf(move)
    if (reason === 'free' && !unit && !due && !result && !rating && !outcomes) void act(move, {})
    else chosen.value = { move, version: ticket.version }
  }
  return (
    <div class="ticket-moves">
      <div class="bar pad" data-testid="moves">
        {moves.map((move) => (
          <button
            key={move}
            type="button"
            class={move === first && chosen.value === null ? 'primary' : ''}
            aria-expanded={chosen.value?.move === move}
            disabled={busy.value}
            data-testid={`move-${move}`}
            onClick={() => choose(move)}
          >
            {words.moves[move]}
          </button>
        ))}
        {moves.length === 0 && <span class="caption">{words.noMoves}</span>}
        <span role="status" data-testid="moved">
          {said.value}
        </span>
      </div>
      <Refusal problem={refused.value} />
      {open && <Form key={open} move={open} ticket={ticket} busy={busy.value} send={(body) => void act(open, body)} cancel={() => (chosen.value = null)} />}
    </div>
  )
}

interface FormProps {
  move: TicketMove
  ticket: TicketDetail
  busy: boolean
  send: (body: Record<string, unknown>) => void
  cancel: () => void
}

function Form({ move, ticket, busy, send, cancel }: FormProps) {
  const words = portalWords()
  const needs = needsOf(move)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const given = new FormData(event.currentTarget as HTMLFormElement)
    const said = Object.fromEntries([...given].map(([name, value]) => [name, String(value).trim()]).filter(([, value]) => value))
    const { due_at: due, rating, ...rest } = said as Record<string, string>
    send({ ...rest, ...(due && { due_at: fieldInstant(due) }), ...(rating && { rating: Number(rating) }) })
  }
  return (
    <form class="move-form pad" onSubmit={submit} data-testid="move-form">
      {needs.outcomes && (
        <label>
          {words.outcome}
          <select name="outcome" autofocus>
            {needs.outcomes.map((one: TicketOutcome) => (
              <option key={one} value={one}>
                {words.outcomes[one]}
              </option>
            ))}
          </select>
        </label>
      )}
      {needs.unit && (
        <label>
          {words.assignTo}
          <input name="unit" required maxLength={80} placeholder="so-xay-dung" />
        </label>
      )}
      {needs.due && (
        <label>
          {words.wantedDue}
          <input name="due_at" type="datetime-local" required min={fieldTime(ticket.due_at)} />
        </label>
      )}
      {needs.rating && (
        <label>
          {words.rating}
          <input name="rating" type="number" min={1} max={5} required />
        </label>
      )}
      {needs.result && (
        <label class="wide">
          {words.result}
          <textarea name="result" rows={4} maxLength={4000} required />
        </label>
      )}
      <label class="wide">
        {needs.reason === 'needed' ? words.moveReason : words.moveReasonFree}
        <textarea name="reason" rows={2} maxLength={2000} required={needs.reason === 'needed'} />
      </label>
      <div class="bar">
        <button type="submit" class="primary" disabled={busy} data-testid="move-send">
          {words.moves[move]}
        </button>
        <button type="button" onClick={cancel}>
          {w().cancel}
        </button>
      </div>
    </form>
  )
}
