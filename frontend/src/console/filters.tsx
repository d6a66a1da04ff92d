/** The filters over the list of alerts, and how many of how many they leave. */

import type { RefObject } from 'preact'
import { Shape } from '../design/shape'
import { number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { domainWord, severityWord, w } from '../i18n/words'
import { SEVERITIES } from '../live/order'
import type { AlertItem, Domain, Severity, UnitRef } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { put } from './address'
import { type Filter, isNarrow, NO_FILTER, STATES, type StateFilter, writeFilter } from './filter'

interface Props {
  filter: Filter
  past: boolean
  search: RefObject<HTMLInputElement | null>
}

export function Filters({ filter, past, search }: Props) {
  const words = consoleWords()
  const set = (change: Partial<Filter>) => put(writeFilter({ ...filter, ...change }))
  return (
    <div class="filters" role="search" data-testid="filters">
      <input
        ref={search}
        type="search"
        placeholder={w().consoleSearch}
        aria-label={w().consoleSearch}
        value={filter.text}
        data-testid="filter-text"
        onInput={(event) => set({ text: event.currentTarget.value })}
      />
      <SeverityFilter filter={filter} set={set} />
      <Choices filter={filter} past={past} set={set} />
      <div class="filters-row">
        {!past && <Tick name="mine" label={words.mine} on={filter.mine} set={(mine) => set({ mine })} />}
        <Tick name="loud" label={words.loud} on={filter.loud} set={(loud) => set({ loud })} />
        {isNarrow(filter) && (
          <button type="button" data-testid="filter-none" onClick={() => put(writeFilter(NO_FILTER))}>
            {words.noFilter}
          </button>
        )}
      </div>
    </div>
  )
}

type Set = (change: Partial<Filter>) => void

function SeverityFilter({ filter, set }: { filter: Filter; set: Set }) {
  const toggled = (one: Severity) =>
    SEVERITIES.filter((each) => (each === one) !== filter.severities.includes(each))
  return (
    <div class="filters-row" role="group" aria-label={consoleWords().severity}>
      {SEVERITIES.map((one) => (
        <button
          key={one}
          type="button"
          class="filter-severity"
          aria-pressed={filter.severities.includes(one)}
          data-testid={`filter-${one}`}
          onClick={() => set({ severities: toggled(one) })}
        >
          <Shape severity={one} /> {severityWord(one)}
        </button>
      ))}
    </div>
  )
}

function Choices({ filter, past, set }: { filter: Filter; past: boolean; set: Set }) {
  const words = consoleWords()
  const open = useCentre().alerts.read()
  const domains = [...new Set(open.map((alert) => alert.domain))].sort()
  return (
    <div class="filters-row">
      <Choice name="domain" none={words.everyDomain} chosen={filter.domain} set={(domain) => set({ domain })}
        options={withChosen(domains, filter.domain).map((one) => [one, domainWord(one as Domain)])} />
      <Choice name="unit" none={words.everyUnit} chosen={filter.unit} set={(unit) => set({ unit })}
        options={unitsOf(open, filter.unit)} />
      {!past && (
        <Choice name="state" none={words.everyState} chosen={filter.state} set={(state) => set({ state: state as StateFilter | '' })}
          options={STATES.map((one) => [one, words.states[one]])} />
      )}
    </div>
  )
}

interface ChoiceProps {
  name: string
  none: string
  chosen: string
  options: [string, string][]
  set: (value: string) => void
}

function Choice({ name, none, chosen, options, set }: ChoiceProps) {
  return (
    <select aria-label={none} value={chosen} data-testid={`filter-${name}`} onChange={(event) => set(event.currentTarget.value)}>
      <option value="">{none}</option>
      {options.map(([value, label]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  )
}

/** What a link has chosen can be chosen even while no alert is of it. */
function withChosen(values: string[], chosen: string): string[] {
  return !chosen || values.includes(chosen) ? values : [chosen, ...values]
}

function unitsOf(open: AlertItem[], chosen: string): [string, string][] {
  const units = new Map<string, UnitRef>()
  for (const { unit, assignee } of open) {
    for (const one of [unit, assignee]) if (one) units.set(one.id, one)
  }
  if (chosen && !units.has(chosen)) units.set(chosen, { id: chosen, name: chosen })
  return [...units.values()].sort((a, b) => a.name.localeCompare(b.name, 'vi')).map((unit) => [unit.id, unit.name])
}

function Tick({ name, label, on, set }: { name: string; label: string; on: boolean; set: (on: boolean) => void }) {
  return (
    <label class="filter-tick">
      <input type="checkbox" checked={on} data-testid={`filter-${name}`} onChange={(event) => set(event.currentTarget.checked)} />
      {label}
    </label>
  )
}

/** "12 trong 340", and nothing of filters where all are shown. */
export function Counted({ shown, of }: { shown: number; of: number }) {
  return (
    <span class="caption" data-testid="counted" role="status">
      {consoleWords().counted(number(shown), number(of))}
    </span>
  )
}
