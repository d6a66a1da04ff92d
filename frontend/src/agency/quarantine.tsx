/** What is held back of a feed: why, what cures it; to be repaired, replayed or let go. */

import { useSignal } from '@preact/signals'
import { clockSeconds, duration, moment, number } from '../i18n/format'
import { say, w } from '../i18n/words'
import { get, post, Problem, put, remove } from '../live/api'
import { tick } from '../live/clock'
import type { FeedItem, QuarantinePage, QuarantineRow, QuarantineState, ReplayReceipt } from '../live/protocol'
import { useAnswer } from './answer'
import { jsonFault } from './json'
import { bytesText } from './ledger'
import './agency.css'

const STATES: readonly QuarantineState[] = ['open', 'replayed', 'dropped']
/** Bytes of a payload that the list holds; what is longer cannot be edited here. */
const SHOWN = 20_000

export function Quarantine({ feed, mayRepair }: { feed: FeedItem; mayRepair: boolean }) {
  const words = w()
  const state = useSignal<QuarantineState>('open')
  const more = useSignal<QuarantineRow[]>([])
  const following = useSignal<string | null | undefined>(undefined)
  const said = useSignal('')
  const busy = useSignal(false)
  const base = `/feeds/${encodeURIComponent(feed.id)}/quarantine`
  const { answer, renew } = useAnswer<QuarantinePage>(() => `${base}?state=${state.value}`, `${feed.id} ${state.value}`)
  const next = following.value === undefined ? answer?.next : following.value

  /** Do something, say what came of it, and look again. */
  async function act(work: () => Promise<string>) {
    busy.value = true
    try {
      said.value = await work()
    } catch (error) {
      said.value = error instanceof Problem ? error.message : String(error)
    }
    busy.value = false
    more.value = []
    following.value = undefined
    await renew()
  }

  async function replay(ids?: number[]): Promise<string> {
    let after = 0
    let tried = 0
    let taken = 0
    for (;;) {
      const receipt = await post<ReplayReceipt>(`${base}/replay`, ids ? { ids } : { after })
      tried += receipt.ids.length
      taken += receipt.replayed.length
      if (ids || receipt.next === null) break
      after = Number(receipt.next)
    }
    return words.replayDone(number(taken), number(tried))
  }

  async function showMore() {
    const page = await get<QuarantinePage>(`${base}?state=${state.value}&before=${next}`)
    more.value = [...more.value, ...page.items]
    following.value = page.next
  }

  const rows = [...(answer?.items ?? []), ...more.value]
  return (
    <section class="panel" data-testid="quarantine">
      <header class="panel-head">
        <h2>{words.agencyQuarantine}</h2>
        <span class="aside">{feed.name}</span>
      </header>
      <div class="quarantine-bar pad">
        {STATES.map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={state.value === each}
            data-testid={`state-${each}`}
            onClick={() => {
              state.value = each
              more.value = []
              following.value = undefined
            }}
          >
            {words[`quarantine_${each}`]}
          </button>
        ))}
        {answer && (
          <span class="caption">
            {words.quarantineHeld(
              number(answer.held.items),
              bytesText(answer.held.bytes),
              bytesText(answer.held.most_bytes),
              duration(answer.held.most_age),
            )}
          </span>
        )}
        {mayRepair && state.value === 'open' && rows.some((row) => row.replayable) && (
          <button type="button" class="primary" disabled={busy.value} data-testid="replay-all" onClick={() => void act(() => replay())}>
            {words.replayAll}
          </button>
        )}
      </div>
      <p class="pad quarantine-said" role="status" data-testid="quarantine-said">
        {said.value}
      </p>
      {answer !== null && rows.length === 0 && <p class="caption pad">{words.agencyNoQuarantine}</p>}
      {rows.map((row) => (
        <Item
          key={row.id}
          row={row}
          base={base}
          mayRepair={mayRepair && !busy.value}
          replay={() => void act(() => replay([row.id]))}
          discard={() =>
            void act(async () => {
              await remove(`${base}/${row.id}`)
              return words.discardDone
            })
          }
          repair={(text, again) =>
            void act(async () => {
              await put(`${base}/${row.id}`, text, 'text/plain; charset=utf-8')
              return again ? replay([row.id]) : words.repairDone
            })
          }
        />
      ))}
      {next && (
        <p class="pad">
          <button type="button" onClick={() => void showMore()}>
            {words.quarantineMore}
          </button>
        </p>
      )}
    </section>
  )
}

