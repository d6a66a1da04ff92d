/** Why the server did not do what was asked, and what cures it. */

import { w } from '../i18n/words'
import { Problem } from '../live/api'

/** What went wrong as a problem; a fault of our own is not hidden in one. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  throw error
}

export function Refusal({ problem }: { problem: Problem | null }) {
  if (!problem) return null
  const { title, detail, status } = problem
  return (
    <p class="pad refusal" role="alert" data-testid="refusal" data-code={problem.code}>
      <b>{status === 0 ? w().unreachable : title}</b>
      {detail && <span>{detail}</span>}
    </p>
  )
}

/** Until something came that it is on its way; and why nothing newer came, whatever is shown. */
export function Waiting({ on, failure }: { on: unknown; failure: Problem | null }) {
  if (failure) return <Refusal problem={failure} />
  return on === null ? <p class="caption pad">{w().loading}</p> : null
}
