/** A share as a bar with a tick at its target: hatched orange where it is behind, plain where it is not. */

interface Props {
  /** 0–1 of the bar's length. */
  filled: number | null
  tick: number | null
  behind: boolean
  stale?: boolean
}

export function Measure({ filled, tick, behind, stale = false }: Props) {
  const clamp = (share: number) => `${Math.min(100, Math.max(0, share * 100))}%`
  return (
    <div class={`measure${behind ? ' is-behind' : ''}${stale ? ' is-stale' : ''}`} aria-hidden="true">
      {filled !== null && <div class="fill" style={{ width: clamp(filled) }} />}
      {tick !== null && <div class="tick" style={{ left: clamp(tick) }} />}
    </div>
  )
}
