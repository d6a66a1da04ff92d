/** The dossiers of a unit that are overdue, longest first, with the office that holds each; nothing about a person. */

import { useSignal } from '@preact/signals'
import { date, number } from '../i18n/format'
import { portalWords } from '../i18n/portal/words'
import { w } from '../i18n/words'
import { get, type Problem } from '../live/api'
import { serverNow, tick } from '../live/clock'
import type { DossierItem, Page, UnitRef } from '../live/protocol'
import { useAsked } from '../standing/asked'
import { when } from './deadline'
import { csv } from './csv'
import { TakeAway } from './download'
import { Refusal, Waiting } from './refusal'
import { dayOf } from './working'

const STEP = 20
/** Rows that a page of this list shows at most, and dossiers that one file holds. */
const MOST = 500
const MOST_IN_FILE = 20_000
const PAGE = 1_000

export function Overdue({ unit, all }: { unit: UnitRef; all: number | null }) {
  const words = w()
  const limit = useSignal(STEP)
  const refused = useSignal<Problem | null>(null)
  const path = `/dossiers?state=overdue&unit=${encodeURIComponent(unit.id)}`
  const { data, failure } = useAsked(unit.id, () => get<Page<DossierItem>>(`${path}&limit=${limit.value}`), { again: limit.value })
  const items = data?.items ?? []
  return (
    <section class="panel" data-testid="overdue">
      <header class="panel-head">
        <h2>{words.overdueOldest}</h2>
        {items.length > 0 && all !== null && all >= items.length && (
          <span class="aside">{words.overdueShown(number(items.length), number(all))}</span>
        )}
        {items.length > 0 && <TakeAway label={portalWords().csvTake} testid="overdue-csv" tell={(problem) => (refused.value = problem)} take={() => list(path, unit)} />}
      </header>
      <Refusal problem={refused.value} />
      <Waiting on={data} failure={failure} />
      {data && items.length === 0 && <p class="caption pad">{words.overdueNone}</p>}
      {items.length > 0 && <Table items={items} />}
      {data?.next && limit.value < MOST && (
        <p class="pad">
          <button type="button" data-testid="overdue-more" onClick={() => (limit.value = Math.min(MOST, limit.value * 2))}>
            {words.overdueMore}
          </button>
        </p>
      )}
    </section>
  )
}

function Table({ items }: { items: DossierItem[] }) {
  const words = w()
  return (
    <div class="scroll tall" tabIndex={0} role="region" aria-label={words.overdueOldest}>
      <table class="overdue-list">
        <thead>
          <tr>
            {portalWords().overdueCols.map((name) => (
              <th key={name}>{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((one) => (
            <tr key={one.code} data-testid="dossier" data-code={one.code}>
              <td class="behind">{lateText(one)}</td>
              <td>{one.due_at && date(one.due_at)}</td>
              <td>
                {one.held ? (
                  <>
                    {one.held.office}
                    {one.held.since && <div class="caption">{portalWords().heldSince(when(one.held.since, tick.value))}</div>}
                  </>
                ) : (
                  <span class="caption">{portalWords().officeUnknown}</span>
                )}
              </td>
              <td>
                {one.procedure.name ?? one.procedure.code}
                <div class="caption">{one.code}</div>
              </td>
              <td>{one.unit.name}</td>
              <td>{date(one.received_at)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function lateText({ days_late: late }: DossierItem): string {
  const words = w()
  if (late === null) return words.stateOverdue
  return late > 0 ? words.workingDaysLate(number(late)) : words.lateToday
}

/** All of them as a file, page by page, up to what one file holds. */
async function list(path: string, unit: UnitRef): Promise<{ name: string; content: Blob }> {
  const found: DossierItem[] = []
  let cursor: string | null = ''
  while (cursor !== null && found.length < MOST_IN_FILE) {
    const page: Page<DossierItem> = await get<Page<DossierItem>>(`${path}&limit=${PAGE}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)
    found.push(...page.items)
    cursor = page.next
  }
  const rows = found.map((one) => [
    one.days_late,
    one.due_at && date(one.due_at),
    one.held?.office ?? null,
    one.held?.since ? date(one.held.since) : null,
    one.procedure.code,
    one.procedure.name,
    one.code,
    one.unit.name,
    date(one.received_at),
  ])
  const text = csv([portalWords().overdueFile, ...rows])
  return { name: `ho-so-qua-han-${unit.id}-${dayOf(serverNow())}.csv`, content: new Blob([text], { type: 'text/csv;charset=utf-8' }) }
}
