/** How good each agency's data is today: right, complete, clean, live; the worst first. */

import { Age } from '../design/age'
import { number } from '../i18n/format'
import { say, w } from '../i18n/words'
import type { FigureItem } from '../live/protocol'
import { useCentre } from './centre'
import { FigureCounts, FigureValue } from './figure'

export const WORDS = ['data-right', 'data-complete', 'data-clean', 'data-live'] as const
/** A share below this stands out; above it nobody has to act. */
const GOOD = 95

export function ScoresPanel() {
  const centre = useCentre()
  const words = w()
  const items = centre.data.read()
  const agencies = byAgency(items)
  const own = items.filter((item) => !item.id.includes('@'))
  const named = WORDS.map((word) => ({ word, figure: items.find((item) => item.indicator === word) }))
  const newest = items.find((item) => item.time !== null)
  return (
    <section class="panel scores" aria-label={words.quality} data-testid="panel-scores">
      <header class="panel-head">
        <h2>{words.qualityToday}</h2>
        {newest && (
          <span class="aside">
            <Age time={newest.time} state={newest.state} late_after={newest.late_after} stale_after={newest.stale_after} always />
          </span>
        )}
      </header>
      {agencies.length === 0 ? (
        <p class="caption pad">{centre.data.known.value ? words.notYet : words.loading}</p>
      ) : (
        <div class="by-agency">
          <table>
            <thead>
              <tr>
                <th>{words.colAgency}</th>
                {named.map(({ word, figure }) => (
                  <th key={word} class="n">
                    {say(figure?.name)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {agencies.map(({ id, name, figures }) => (
                <tr key={id} data-testid={`scores-${id}`}>
                  <td>{name}</td>
                  {WORDS.map((word) => (
                    <Cell key={word} figure={figures.get(word)} />
                  ))}
                </tr>
              ))}
            </tbody>
            {own.length > 0 && (
              <tfoot>
                <tr class="all">
                  <td>{words.qualityAll}</td>
                  {WORDS.map((word) => (
                    <Cell key={word} figure={own.find((item) => item.indicator === word)} />
                  ))}
                </tr>
              </tfoot>
            )}
          </table>
        </div>
      )}
      <dl class="meanings" data-testid="meanings">
        {named.map(({ word, figure }) =>
          figure?.note ? (
            <div key={word}>
              <dt>{say(figure.name)}</dt>
              <dd>{say(figure.note)}</dd>
            </div>
          ) : null,
        )}
      </dl>
      <p class="caption pad">{words.qualityNote(number(GOOD))}</p>
    </section>
  )
}

function Cell({ figure }: { figure: FigureItem | undefined }) {
  if (!figure || figure.value === null) return <td class="n none">–</td>
  return (
    <td class={`n${figure.value < (figure.target?.value ?? GOOD) ? ' poor' : ''}`}>
      <FigureValue figure={figure} />
      <span class="caption">
        <FigureCounts figure={figure} />
      </span>
    </td>
  )
}

interface Agency {
  id: string
  name: string
  figures: Map<string, FigureItem>
}

/** The agencies by the mean of what is known of them, the lowest first; those without data last. */
function byAgency(items: FigureItem[]): Agency[] {
  const found = new Map<string, Agency>()
  for (const item of items) {
    if (item.unit === null || !item.id.includes('@')) continue
    const agency = found.get(item.unit.id) ?? { id: item.unit.id, name: item.unit.name, figures: new Map() }
    agency.figures.set(item.indicator, item)
    found.set(item.unit.id, agency)
  }
  return [...found.values()].sort((a, b) => mean(a) - mean(b) || a.name.localeCompare(b.name, 'vi'))
}

function mean({ figures }: Agency): number {
  const known = [...figures.values()].flatMap((figure) => figure.value ?? [])
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : Infinity
}
