/** By which way dossiers came: online, in person, by the public postal service. */

import { figureText } from '../i18n/format'
import { w } from '../i18n/words'
import { tick } from '../live/clock'
import { figureFreshness } from '../live/freshness'
import { countsOf } from '../standing/tell'
import type { Board } from './board'

const WAYS = [
  { way: 'online', indicator: 'online-share' },
  { way: 'direct', indicator: 'direct-share' },
  { way: 'post', indicator: 'post-share' },
] as const

export function Channels({ board }: { board: Board }) {
  const words = w()
  const found = WAYS.flatMap(({ way, indicator }) => {
    const figure = board.own.get(indicator)
    return figure && figure.value !== null ? [{ way, figure, value: figure.value }] : []
  })
  return (
    <section class="proc-channels" aria-label={words.procChannels} data-testid="channels">
      <h2 class="caption">{words.procChannels}</h2>
      {found.length === 0 ? (
        <p class="caption">{words.procNoneReceived}</p>
      ) : (
        <>
          <div class="proc-stack" aria-hidden="true">
            {found.map(({ way, value }) => (
              <i key={way} class={`way ${way}`} style={{ width: `${value}%` }} />
            ))}
          </div>
          <ul>
            {found.map(({ way, figure }) => (
              <li key={way} data-testid={`channel-${way}`}>
                <i class={`way ${way}`} aria-hidden="true" />
                <span>{words.procChannel[way]}</span>
                <b class={figureFreshness(figure, tick.value) === 'stale' ? 'is-stale' : ''}>{figureText(figure)}</b>
                <span class="caption">{countsOf(figure)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  )
}
