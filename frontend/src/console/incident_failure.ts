/** Why something was not done with an incident, in words; that somebody was faster, above all. */

import { consoleWords } from '../i18n/console/words'
import { w } from '../i18n/words'
import { Problem } from '../live/api'

/** Whether the incident had changed since it was looked at. */
export function isOvertaken(error: unknown): boolean {
  return error instanceof Problem && error.status === 409 && typeof error.values['version'] === 'number'
}

export function failureText(error: unknown): string {
  const words = w()
  if (isOvertaken(error)) return consoleWords().incidents.overtaken
  return words.actionFailed(error instanceof Problem && error.message ? error.message : words.unreachable)
}
