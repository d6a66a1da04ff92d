/** The agency's own scores: today in four words, thirty days behind, and what to do about the worst. */

import './scores.css'
import { Ago } from '../design/age'
import { number } from '../i18n/format'
import { say, w } from '../i18n/words'
import type { AgencyQuality, FeedName, QualityPage, QualityWord, Scores as FourWords } from '../live/protocol'
import { useAnswer } from './answer'
import { calendar, counts, percent, percentOf } from './share'

const DAYS = 30
const RENEW_EVERY = 60_000
/** From here on there is nothing to be done. */
const GOOD = 95
const WORDS: readonly QualityWord[] = ['right', 'complete', 'clean', 'live']

export function Scores({ agencies }: { agencies: string[] }) {
  const { answer: page } = useAnswer<QualityPage>(() => `/quality?days=${DAYS}`, 'scores', RENEW_EVERY)
  if (!page) return null
  const { items, definitions } = page
  const shown = [...new Set(items.map((item) => item.agency.id))].filter((id) => agencies.length === 0 || agencies.includes(id))
  return (
    <>
      {shown.map((id) => (
        <Agency key={id} days={items.filter((item) => item.agency.id === id)} definitions={definitions} />
      ))}
    </>
  )
}

function Agency({ days, definitions }: { days: AgencyQuality[]; definitions: QualityPage['definitions'] }) {
  const words = w()
  const newest = days[0]
  if (!newest) return null
  const worst = lowest(newest.scores)
  const cure = definitions.find((definition) => definition.word === worst)
  return (
    <section class="panel" data-testid={`quality-${newest.agency.id}`}>
      <header class="panel-head">
        <h2>{words.quality}</h2>
        <span class="aside">
          {newest.agency.name} · {calendar(newest.day)} · <Ago time={newest.computed_at} />
        </span>
      </header>
      <div class="four-words">
        {definitions.map(({ word, name, meaning, version }) => (
          <div key={word} class={worst === word ? 'worst' : ''} data-testid={`word-${word}`}>
            <h3>{say(name)}</h3>
            <p class="big">{percent(newest.scores[word])}</p>
            <p class="counts">{counts(newest.scores[word])}</p>
            <Past days={days} word={word} name={say(name)} />
            <p class="caption">
              {say(meaning)} ({words.definitionVersion(number(version))}).
            </p>
          </div>
        ))}
      </div>
      {cure && (
        <p class="pad" data-testid="cure">
          <b>{words.lowest(say(cure.name))}</b> {say(cure.cure)}.
        </p>
      )}
      {newest.undeclared.length > 0 && <Undeclared feeds={newest.undeclared} />}
      <details class="pad">
        <summary>{words.lastDays(number(days.length))}</summary>
        <div class="scroll tall">
          <table>
            <thead>
              <tr>
                <th>{words.colDay}</th>
                {definitions.map(({ word, name }) => (
                  <th key={word} class="n">
                    {say(name)}
                  </th>
                ))}
                <th class="n" title={words.overallNote}>
                  {words.overall}
                </th>
              </tr>
            </thead>
            <tbody>
              {days.map((day) => (
                <tr key={day.day}>
                  <td>{calendar(day.day)}</td>
                  {WORDS.map((word) => (
                    <td key={word} class="n">
                      {percent(day.scores[word])}
                      <div class="caption">{counts(day.scores[word])}</div>
                    </td>
                  ))}
                  <td class="n">{percentOf(day.scores.overall)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <p class="caption">{words.overallNote}</p>
      </details>
    </section>
  )
}

/** The feeds of which nobody can say whether they are complete, and how to mend that. */
function Undeclared({ feeds }: { feeds: FeedName[] }) {
  const words = w()
  const first = feeds[0]?.feed ?? ''
  return (
    <p class="pad" data-testid="undeclared">
      <b>{words.undeclared(feeds.map((feed) => feed.name).join(', '))}</b> {words.declareInterval}{' '}
      <code>PUT /api/v1/feeds/{first}/series</code>
      {words.haveIntervalSet} <code>ioc feed set {first} --interval PT5M</code>
    </p>
  )
}

/** The days behind as a line without axes: which way it goes. A day without a share is a gap. */
function Past({ days, word, name }: { days: AgencyQuality[]; word: QualityWord; name: string }) {
  const values = [...days].reverse().map((day) => day.scores[word].value)
  if (values.filter((value) => value !== null).length < 2) return null
  const step = 100 / (values.length - 1)
  let drawing = ''
  values.forEach((value, place) => {
    if (value === null) return
    const joined = place > 0 && values[place - 1] !== null
    drawing += `${joined ? 'L' : 'M'}${(place * step).toFixed(1)} ${(22 - value / 5).toFixed(1)}`
  })
  return (
    <svg class="past" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label={`${name}, ${w().lastDays(number(days.length))}`}>
      <path d={drawing} vector-effect="non-scaling-stroke" />
    </svg>
  )
}

function lowest(scores: FourWords): QualityWord | null {
  const known = WORDS.filter((word) => scores[word].value !== null)
  const worst = known.sort((a, b) => (scores[a].value ?? 0) - (scores[b].value ?? 0))[0]
  return worst !== undefined && (scores[worst].value ?? 0) < GOOD ? worst : null
}
