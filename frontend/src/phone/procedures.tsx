/** Units by their administrative procedures: furthest from their target first, each with a page of its own. */

import { useRef, useState } from 'preact/hooks'
import { bare } from '../i18n/bare'
import { figureText, number } from '../i18n/format'
import { w } from '../i18n/words'
import { get } from '../live/api'
import type { FigureItem, Ranking, Standing, UnitStanding } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { FigureAge, FigureName } from '../panels/figure'
import { failureText, useAsked } from '../standing/asked'
import { useDated } from '../standing/dated'
import { countCourses, furthestFirst, isHeadedWrong } from '../standing/standing'
import { countsOf, courseWord, gapSentence, previousSpan } from '../standing/tell'
import { unitLink } from './route'

/** What units can be ranked by; the first is what most targets are of. */
const RANKED = ['online-share', 'on-time-share'] as const
const OVERDUE = 'in-hand-overdue'
const FIRST = 5

interface Asked {
  standing: Standing
  overdue: Map<string, number>
}

async function load(indicator: string): Promise<Asked> {
  const [standing, ranking] = await Promise.all([
    get<Standing>(`/targets/standing?indicator=${indicator}`),
    get<Ranking>(`/rankings/${OVERDUE}`),
  ])
  const late = ranking.items.flatMap((one): [string, number][] => (one.unit && one.value !== null ? [[one.unit.id, one.value]] : []))
  return { standing, overdue: new Map(late) }
}

export function Units() {
  const words = w()
  const centre = useCentre()
  const [indicator, choose] = useState<string>(RANKED[0])
  const place = useRef<HTMLElement>(null)
  const { data, failure } = useAsked(indicator, () => load(indicator), { place })
  const province = centre.city.value?.province.id
  const items = data?.standing.items.filter((one) => one.figure.unit?.id !== province) ?? []
  return (
    <section aria-label={words.phoneUnits} data-testid="units" ref={place}>
      <h2>{words.phoneUnits}</h2>
      <Choice chosen={indicator} choose={choose} />
      {!data && (failure ? <p class="card failure">{failureText(failure)}</p> : <p class="card caption">{words.loading}</p>)}
      {data && <Ranked key={indicator} items={items} overdue={data.overdue} />}
    </section>
  )
}

function Choice({ chosen, choose }: { chosen: string; choose: (indicator: string) => void }) {
  const figures = useCentre().summary.read()
  const known = RANKED.flatMap((id) => figures.find((figure) => figure.id === id) ?? [])
  if (known.length < 2) return null
  return (
    <div class="choice" role="group" aria-label={w().unitsBy}>
      {known.map((figure) => (
        <button key={figure.id} type="button" aria-pressed={chosen === figure.id} data-testid={`by-${figure.id}`} onClick={() => choose(figure.id)}>
          <FigureName figure={figure} />
        </button>
      ))}
    </div>
  )
}

function Ranked({ items, overdue }: { items: UnitStanding[]; overdue: Map<string, number> }) {
  const [all, showAll] = useState(false)
  const [sought, seek] = useState('')
  const words = w()
  const ranked = furthestFirst(items)
  const wanted = bare(sought)
  const found = ranked.filter((one) => bare(one.figure.unit?.name ?? '').includes(wanted))
  const shown = all ? found : ranked.slice(0, FIRST)
  const without = items.length - ranked.length
  const first = ranked[0]
  if (!first) return <p class="card caption">{words.unitsNone}</p>
  return (
    <>
      <Courses items={items} />
      <UnitsNote figure={first.figure} />
      {all && (
        <input
          type="search"
          class="find"
          placeholder={words.unitsFind}
          aria-label={words.unitsFind}
          value={sought}
          data-testid="find-unit"
          onInput={(event) => seek(event.currentTarget.value)}
        />
      )}
      <ul>
        {shown.map((one) => (
          <UnitRow key={one.figure.id} standing={one} late={overdue.get(one.figure.unit?.id ?? '') ?? null} />
        ))}
      </ul>
      {all && shown.length === 0 && <p class="card caption">{words.unitsNoMatch}</p>}
      {all && without > 0 && <p class="caption units-note">{words.unitsWithout(number(without))}</p>}
      {ranked.length > FIRST && (
        <button type="button" class="more" data-testid="units-all" onClick={() => showAll(!all)}>
          {all ? words.unitsShowFew : words.unitsShowAll(number(ranked.length))}
        </button>
      )}
    </>
  )
}

/** "Trong 162 đơn vị được giao: 98 khó đạt · 24 có nguy cơ …". */
function Courses({ items }: { items: UnitStanding[] }) {
  const { of, counts } = countCourses(items)
  if (of === 0) return null
  const words = w()
  return (
    <p class="units-courses" data-testid="courses">
      {words.coursesOf(number(of))}{' '}
      {counts.map(({ course, count }, place) => (
        <span key={course}>
          {place > 0 && ' · '}
          <b class={isHeadedWrong(course) ? 'behind' : ''}>{number(count)}</b> {courseWord(course)}
        </span>
      ))}
    </p>
  )
}

function UnitsNote({ figure }: { figure: FigureItem }) {
  const words = w()
  const dated = useDated(figure)
  return (
    <p class="caption units-note">
      <span>
        {figure.target ? words.unitsWorst : words.unitsLowest}; {words.rankAgainst(previousSpan(figure))}
      </span>{' '}
      <FigureAge figure={dated} always />
    </p>
  )
}

function UnitRow({ standing, late }: { standing: UnitStanding; late: number | null }) {
  const { figure, pace } = standing
  const words = w()
  const unit = figure.unit
  if (!unit) return null
  const course = pace?.course
  const gap = gapSentence(figure)
  return (
    <li>
      <a class="card unit-row" href={unitLink(unit.id)} data-testid="unit-row" data-id={unit.id}>
        <span class="unit-head">
          <b>{unit.name}</b>
          <Place figure={figure} />
        </span>
        <span class="unit-figure">
          <span class={`unit-value${figure.standing === 'behind' ? ' behind' : ''}`} data-testid="unit-value">
            {figureText(figure)}
          </span>
          <span class="caption">{countsOf(figure)}</span>
          {gap && <span class={figure.standing === 'behind' ? 'behind' : ''}>{gap}</span>}
        </span>
        <span class="unit-foot">
          {course && <span class={isHeadedWrong(course) ? 'behind' : course === 'unknown' ? 'caption' : ''}>{courseWord(course)}</span>}
          {late !== null && <span class={late > 0 ? '' : 'caption'} data-testid="unit-late">{words.overdueDossiers(number(late))}</span>}
        </span>
      </a>
    </li>
  )
}

/** "hạng 158/162 ▼ xuống 3". */
export function Place({ figure }: { figure: FigureItem }) {
  const { rank, of, movement } = figure
  if (!rank || !of) return null
  const words = w()
  const moved = movement == null ? '' : movement > 0 ? words.rankRose(number(movement)) : movement < 0 ? words.rankFell(number(-movement)) : words.rankKept
  return (
    <span class="caption unit-place" data-testid="unit-place">
      {words.rankOf(number(rank), number(of))}
      {moved && ` · ${moved}`}
    </span>
  )
}
