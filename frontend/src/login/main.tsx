/** Signing in. */

import { useSignal } from '@preact/signals'
import { render } from 'preact'
import '../design/design.css'
import './login.css'
import { LanguageSwitch } from '../design/frame'
import { markLanguage, w } from '../i18n/words'
import { get, post, Problem } from '../live/api'
import type { Me } from '../live/protocol'

const HOMES: Record<Me['role'], string> = {
  administrator: '/admin',
  operator: '/',
  leader: '/m',
  agency: '/agency',
  wall: '/',
}

/** Where to go afterwards: only ever a path of this house. */
function wanted(): string | null {
  const next = new URLSearchParams(location.search).get('next')
  if (!next) return null
  const target = new URL(next, location.origin)
  return target.origin === location.origin && !next.startsWith('//') ? target.pathname + target.search + target.hash : null
}

function Login() {
  const words = w()
  const busy = useSignal(false)
  const failure = useSignal('')
  const signIn = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    busy.value = true
    failure.value = ''
    try {
      await post('/login', { name: form.get('name'), password: form.get('password') })
      const next = wanted()
      location.assign(next ?? HOMES[(await get<Me>('/me')).role] ?? '/')
    } catch (error) {
      failure.value =
        !(error instanceof Problem) || error.status === 0
          ? words.unreachable
          : error.status === 401
            ? words.loginFailed
            : error.message || words.unreachable
      busy.value = false
    }
  }
  return (
    <main>
      <form onSubmit={(event) => void signIn(event)} aria-label={words.loginTitle}>
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M16 3 29 16 16 29 3 16Z" />
          <circle cx="16" cy="16" r="4.5" />
        </svg>
        <h1>{words.centre}</h1>
        <label>
          {words.loginName}
          <input name="name" autocomplete="username" autocapitalize="none" spellcheck={false} required autofocus />
        </label>
        <label>
          {words.loginPassword}
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <p class="failure" role="alert" data-testid="login-failure">
          {failure.value}
        </p>
        <button type="submit" disabled={busy.value} data-testid="login-submit">
          {busy.value ? words.loginBusy : words.signIn}
        </button>
      </form>
      <LanguageSwitch />
    </main>
  )
}

markLanguage()
render(<Login />, document.body)
