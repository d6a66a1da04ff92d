/** Warnings of others: what is in force now, what is over, and a bulletin typed in with its PDF. */

import { useSignal } from '@preact/signals'
import { Refusal, problemOf } from '../agency/refusal'
import { moment } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { post, type Problem } from '../live/api'
import { tick } from '../live/clock'
import { isWarning } from '../live/order'
import type { WarningItem } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { useAnnounced } from './announced_list'
import { BulletinForm } from './bulletin_form'
import { LevelMark } from '../design/level'

export function Bulletins() {
  const centre = useCentre()
  const words = consoleWords().warned
  const writing = useSignal(false)
  // What is in force is an alert too: the stream says when the list is to be read again.
  const inStream = centre.alerts.read().filter(isWarning)
  const { items, failure, load } = useAnnounced<WarningItem>('/warnings', inStream.map((alert) => `${alert.id}${alert.version}`).join())
  const mayHandle = centre.may('alert.handle')
  const shown = (items.value ?? []).filter((one) => one.message.kind !== 'Cancel')
  const [over, inForce] = [shown.filter(isOver), shown.filter((one) => !isOver(one))]
  return (
    <section class="panel bulletins" data-testid="bulletins">
      <header class="panel-head">
        <h2>{words.title}</h2>
        {mayHandle && (
          <button type="button" data-testid="write-bulletin" aria-expanded={writing.value} onClick={() => (writing.value = !writing.value)}>
            {words.write}
          </button>
        )}
      </header>
      {writing.value && (
        <BulletinForm
          done={() => {
            writing.value = false
            void load()
          }}
        />
      )}
      <Refusal problem={failure.value} />
      {items.value?.length === 0 && <p class="caption empty">{words.none}</p>}
      <ul class="bulletin-list">
        {inForce.map((one) => (
          <Bulletin key={one.id} warning={one} may={mayHandle} renew={load} />
        ))}
      </ul>
      {over.length > 0 && <h3>{words.over}</h3>}
      <ul class="bulletin-list over">
        {over.map((one) => (
          <Bulletin key={one.id} warning={one} may={false} renew={load} />
        ))}
      </ul>
    </section>
  )
}

function isOver(warning: WarningItem): boolean {
  return warning.replaced || Date.parse(warning.ends) <= tick.value
}

function Bulletin({ warning, may, renew }: { warning: WarningItem; may: boolean; renew: () => Promise<unknown> }) {
  const words = consoleWords().warned
  const said = useSignal<Problem | null>(null)
  const ending = useSignal(false)
  const info = warning.message.infos[0]
  if (!info) return null
  const cancel = async (event: SubmitEvent) => {
    event.preventDefault()
    const why = String(new FormData(event.currentTarget as HTMLFormElement).get('why') ?? '').trim()
    try {
      await post(`/warnings/${warning.id}/cancel`, { why })
      ending.value = false
      await renew()
    } catch (error) {
      said.value = problemOf(error)
    }
  }
  return (
    <li data-testid="bulletin" data-id={warning.id} data-over={String(isOver(warning))}>
      <p class="bulletin-head">
        <LevelMark level={warning.national_level} />
        <b>{info.headline || info.event}</b>
        {warning.message.status === 'Exercise' && <span class="exercise">{words.exercise}</span>}
        <span class="caption">{words.span(moment(info.onset ?? warning.message.sent, tick.value), moment(warning.ends, tick.value))}</span>
      </p>
      <p>{info.areas.map((area) => area.description).join(', ')}</p>
      <p class="bulletin-text">{info.description}</p>
      <p class="caption">
        {warning.by_hand ? words.byHand(warning.by, info.sender_name || words.noSource) : words.byFeed(info.sender_name || warning.message.sender)}
        {!warning.by_hand && ` · ${words.signatures[warning.signature]}`}
        {warning.bulletin && (
          <>
            {' · '}
            <a href={`/api/v1/warnings/${warning.id}/bulletin`} data-testid="bulletin-pdf">
              {words.pdf}
            </a>
          </>
        )}
      </p>
      {may && warning.by_hand && !ending.value && (
        <button type="button" data-testid="end-bulletin" onClick={() => (ending.value = true)}>
          {words.takeBack}
        </button>
      )}
      {ending.value && (
        <form class="bar" onSubmit={(event) => void cancel(event)}>
          <input name="why" autofocus required maxLength={2000} placeholder={words.why} aria-label={words.why} />
          <button type="submit" data-testid="end-bulletin-do">
            {words.takeBack}
          </button>
        </form>
      )}
      <Refusal problem={said.value} />
    </li>
  )
}
