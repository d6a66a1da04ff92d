/** One unit: its figures beside the province's, its pace, who answers, and its longest overdue dossiers. */

import { useEffect, useRef } from 'preact/hooks'
import { w } from '../i18n/words'
import { get } from '../live/api'
import type { Centre } from '../live/centre'
import type { FigureItem, Standing, UnitRef, UnitStanding } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { failureText, useAsked } from '../standing/asked'
import { useDated } from '../standing/dated'
import { outlookOf } from '../standing/standing'
import { Answers, Call } from './answers'
import { FigureCard } from './card'
import { OverdueDossiers } from './dossiers'
import { Place } from './procedures'
import { leaveUnit } from './route'

/** Shares, which have targets and a pace, and counts, which have neither. */
const STEERED = ['online-share', 'on-time-share']
const OVERDUE = 'in-hand-overdue'
const COUNTED = [OVERDUE, 'dossiers-received', 'dossiers-resolved']

interface Row {
  standing: UnitStanding
  beside: FigureItem
}

async function load(unit: string): Promise<Row[]> {
  const of = `unit=${encodeURIComponent(unit)}`
  const standing = async (id: string): Promise<UnitStanding[]> =>
    (await get<Standing>(`/targets/standing?indicator=${id}&${of}`)).items
  const count = async (id: string): Promise<UnitStanding[]> => [
    { figure: await get<FigureItem>(`/indicators/${id}/values?${of}`), pace: null, forecast: null, reason: null },
  ]
  const row = async (id: string, ask: (id: string) => Promise<UnitStanding[]>): Promise<Row[]> => {
    const [beside, own] = await Promise.all([get<FigureItem>(`/indicators/${id}/values`), ask(id)])
    return own.map((standing) => ({ standing, beside }))
  }
  const rows = await Promise.all([...STEERED.map((id) => row(id, standing)), ...COUNTED.map((id) => row(id, count))])
  return rows.flat()
}

export function UnitPage({ unit }: { unit: string }) {
  const words = w()
  const head = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    window.scrollTo(0, 0)
    head.current?.focus({ preventScroll: true })
  }, [unit])
  return (
    <main data-testid="unit-page" data-id={unit}>
      <button type="button" class="back" ref={head} data-testid="back" onClick={leaveUnit}>
        ‹ {words.back}
      </button>
      <Unit key={unit} unit={unit} />
    </main>
  )
}

/** What there is of a unit; on its own page and, for who belongs to it, on the first one. */
export function Unit({ unit, title }: { unit: string; title?: (name: string) => string }) {
  const { data, failure } = useAsked(unit, () => load(unit))
  const words = w()
  if (!data) {
    if (!failure) return <p class="card caption">{words.loading}</p>
    if (failure.status === 404) return <p class="card caption">{words.unitUnknown}</p>
    return <p class="card failure">{failureText(failure)}</p>
  }
  const first = data[0]?.standing.figure
  const name = first?.unit?.name ?? unit
  const overdue = data.find(({ standing }) => standing.figure.indicator === OVERDUE)?.standing.figure
  return (
    <>
      <section aria-label={words.unitIndicators} data-testid="unit-figures">
        <div class="unit-title">
          <h2>{title ? title(name) : name}</h2>
          {first && <Place figure={first} />}
        </div>
        {first?.answering && (
          <div class="card unit-answers">
            <Answers answering={first.answering} />
            {!title && <Call answering={first.answering} />}
          </div>
        )}
        <ul>
          {data.map((row) => (
            <UnitCard key={row.standing.figure.id} {...row} />
          ))}
        </ul>
      </section>
      <OverdueDossiers unit={unit} all={overdue?.value ?? null} />
    </>
  )
}

function UnitCard({ standing, beside }: Row) {
  const figure = useDated(standing.figure)
  return <FigureCard figure={figure} outlook={outlookOf(standing)} beside={beside} answers={false} />
}

/** The units that somebody belongs to, none where that is the whole province. */
export function ownUnits(centre: Centre): UnitRef[] {
  const province = centre.city.value?.province.id
  const units = centre.me.value?.units ?? []
  return !province || units.some((unit) => unit.id === province) ? [] : units
}

export function OwnUnits() {
  return (
    <>
      {ownUnits(useCentre()).map((unit) => (
        <Unit key={unit.id} unit={unit.id} title={w().unitOwn} />
      ))}
    </>
  )
}
