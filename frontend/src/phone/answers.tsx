/** Who answers: the unit, its head's post and name, and a number that a thumb can call. */

import { w } from '../i18n/words'
import type { Answering } from '../live/protocol'

export function Answers({ answering }: { answering: Answering }) {
  const words = w()
  const who = [answering.post, answering.name, answering.unit.name].filter(Boolean).join(', ')
  return (
    <p class="answers" data-testid="answers">
      {words.answers(who)}
      {answering.sample && <span class="caption"> ({words.sampleTarget})</span>}
      {!answering.phone && <span class="caption"> · {words.noPhone}</span>}
    </p>
  )
}

export function Call({ answering }: { answering: Answering }) {
  if (!answering.phone) return null
  return (
    <a class="action" href={`tel:${answering.phone.replaceAll(/[^+\d]/g, '')}`} data-testid="call">
      {w().callPhone(answering.phone.replaceAll(' ', '\u00a0'))}
    </a>
  )
}
