/** One incident on the board: what, where, who has it, until when, and whether it is an exercise. */

import { useEffect, useRef } from 'preact/hooks'
import { SHAPE_PATHS } from '../design/shape'
import { duration } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { say } from '../i18n/words'
import { tick } from '../live/clock'
import type { IncidentItem } from '../live/incidents'
import { nextTask } from './incident_list'

export function IncidentCard({ item, chosen, choose }: { item: IncidentItem; chosen: boolean; choose: (id: string) => void }) {
  const words = consoleWords().incidents
  const row = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (chosen) row.current?.scrollIntoView({ block: 'nearest' })
  }, [chosen])
  const next = nextTask(item)
  return (
    <li
      ref={row}
      class={`incident-card${chosen ? ' chosen' : ''}`}
      data-testid="incident"
      data-id={item.id}
      data-state={item.state}
      data-overdue={String(next !== null && next.due < tick.value)}
    >
      <button type="button" aria-current={chosen} onClick={() => choose(item.id)}>
        <span class="incident-marks">
          <span class="caption">{item.code}</span>
          <Marks item={item} />
        </span>
        <b>{item.title}</b>
        <span class="caption">{[say(item.category.name), item.place.name].filter(Boolean).join(' · ')}</span>
        <span class="caption">{[item.lead.name, item.assignee].filter(Boolean).join(' · ')}</span>
        {next ? (
          <TimeLeft task={words.tasks[next.task]} due={next.due} />
        ) : (
          <span class="caption">{item.result && words.results[item.result]}</span>
        )}
      </button>
    </li>
  )
}

/** What is out of the ordinary: an exercise, a level that it has risen to, and that it was opened again. */
export function Marks({ item }: { item: IncidentItem }) {
  const words = consoleWords().incidents
  return (
    <>
      {item.exercise && (
        <span class="exercise-mark" data-testid="exercise">
          {words.exercise}
        </span>
      )}
      {item.level > 0 && (
        <span class="level-mark" data-testid="level">
          {'↑'.repeat(item.level)} {words.levels[item.level]}
        </span>
      )}
      {item.reopened > 0 && <span class="caption">{words.reopened}</span>}
    </>
  )
}

/** How much time is left; what is overdue has a shape of its own besides its colour. */
export function TimeLeft({ task, due }: { task: string; due: number }) {
  const words = consoleWords().incidents
  const left = (due - tick.value) / 1000
  if (left >= 0) return <span class="time-left">{words.timeLeft(task, duration(left))}</span>
  return (
    <span class="time-left overdue" data-testid="overdue">
      <svg class="shape" viewBox="0 0 24 24" aria-hidden="true">
        <path d={SHAPE_PATHS.high} />
      </svg>
      {words.timeOver(task, duration(-left))}
    </span>
  )
}
