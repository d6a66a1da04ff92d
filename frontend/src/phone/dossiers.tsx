/** The dossiers of a unit that are overdue longest: procedure, days late, where each is held; nothing about a person. */

import { useState } from 'preact/hooks'
import { date, number } from '../i18n/format'
import { w } from '../i18n/words'
import { get } from '../live/api'
import type { DossierItem, Page } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { failureText, useAsked } from '../standing/asked'

const STEP = 10
/** More than anybody reads on a phone. */
const MOST = 100

export function OverdueDossiers({ unit, all }: { unit: string; all: number | null }) {
  const words = w()
  const may = useCentre().may('dossier.read')
  return (
    <section aria-label={words.overdueOldest} data-testid="overdue">
      <h2>{words.overdueOldest}</h2>
      {may ? <Dossiers unit={unit} all={all} /> : <p class="card caption">{words.overdueForbidden}</p>}
    </section>
  )
}

function Dossiers({ unit, all }: { unit: string; all: number | null }) {
  const [limit, widen] = useState(STEP)
  const words = w()
  const { data, failure } = useAsked(
    unit,
    () => get<Page<DossierItem>>(`/dossiers?state=overdue&unit=${encodeURIComponent(unit)}&limit=${limit}`),
    { again: limit },
  )
  if (!data) {
    if (!failure) return <p class="card caption">{words.loading}</p>
    if (failure.status === 403) return <p class="card caption">{words.overdueForbidden}</p>
    return <p class="card failure">{failureText(failure)}</p>
  }
  if (data.items.length === 0) return <p class="card caption">{words.overdueNone}</p>
  return (
    <>
      {all !== null && all >= data.items.length && (
        <p class="caption units-note">{words.overdueShown(number(data.items.length), number(all))}</p>
      )}
      <ul>
        {data.items.map((dossier) => (
          <Dossier key={dossier.code} dossier={dossier} />
        ))}
      </ul>
      {data.next !== null && limit < MOST && (
        <button type="button" class="more" data-testid="overdue-more" onClick={() => widen(limit + STEP)}>
          {words.overdueMore}
        </button>
      )}
    </>
  )
}

function Dossier({ dossier }: { dossier: DossierItem }) {
  const words = w()
  const { days_late: late, held } = dossier
  return (
    <li class="card dossier" data-testid="dossier" data-code={dossier.code}>
      <p class="dossier-late">
        <b class="behind">{late === null ? words.stateOverdue : late > 0 ? words.workingDaysLate(number(late)) : words.lateToday}</b>
        {dossier.due_at && <span class="caption">{words.dueOn(date(dossier.due_at))}</span>}
      </p>
      <p>{dossier.procedure.name ?? dossier.procedure.code}</p>
      <p class="caption">
        {[dossier.code, dossier.unit.name, held && words.heldBy(held.office)].filter(Boolean).join(' · ')}
      </p>
    </li>
  )
}
