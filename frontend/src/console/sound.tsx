/** The button for the sound of new critical alerts: off until it is asked for, and muted for a while only. */

import { consoleWords } from '../i18n/console/words'
import type { Calling } from './calling'

export function SoundButton({ calling }: { calling: Calling }) {
  const words = consoleWords()
  const state = calling.sound.value
  const left = calling.mutedSeconds.value
  const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`
  const said = { off: words.soundOff, on: words.soundOn, muted: words.soundMuted(clock) }
  const act = () => {
    if (state === 'off') void calling.arm()
    else if (state === 'on') calling.mute()
    else calling.unmute()
  }
  return (
    <button type="button" class={`sound ${state}`} data-testid="sound" data-state={state} title={words.soundTitle[state]} onClick={act}>
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M4 9v6h4l5 4V5L8 9H4Z" />
        {state === 'on' ? <path class="waves" d="M16 9a4 4 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11" /> : <path class="waves" d="M17 9.5l5 5M22 9.5l-5 5" />}
      </svg>
      {said[state]}
    </button>
  )
}
