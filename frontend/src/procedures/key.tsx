/** The key of a chart: samples of what is drawn, each with its word and its newest value. */

import type { ComponentChildren } from 'preact'

export function Key({ children }: { children: ComponentChildren }) {
  return <p class="proc-key caption">{children}</p>
}

export function Sign({ kind }: { kind: 'solid' | 'dashed' | 'bar' | 'target' | 'break' | 'thin' | 'range' }) {
  return <i class={`proc-sign ${kind}`} aria-hidden="true" />
}
