/** What people were told, what waits, and what could not be sent; a test, and another try. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { problemOf, Refusal } from '../agency/refusal'
import { moment } from '../i18n/format'
import { adminWords } from '../i18n/admin/words'
import { say } from '../i18n/words'
import { get, post, type Problem } from '../live/api'
import { tick } from '../live/clock'
import type { DutyUnit, LetterItem, LetterState, NoticeChannel, Page } from '../live/protocol'

const STATES: readonly LetterState[] = ['waiting', 'dead', 'sent', 'withheld', 'dropped']
/** The list holds still while it is read. */
const RENEW_MS = 10_000

export function Letters() {
  const words = adminWords().letters
  const state = useSignal<LetterState | ''>('')
  const items = useSignal<LetterItem[] | null>(null)
  const failure = useSignal<Problem | null>(null)
  const load = async () => {
    const asked = state.peek()
    try {
      const page = await get<Page<LetterItem>>(`/notify/outbox?limit=100${asked && `&state=${asked}`}`)
      if (asked === state.peek()) items.value = page.items
      failure.value = null
    } catch (error) {
      failure.value = problemOf(error)
    }
  }
  useEffect(() => {
    void load()
    const timer = setInterval(() => void load(), RENEW_MS)
    return () => clearInterval(timer)
  }, [state.value])
  const again = async (letter: LetterItem) => {
    try {
      await post(`/notify/outbox/${letter.id}/retry`)
      await load()
    } catch (error) {
      failure.value = problemOf(error)
    }
  }
  return (
    <section class="panel" data-testid="letters">
      <header class="panel-head">
        <h2>{words.title}</h2>
        <select aria-label={words.state} data-testid="letters-state" value={state.value} onChange={(event) => (state.value = event.currentTarget.value as LetterState | '')}>
          <option value="">{words.all}</option>
          {STATES.map((one) => (
            <option key={one} value={one}>
              {words.states[one]}
            </option>
          ))}
        </select>
      </header>
      <TestLetter sent={load} />
      <Refusal problem={failure.value} />
      {items.value?.length === 0 && <p class="caption pad">{words.none}</p>}
      {items.value && items.value.length > 0 && (
        <div class="scroll tall">
          <table>
            <thead>
              <tr>
                <th>{words.when}</th>
                <th>{words.person}</th>
                <th>{words.what}</th>
                <th>{words.state}</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {items.value.map((letter) => (
                <tr key={letter.id} data-testid="letter" data-id={letter.id} data-state={letter.state}>
                  <td>{moment(letter.settled_at ?? letter.created_at, tick.value)}</td>
                  <td>
                    {letter.person}
                    <div class="caption">{letter.channel}</div>
                  </td>
                  <td>
                    {letter.message.title ? say(letter.message.title) : words.test}
                    <div class="caption">{words.reasons[letter.reason] ?? letter.reason}</div>
                  </td>
                  <td>
                    {words.states[letter.state]}
                    <div class="caption">
                      {letter.held && `${words.reasons[letter.held] ?? letter.held} · `}
                      {letter.state === 'waiting' && `${words.next} ${moment(letter.next_at, tick.value)} · `}
                      {words.attempts(String(letter.attempts))}
                      {letter.detail && ` · ${letter.detail}`}
                    </div>
                  </td>
                  <td>
                    {letter.state === 'dead' && (
                      <button type="button" data-testid="letter-again" onClick={() => void again(letter)}>
                        {words.again}
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

function TestLetter({ sent }: { sent: () => Promise<void> }) {
  const words = adminWords().letters
  const channels = useSignal<NoticeChannel[]>([])
  const people = useSignal<{ id: string; name: string }[]>([])
  const failure = useSignal<Problem | null>(null)
  useEffect(() => {
    Promise.all([get<Page<NoticeChannel>>('/notify/channels'), get<Page<DutyUnit>>('/duty')])
      .then(([known, duty]) => {
        channels.value = known.items
        people.value = [...new Map(duty.items.flatMap((unit) => unit.people).map((one) => [one.id, one])).values()]
      })
      .catch((error: unknown) => (failure.value = problemOf(error)))
  }, [])
  const open = channels.value.filter((one) => one.enabled)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    try {
      await post('/notify/test', Object.fromEntries(new FormData(event.currentTarget as HTMLFormElement)))
      failure.value = null
      await sent()
    } catch (error) {
      failure.value = problemOf(error)
    }
  }
  if (open.length === 0 && channels.value.length > 0) {
    return <p class="caption pad" data-testid="channels-off">{words.allOff(channels.value.map((one) => one.id).join(', '))}</p>
  }
  return (
    <form class="bar pad" data-testid="test-letter" onSubmit={(event) => void submit(event)}>
      <select name="channel" aria-label={words.channel}>
        {open.map((one) => (
          <option key={one.id}>{one.id}</option>
        ))}
      </select>
      <select name="person" aria-label={words.person}>
        {people.value.map((one) => (
          <option key={one.id} value={one.id}>
            {one.name}
          </option>
        ))}
      </select>
      <button type="submit" disabled={open.length === 0 || people.value.length === 0}>
        {words.sendTest}
      </button>
      <Refusal problem={failure.value} />
    </form>
  )
}
