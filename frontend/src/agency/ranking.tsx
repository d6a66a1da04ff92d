/** Where each agency stands by the quality of its data today, the own row marked. */

import { number } from '../i18n/format'
import { say, w } from '../i18n/words'
import type { RankedAgency, RankingPage } from '../live/protocol'
import { useAnswer } from './answer'
import { calendar, counts, percent, percentOf } from './share'

const RENEW_EVERY = 60_000

export function Ranking({ own }: { own: string[] }) {
  const { answer: page } = useAnswer<RankingPage>(() => '/quality/ranking', 'ranking', RENEW_EVERY)
  if (!page) return null
  const words = w()
  const { day, items, definitions } = page
  const ranked = items.filter((item) => item.rank !== null)
  const mine = ranked.filter((item) => own.includes(item.agency.id))
  return (
    <section class="panel" data-testid="ranking">
      <header class="panel-head">
        <h2>{words.ranking}</h2>
        <span class="aside">{calendar(day)}</span>
      </header>
      {mine.map((item) => (
        <p key={item.agency.id} class="receipt" data-testid="own-rank">
          {words.ownRank(item.agency.name, number(item.rank ?? 0), number(ranked.length))}
        </p>
      ))}
      <div class="scroll tall">
        <table class="ranking">
          <thead>
            <tr>
              <th class="n">{words.colRank}</th>
              <th>{words.colAgency}</th>
              {definitions.map(({ word, name }) => (
                <th key={word} class="n">
                  {say(name)}
                </th>
              ))}
              <th class="n">{words.overall}</th>
            </tr>
          </thead>
          <tbody>
            {items.map((item) => (
              <Line key={item.agency.id} item={item} own={own.includes(item.agency.id)} order={definitions} />
            ))}
          </tbody>
        </table>
      </div>
      <p class="caption pad ranking-note">{words.rankingNote}</p>
    </section>
  )
}

function Line({ item, own, order }: { item: RankedAgency; own: boolean; order: RankingPage['definitions'] }) {
  const words = w()
  return (
    <tr class={own ? 'chosen' : ''} aria-current={own ? 'true' : undefined} data-testid={`rank-${item.agency.id}`}>
      <td class="n rank">{item.rank === null ? '–' : number(item.rank)}</td>
      <td>
        {item.agency.name} {own && <b class="own">{words.ownAgency}</b>}
        {item.reason && <div class="caption">{say(item.reason)}</div>}
        {item.undeclared.length > 0 && <div class="caption">{item.undeclared.map((feed) => feed.name).join(', ')}</div>}
      </td>
      {order.map(({ word }) => (
        <td key={word} class="n">
          {percent(item.scores[word])}
          <div class="caption">{counts(item.scores[word])}</div>
        </td>
      ))}
      <td class="n">{percentOf(item.scores.overall)}</td>
    </tr>
  )
}