interface ItemProps {
  row: QuarantineRow
  base: string
  mayRepair: boolean
  replay: () => void
  discard: () => void
  repair: (text: string, again: boolean) => void
}

function Item({ row, base, mayRepair, replay, discard, repair }: ItemProps) {
  const words = w()
  const editing = useSignal(false)
  const sure = useSignal(false)
  // Bytes that are no text, or are cut off here, would come back other than they are.
  const editable = row.replayable && row.size <= SHOWN && row.payload.length <= SHOWN && !row.payload.includes('\ufffd')
  return (
    <article class="held-item" data-testid="quarantined" data-id={row.id} data-reason={row.reason}>
      <header>
        <h3>{say(row.title)}</h3>
        <span class="caption">
          <span title={clockSeconds(row.received_at)}>{moment(row.received_at, tick.value)}</span> · {row.channel}
          {row.topic_key !== null && ` · ${row.topic_key}`}
          {row.source !== null && ` · ${row.source}`}
          {row.index >= 0 && ` · ${words.quarantineIndex(number(row.index + 1))}`} · {bytesText(row.size)}
          {row.attempts > 0 && ` · ${words.quarantineAttempts(number(row.attempts))}`}
        </span>
      </header>
      <p>
        <code>{row.reason}</code> {row.detail}
      </p>
      {row.state === 'open' && (
        <p class="cure">
          {words.cure}: {say(row.cure)}
        </p>
      )}
      {row.repaired_by !== null && <p class="caption">{words.repairedBy(row.repaired_by, moment(row.repaired_at ?? '', tick.value))}</p>}
      {row.dropped_by !== null && <p class="caption">{words.droppedBy(row.dropped_by, moment(row.dropped_at ?? '', tick.value))}</p>}
      {row.sha256 !== null && (
        <p class="caption">
          {words.notKept} SHA-256 <code>{row.sha256.slice(0, 16)}…</code>
        </p>
      )}
      {editing.value ? (
        <Editor
          row={row}
          cancel={() => (editing.value = false)}
          save={(text, again) => {
            editing.value = false
            repair(text, again)
          }}
        />
      ) : (
        row.payload && <code class="payload">{row.payload}</code>
      )}
      {!editing.value && (
        <div class="held-acts">
          {mayRepair && row.replayable && (
            <button type="button" data-testid="replay" onClick={replay}>
              {words.replay}
            </button>
          )}
          {mayRepair && editable && (
            <button type="button" data-testid="repair" onClick={() => (editing.value = true)}>
              {words.repair}
            </button>
          )}
          {mayRepair && row.state === 'open' && (
            <button type="button" data-testid="discard" onClick={() => (sure.value ? discard() : (sure.value = true))}>
              {sure.value ? words.discardSure : words.discard}
            </button>
          )}
          {row.payload && (
            <a href={`/api/v1${base}/${row.id}/payload`} download>
              {words.download}
            </a>
          )}
        </div>
      )}
    </article>
  )
}

interface EditorProps {
  row: QuarantineRow
  cancel: () => void
  save: (text: string, again: boolean) => void
}

function Editor({ row, cancel, save }: EditorProps) {
  const words = w()
  const text = useSignal(row.payload)
  const fault = row.content_type.includes('json') ? jsonFault(text.value) : ''
  return (
    <div class="held-editor">
      <textarea
        rows={Math.min(16, 3 + text.value.split('\n').length)}
        spellcheck={false}
        aria-label={words.colPayload}
        data-testid="editor"
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
      />
      {fault && <p class="caption behind">{words.notJson(fault)}</p>}
      <div class="held-acts">
        <button type="button" class="primary" disabled={!!fault} data-testid="save-replay" onClick={() => save(text.value, true)}>
          {words.saveAndReplay}
        </button>
        <button type="button" disabled={!!fault} onClick={() => save(text.value, false)}>
          {words.save}
        </button>
        <button type="button" onClick={cancel}>
          {words.cancel}
        </button>
      </div>
    </div>
  )
}
