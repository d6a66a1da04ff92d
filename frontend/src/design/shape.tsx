/** The shapes of severity: diamond, triangle, square, disc; an outline once cleared. */

import { severityWord } from '../i18n/words'
import type { Severity } from '../live/protocol'

export const SHAPE_PATHS: Record<Severity, string> = {
  critical: 'M12 1.5 22.5 12 12 22.5 1.5 12Z',
  high: 'M12 2.5 22.5 21 1.5 21Z',
  medium: 'M3 3H21V21H3Z',
  low: 'M12 2.5A9.5 9.5 0 1 1 12 21.5 9.5 9.5 0 1 1 12 2.5Z',
}

interface Props {
  severity: Severity
  cleared?: boolean
  blinking?: boolean
}

export function Shape({ severity, cleared = false, blinking = false }: Props) {
  const classes = `shape sev-${severity}${cleared ? ' cleared' : ''}${blinking ? ' blinking' : ''}`
  return (
    <svg class={classes} viewBox="0 0 24 24" role="img" aria-label={severityWord(severity)}>
      <path d={SHAPE_PATHS[severity]} />
    </svg>
  )
}
