/** What goes with each move of a ticket; the server has the last word. */

import type { TicketMove, TicketOutcome } from '../live/protocol'

export interface Needs {
  /** Absent where no reason is asked for, though one may always be given. */
  reason: 'needed' | 'free'
  unit?: boolean
  due?: boolean
  result?: boolean
  rating?: boolean
  outcomes?: readonly TicketOutcome[]
}

const FREE: Needs = { reason: 'free' }

const NEEDS: Partial<Record<TicketMove, Needs>> = {
  reject: { reason: 'needed', outcomes: ['out_of_scope', 'false_report', 'duplicate', 'withdrawn'] },
  'ask-supplement': { reason: 'needed' },
  assign: { reason: 'free', unit: true },
  return: { reason: 'needed' },
  'request-extension': { reason: 'needed', due: true },
  resolve: { reason: 'free', result: true, outcomes: ['solved', 'false_report'] },
  rate: { reason: 'free', rating: true },
  reopen: { reason: 'needed' },
}

export function needsOf(move: TicketMove): Needs {
  return NEEDS[move] ?? FREE
}

/** What leads on, which the page puts first. */
const ONWARD: readonly TicketMove[] = ['accept', 'start', 'resolve', 'supplement', 'verify', 'assign', 'extend', 'approve', 'publish', 'close']

export function inOrder(moves: readonly TicketMove[]): { moves: TicketMove[]; first: TicketMove | null } {
  const first = ONWARD.find((move) => moves.includes(move)) ?? null
  return { moves: first ? [first, ...moves.filter((move) => move !== first)] : [...moves], first }
}
