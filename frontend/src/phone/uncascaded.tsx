/** Who had to pass a target on to the units below by a day and has not: one line, and the list behind it. */

import { useRef, useState } from 'preact/hooks'
import { date, number } from '../i18n/format'
import { say, w } from '../i18n/words'
import { get } from '../live/api'
import type { Answering, FigureItem, Uncascaded, UncascadedList } from '../live/protocol'
import { failureText, useAsked } from '../standing/asked'
import { Answers, Call } from './answers'

interface Asked {
  items: Uncascaded[]
  names: Map<string, FigureItem['name']>
}

async function load(): Promise<Asked> {
  const { items } = await get<UncascadedList>('/targets/uncascaded')
  const ids = [...new Set(items.map((one) => one.indicator))]
  const figures = await Promise.all(ids.map((id) => get<FigureItem>(`/indicators/${encodeURIComponent(id)}/values`)))
  return { items, names: new Map(figures.map((figure) => [figure.indicator, figure.name])) }
}

export function NotCascaded() {
  const [open, turn] = useState(false)
  const place = useRef<HTMLElement>(null)
  const { data, failure } = useAsked('uncascaded', load, { place })
  const words = w()
  const late = data?.items ?? []
  const units = new Set(late.map((one) => one.unit.id)).size
  return (
    <section class="card" data-testid="uncascaded" ref={place}>
      {!data && (failure ? <p class="failure">{failureText(failure)}</p> : <p class="caption">{words.loading}</p>)}
      {data && units === 0 && <p class="caption">{words.uncascadedNone}</p>}
      {units > 0 && (
        <button type="button" class="line-button" aria-expanded={open} data-testid="uncascaded-line" onClick={() => turn(!open)}>
          <span class="behind">{words.uncascadedLine(number(units))}</span> <span aria-hidden="true">{open ? '▴' : '▾'}</span>
        </button>
      )}
      {open && (
        <ul class="uncascaded-list">
          {late.map((one) => (
            <Late key={`${one.indicator} ${one.unit.id}`} late={one} name={say(data?.names.get(one.indicator))} />
          ))}
        </ul>
      )}
    </section>
  )
}

function Late({ late, name }: { late: Uncascaded; name: string }) {
  const words = w()
  const answering = answeringOf(late)
  return (
    <li data-testid="uncascaded-unit" data-id={late.unit.id}>
      <h3>{late.unit.name}</h3>
      <p>
        {name}: {words.uncascadedOne(number(late.missing.length), number(late.of), date(late.must_cascade_by))}
      </p>
      <p class="caption">{words.uncascadedNames(late.missing.map((unit) => unit.name).join(', '))}</p>
      <p class="caption">{late.document}</p>
      {answering && <Answers answering={answering} />}
      {answering && (
        <div class="actions">
          <Call answering={answering} />
        </div>
      )}
    </li>
  )
}

function answeringOf({ answers }: Uncascaded): Answering | null {
  if (!answers) return null
  const { unit, short_name, contact } = answers
  return { unit: { id: unit, name: short_name }, post: contact.post, name: contact.name, phone: contact.phone, sample: contact.sample }
}
