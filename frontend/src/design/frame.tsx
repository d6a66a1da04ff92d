/** The parts that stand at the top of every page: simulation mark, connection, language. */

import { clockSeconds, number } from '../i18n/format'
import { language, speak, w } from '../i18n/words'
import type { Centre } from '../live/centre'
import { toLogin } from '../live/api'

export function SimulatedMark({ centre, note = true }: { centre: Centre; note?: boolean }) {
  if (!centre.city.value?.simulated) return null
  return (
    <div class="simulated-tag" role="note" title={w().simulatedNote} data-testid="simulated">
      {w().simulated}
      {note && <small>{w().simulatedNote}</small>}
    </div>
  )
}

export function LostBar({ centre }: { centre: Centre }) {
  const words = w()
  if (centre.signedOut.value) {
    return (
      <div class="lost-bar" role="alert" data-testid="signed-out">
        {words.signedOut}{' '}
        <a
          href="/login"
          onClick={(event) => {
            event.preventDefault()
            toLogin()
          }}
        >
          {words.signInAgain}
        </a>
      </div>
    )
  }
  if (centre.stream.state.value !== 'lost') return null
  const last = centre.stream.lastFrame.value
  return (
    <div class="lost-bar" role="alert" data-testid="lost-bar">
      {last === null ? words.lostBarNever : words.lostBar(clockSeconds(last))}
    </div>
  )
}

export function Connection({ centre }: { centre: Centre }) {
  const state = centre.stream.state.value
  const behind = centre.stream.behind.value
  const words = w()
  return (
    <span class={`connection ${state}`} role="status" data-testid="connection" data-state={state}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        <circle cx="6" cy="6" r="4.4" />
        {state === 'lost' && <path d="M1.5 10.5 10.5 1.5" />}
      </svg>
      {words[state]}
      {state === 'live' && behind > 2000 && <> · {words.lag(number(behind / 1000, 1))}</>}
    </span>
  )
}

export function LanguageSwitch() {
  return (
    <div class="languages" role="group" aria-label={w().language}>
      {(['vi', 'en'] as const).map((code) => (
        <button
          key={code}
          type="button"
          lang={code}
          aria-pressed={language.value === code}
          data-testid={`language-${code}`}
          onClick={() => speak(code)}
        >
          {code.toUpperCase()}
        </button>
      ))}
    </div>
  )
}
