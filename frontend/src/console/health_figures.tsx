/** The figures of alert health: the main ones as tiles, the others as rows, severities as bars. */

import { Measure } from '../charts/measure'
import { number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { severityWord } from '../i18n/words'
import { Shape } from '../design/shape'
import type { Severity } from '../live/protocol'
import { partsText, sourceName, valueText, wantedText, type AlertHealth, type Figure } from './health_answer'

const TILES = ['rate', 'peak', 'flood_time', 'stale_most', 'chattering', 'top_alerts', 'acknowledge_median', 'false'] as const

const ROWS = [
  'standing', 'stale', 'floods', 'flood_longest', 'flood_biggest', 'busy_hours', 'flapping', 'top_rules',
  'acknowledge_p90', 'acknowledged', 'waiting', 'never_acknowledged', 'silenced', 'planned', 'inhibited', 'shelved',
] as const

const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low']

export function Tiles({ found }: { found: AlertHealth }) {
  return (
    <div class="health-tiles">
      {TILES.map((name) => (
        <Tile key={name} name={name} figure={found.health.figures[name]} />
      ))}
    </div>
  )
}

function Tile({ name, figure }: { name: string; figure: Figure | undefined }) {
  const words = consoleWords().alertHealth
  if (!figure) return null
  return (
    <section class="panel health-tile" data-testid={`health-${name}`} data-met={String(figure.met)}>
      <h3 class="figure-name">{words.figures[name]}</h3>
      <p class={`figure-value${figure.met === false ? ' behind' : ''}`}>{valueText(figure)}</p>
      <p class="caption">{partsText(name, figure) || words.counted}</p>
      <Wanted figure={figure} />
    </section>
  )
}

function Wanted({ figure }: { figure: Figure }) {
  const words = consoleWords().alertHealth
  if (!figure.benchmark) return <p class="caption">{words.noBenchmark}</p>
  const { source, noted } = figure.benchmark
  return (
    <p class="caption" title={words.source(source, noted)}>
      <Met figure={figure} /> {wantedText(figure.benchmark, figure.uom)} · {sourceName(figure.benchmark)}
    </p>
  )
}

function Met({ figure }: { figure: Figure }) {
  const words = consoleWords().alertHealth
  if (figure.met === null) return null
  return figure.met ? <span>✓ {words.met}</span> : <b class="behind">▲ {words.missed}</b>
}

export function Others({ found }: { found: AlertHealth }) {
  const words = consoleWords().alertHealth
  return (
    <section class="panel health-others">
      <header class="panel-head">
        <h2>{words.others}</h2>
      </header>
      <table>
        <tbody>
          {ROWS.map((name) => {
            const figure = found.health.figures[name]
            if (!figure) return null
            return (
              <tr key={name} data-testid={`health-${name}`}>
                <th scope="row">{words.figures[name]}</th>
                <td class={figure.met === false ? 'behind' : undefined}>{valueText(figure)}</td>
                <td class="caption">{partsText(name, figure)}</td>
                <td class="caption" title={figure.benchmark ? words.source(figure.benchmark.source, figure.benchmark.noted) : undefined}>
                  {figure.benchmark && wantedText(figure.benchmark, figure.uom)}
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}

export function Severities({ found }: { found: AlertHealth }) {
  const words = consoleWords().alertHealth
  return (
    <section class="panel health-severities">
      <header class="panel-head">
        <h2>{words.severities}</h2>
        <span class="aside">{words.severitiesWanted}</span>
      </header>
      <ul>
        {SEVERITIES.map((severity) => {
          const figure = found.health.figures[severity]
          if (!figure) return null
          const wanted = figure.benchmark?.at_least ?? figure.benchmark?.at_most ?? 0
          return (
            <li key={severity} data-testid={`health-${severity}`}>
              <span>
                <Shape severity={severity} /> {severityWord(severity)}
              </span>
              <Measure filled={(figure.value ?? 0) / 100} tick={wanted / 100} behind={figure.met === false} />
              <span>{valueText(figure)}</span>
              <span class="caption">{partsText(severity, figure)}</span>
            </li>
          )
        })}
      </ul>
      <Reasons found={found} />
    </section>
  )
}

/** Why alerts were quiet, the most frequent reasons; the panel holds so many. */
const MOST_REASONS = 3

function Reasons({ found }: { found: AlertHealth }) {
  const words = consoleWords().alertHealth
  return (
    <>
      <h3 class="health-sub">{words.reasons}</h3>
      {found.reasons.length === 0 && <p class="caption health-empty">{words.noReasons}</p>}
      <ul class="health-reasons">
        {found.reasons.slice(0, MOST_REASONS).map((reason) => (
          <li key={`${reason.cause} ${reason.why}`}>
            <b>{number(reason.alerts)}</b>
            <span>
              {words.causes[reason.cause]} · {reason.why}
            </span>
          </li>
        ))}
      </ul>
    </>
  )
}
