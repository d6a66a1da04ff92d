/** How the payloads of a feed are read: its versions; a new one is tried on a sample, then saved. */

import { useSignal } from '@preact/signals'
import { clockTime, date, fieldInstant, number } from '../i18n/format'
import { portalWords } from '../i18n/portal/words'
import { w } from '../i18n/words'
import { type Problem, post, put } from '../live/api'
import type { FeedItem, KeptMapping, MappingList, TrialAnswer } from '../live/protocol'
import { useAnswer } from './answer'
import { jsonFault } from './json'
import { Trial } from './mapping_trial'
import { problemOf, Refusal } from './refusal'
import './agency.css'

const TEMPLATE = { items: 'rows', series: 'id', time: 'at', value: 'value' }

export function Mapping({ feed, mayRepair }: { feed: FeedItem; mayRepair: boolean }) {
  const base = `/feeds/${encodeURIComponent(feed.id)}/mapping`
  const { answer, renew } = useAnswer<MappingList>(() => base, feed.id)
  if (answer?.format !== 'mapped') return null
  return (
    <section class="panel" data-testid="mapping">
      <header class="panel-head">
        <h2>{portalWords().mapping.title}</h2>
        <span class="aside">{feed.name}</span>
      </header>
      {answer.items.length === 0 && <p class="pad behind">{portalWords().mapping.none}</p>}
      <ul class="pad mapping-versions">
        {answer.items.map((each) => (
          <Version key={each.version} kept={each} inForce={each.version === answer.in_force} />
        ))}
      </ul>
      {mayRepair && <Draft base={base} start={answer.items[0]?.document ?? TEMPLATE} saved={renew} />}
    </section>
  )
}

/** A version may be meant for another year. */
function wholeTime(time: string): string {
  return `${clockTime(time)} ${date(time)}`
}

function Version({ kept, inForce }: { kept: KeptMapping; inForce: boolean }) {
  const words = portalWords().mapping
  return (
    <li data-testid="mapping-version" data-version={kept.version}>
      <b>{words.version(number(kept.version))}</b>{' '}
      <span class="caption">{words.since(wholeTime(kept.effective_from), kept.created_by)}</span> {inForce && <b>· {words.inForce}</b>}
    </li>
  )
}

interface DraftProps {
  base: string
  start: Record<string, unknown>
  saved: () => Promise<void>
}

function Draft({ base, start, saved }: DraftProps) {
  const words = w()
  const document = useSignal(JSON.stringify(start, null, 2))
  const sample = useSignal('')
  const kind = useSignal('application/json')
  const since = useSignal('')
  const trial = useSignal<TrialAnswer | null>(null)
  const said = useSignal('')
  const problem = useSignal<Problem | null>(null)
  const busy = useSignal(false)
  const fault = jsonFault(document.value)

  async function act(work: () => Promise<void>) {
    busy.value = true
    problem.value = null
    said.value = ''
    try {
      await work()
    } catch (error) {
      problem.value = problemOf(error)
    } finally {
      busy.value = false
    }
  }

  async function attempt() {
    trial.value = null
    const given = { mapping: JSON.parse(document.value), sample: sample.value, content_type: kind.value }
    trial.value = await post<TrialAnswer>(`${base}/test`, given)
  }

  async function save() {
    const effective = since.value ? { effective_from: fieldInstant(since.value) } : {}
    const body = JSON.stringify({ mapping: JSON.parse(document.value), ...effective })
    const made = await put<{ version: number; effective_from: string }>(base, body, 'application/json')
    said.value = portalWords().mapping.saved(number(made.version), wholeTime(made.effective_from))
    await saved()
  }

  return (
    <div class="pad held-editor">
      <div class="mapping-fields">
        <label>
          {portalWords().mapping.document}
          <textarea
            rows={12}
            spellcheck={false}
            data-testid="mapping-document"
            value={document.value}
            onInput={(event) => (document.value = event.currentTarget.value)}
          />
        </label>
        <label>
          {portalWords().mapping.sample}
          <textarea
            rows={12}
            spellcheck={false}
            placeholder={portalWords().mapping.samplePaste}
            data-testid="mapping-sample"
            value={sample.value}
            onInput={(event) => (sample.value = event.currentTarget.value)}
          />
        </label>
      </div>
      {fault && <p class="caption behind">{words.notJson(fault)}</p>}
      <div class="held-acts">
        <label>
          {portalWords().mapping.kind}{' '}
          <select value={kind.value} data-testid="mapping-kind" onChange={(event) => (kind.value = event.currentTarget.value)}>
            {Object.entries(portalWords().mapping.kinds).map(([type, name]) => (
              <option key={type} value={type}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <button type="button" disabled={busy.value || !!fault || !sample.value.trim()} data-testid="mapping-try" onClick={() => void act(attempt)}>
          {portalWords().mapping.attempt}
        </button>
        <span class="caption">{portalWords().mapping.notStored}</span>
      </div>
      <Refusal problem={problem.value} />
      <Trial answer={trial.value} />
      <div class="held-acts">
        <label>
          {portalWords().mapping.from}{' '}
          <input type="datetime-local" value={since.value} data-testid="mapping-from" onInput={(event) => (since.value = event.currentTarget.value)} />
        </label>
        <button type="button" class="primary" disabled={busy.value || !!fault} data-testid="mapping-save" onClick={() => void act(save)}>
          {portalWords().mapping.save}
        </button>
        <span role="status" data-testid="mapping-said">
          {said.value}
        </span>
      </div>
    </div>
  )
}
