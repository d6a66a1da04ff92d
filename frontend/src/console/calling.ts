/** New critical alerts call: which are new, whether they are heard, and until when they are not. */

import { computed, effect, signal } from '@preact/signals'
import type { Centre } from '../live/centre'
import { tick } from '../live/clock'
import { isCalling } from '../panels/alerts'
import { Tone } from './tone'

/** Mute ends by itself: whoever forgets it hears again. */
export const MUTED_FOR = 600_000
/** A call is repeated while nobody has it. */
const AGAIN_EVERY = 15_000
/** As long as the bar flashes for a new one. */
const FLASH_FOR = 6_000

export type Sound = 'off' | 'on' | 'muted'

export class Calling {
  private readonly tone = new Tone()
  private readonly armed = signal(false)
  private readonly mutedUntil = signal(0)
  private readonly newest = signal(0)
  private known: Set<string> | null = null
  private calledAt = 0

  readonly sound = computed<Sound>(() => (!this.armed.value ? 'off' : tick.value < this.mutedUntil.value ? 'muted' : 'on'))
  readonly mutedSeconds = computed(() => Math.max(0, Math.ceil((this.mutedUntil.value - tick.value) / 1000)))
  readonly flashing = computed(() => tick.value - this.newest.value < FLASH_FOR)

  constructor(private readonly centre: Centre) {
    effect(() => this.look(tick.value))
  }

  /** Browsers let a page sound only after somebody has asked for it. */
  async arm(): Promise<void> {
    this.armed.value = await this.tone.open()
    if (this.armed.value) this.tone.sound()
  }

  mute(): void {
    this.mutedUntil.value = tick.peek() + MUTED_FOR
  }

  unmute(): void {
    this.mutedUntil.value = 0
  }

  private look(now: number): void {
    if (!this.centre.alerts.known.value) return
    const calling = new Set(this.centre.alerts.read().filter(isCalling).map((alert) => alert.id))
    // What was there when the page was opened is on the list; only what comes is new.
    const isNew = this.known !== null && [...calling].some((id) => !this.known?.has(id))
    this.known = calling
    if (isNew) this.newest.value = now
    if (calling.size === 0 || this.sound.peek() !== 'on') return
    if (!isNew && now - this.calledAt < AGAIN_EVERY) return
    this.calledAt = now
    this.tone.sound()
  }
}
