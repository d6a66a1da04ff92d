/** Class limits of the choropleth: grey at the target and orange steps below, or five steps of one hue. */

export interface TargetScale {
  kind: 'target'
  target: number
  direction: 'up' | 'down'
  step: number
}

export interface NeutralScale {
  kind: 'neutral'
  limits: number[]
}

export type Scale = TargetScale | NeutralScale

/** Classes of a target scale: 0 at target, 1 to 3 ever further off. */
export const TARGET_CLASSES = 4
export const NEUTRAL_CLASSES = 5

const NICE = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8]
/** So many of the worst values do not stretch the classes: one outlier would make all others look well. */
const OUTLIERS = 0.05

/** The smallest round number that is at least `rough`. */
export function niceStep(rough: number): number {
  if (!(rough > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(rough))
  for (const base of NICE) if (base * power >= rough * (1 - 1e-9)) return base * power
  return 10 * power
}

/** Two limits below the target, so wide that the worst units, but for outliers, reach into the third class. */
export function targetScale(target: number, direction: 'up' | 'down', values: number[]): TargetScale {
  const short = values.map((value) => shortfall(value, target, direction)).sort((a, b) => b - a)
  const worst = Math.max(0, short[Math.floor(short.length * OUTLIERS)] ?? 0)
  return { kind: 'target', target, direction, step: niceStep(worst / 2.6) }
}

export function neutralScale(values: number[]): NeutralScale {
  if (values.length === 0) return { kind: 'neutral', limits: [] }
  const low = Math.min(...values)
  const step = niceStep((Math.max(...values) - low) / NEUTRAL_CLASSES)
  const start = Math.floor(low / step) * step
  return { kind: 'neutral', limits: Array.from({ length: NEUTRAL_CLASSES - 1 }, (_, i) => Number((start + (i + 1) * step).toPrecision(12))) }
}

/** Which class a value falls in; -1 without a value. */
export function classOf(value: number | null | undefined, scale: Scale): number {
  if (value == null || !Number.isFinite(value)) return -1
  if (scale.kind === 'neutral') return scale.limits.filter((limit) => value >= limit).length
  const short = shortfall(value, scale.target, scale.direction)
  if (short <= 0) return 0
  return Math.min(TARGET_CLASSES - 1, Math.ceil(short / scale.step - 1e-9))
}

/** The range of each class as text, best first for a target, least first for a neutral scale. */
export function classLabels(scale: Scale, write: (value: number) => string): string[] {
  if (scale.kind === 'neutral') {
    const { limits } = scale
    if (limits.length === 0) return []
    return [
      `< ${write(limits[0] as number)}`,
      ...limits.slice(1).map((limit, i) => `${write(limits[i] as number)}–${write(limit)}`),
      `≥ ${write(limits[limits.length - 1] as number)}`,
    ]
  }
  const { target, step, direction } = scale
  const at = (n: number) => write(direction === 'up' ? target - n * step : target + n * step)
  const range = (n: number) => (direction === 'up' ? `${at(n)}–${at(n - 1)}` : `${at(n - 1)}–${at(n)}`)
  return direction === 'up'
    ? [`≥ ${at(0)}`, range(1), range(2), `< ${at(2)}`]
    : [`≤ ${at(0)}`, range(1), range(2), `> ${at(2)}`]
}

function shortfall(value: number, target: number, direction: 'up' | 'down'): number {
  return direction === 'up' ? target - value : value - target
}
