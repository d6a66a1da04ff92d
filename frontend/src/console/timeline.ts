/** What happened around an alert, in one line of time: changes, who was told, who was called. */

import type { AlertChange, AlertItem, AlertSheet, CallItem, Instant } from '../live/protocol'
import { consoleWords } from '../i18n/console/words'
import { changeWord, w } from '../i18n/words'

export interface Entry {
  at: Instant
  what: string
  who: string
  said: string
}

/** How the log names what no person did. */
const ENGINE = 'engine'

export function entriesOf(log: AlertChange[], sheet: AlertSheet | null, calls: CallItem[]): Entry[] {
  const words = w()
  const entries: Entry[] = [
    ...log.map((one) => ({
      at: one.at,
      what: changeWord(one.change),
      who: one.actor === ENGINE ? words.engine : (one.actor ?? ''),
      said: one.comment ?? '',
    })),
    ...(sheet?.told ?? []).map((one) => ({
      at: one.settled_at ?? one.at,
      what: consoleWords().toldStates[one.state](one.person, one.channel),
      who: consoleWords().reasons[one.held ?? one.reason] ?? one.held ?? one.reason,
      said: one.detail,
    })),
    ...calls.map((one) => ({
      at: one.at,
      what: consoleWords().called(one.person),
      who: one.made_by,
      said: [consoleWords().callResults[one.result] ?? one.result, one.note].filter(Boolean).join(': '),
    })),
  ]
  // What came first stands first; of the same instant as the log tells it.
  return entries.map((entry, i) => ({ entry, i })).sort((a, b) => Date.parse(a.entry.at) - Date.parse(b.entry.at) || a.i - b.i).map(({ entry }) => entry)
}

/** Why nobody is told of an alert at all, where that can be seen of it. */
export function untold(alert: AlertItem, sheet: AlertSheet): string | null {
  if (sheet.told.length > 0) return null
  const reasons = consoleWords().reasons
  if (alert.noted) return reasons['noted'] ?? null
  if (alert.exercise) return reasons['exercise'] ?? null
  if (alert.muted) return reasons['muted'] ?? null
  if (alert.shelved) return reasons['shelved'] ?? null
  return consoleWords().noRoute
}
