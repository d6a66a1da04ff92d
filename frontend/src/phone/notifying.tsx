/** The switch by which this phone is told of alerts, where the server has push on. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { severityWord, w } from '../i18n/words'
import { post, Problem } from '../live/api'
import { SEVERITIES } from '../live/order'
import type { Severity } from '../live/protocol'
import { askForPush, ownDevice, pushState, refusal, switchOff, switchOn } from './push'

export function Notifying() {
  const words = w().push
  const state = pushState.value
  const device = ownDevice.value
  const least = useSignal<Severity>('high')
  const busy = useSignal(false)
  useEffect(() => {
    void askForPush().then(() => {
      if (ownDevice.peek()) least.value = ownDevice.peek()!.least
    })
  }, [])
  if (!state || state.key === null) return null
  const during = async (work: Promise<void>) => {
    busy.value = true
    await work
    busy.value = false
  }
  return (
    <section aria-label={words.title} data-testid="push">
      <h2>{words.title}</h2>
      <div class="card push">
        <button
          type="button"
          role="switch"
          class="push-switch"
          data-testid="push-switch"
          aria-checked={device !== null}
          disabled={busy.value}
          onClick={() => void during(device ? switchOff() : switchOn(least.value))}
        >
          {words.receive} <b>{device ? words.on : words.off}</b>
        </button>
        <label>
          {words.least}{' '}
          <select
            data-testid="push-least"
            value={least.value}
            disabled={busy.value}
            onChange={(event) => {
              least.value = event.currentTarget.value as Severity
              if (device) void during(switchOn(least.value))
            }}
          >
            {SEVERITIES.map((severity) => (
              <option key={severity} value={severity}>
                {severityWord(severity)}
              </option>
            ))}
          </select>
        </label>
        <Refused />
        {device && <p class="caption">{words.until}</p>}
        {!state.reached && <p class="caption">{words.notReached}</p>}
        {device && state.reached && <TryIt />}
      </div>
    </section>
  )
}

function Refused() {
  const words = w().push
  const why = refusal.value
  if (!why) return null
  return (
    <p role="alert" data-testid="push-refused">
      {why.why === 'blocked' ? words.blocked : why.why === 'server' ? why.said : words.unreachable(why.said)}
    </p>
  )
}

function TryIt() {
  const words = w().push
  const said = useSignal('')
  const send = async () => {
    try {
      await post('/notify/push/test')
      said.value = words.tried
    } catch (error) {
      said.value = error instanceof Problem ? error.message : String(error)
    }
  }
  return (
    <>
      <button type="button" data-testid="push-test" onClick={() => void send()}>
        {words.test}
      </button>
      {said.value && (
        <p class="caption" role="status">
          {said.value}
        </p>
      )}
    </>
  )
}
