/** The alerts: the list on the left, everything about one of them on the right. */

import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Boundary } from '../design/boundary'
import { useCentre } from '../panels/centre'
import { address } from './address'
import { AlertMap } from './alert_map'
import { Detail } from './detail'
import { readFilter } from './filter'
import { holdStill, useFound } from './found'
import { Help } from './help'
import { useKeys } from './keys'
import { List } from './list'
import { markMatter, marks, markTo, toggle, unmark } from './marks'
import { usePast } from './past'

/** The form of the chosen alert that is open, whether keys are explained, and the form of what is marked. */
const form = signal<'assign' | 'shelve' | null>(null)
const help = signal(false)
const bulk = signal<'acknowledge' | 'assign' | 'shelve' | null>(null)

export function Alerts() {
  const centre = useCentre()
  const search = useRef<HTMLInputElement>(null)
  const comment = useRef<HTMLInputElement>(null)
  const panel = useRef<HTMLElement>(null)
  const filter = readFilter(address.value)
  const inPast = address.value.get('view') === 'past'
  const open = useFound(centre, filter)
  const past = usePast(filter, inPast)
  const alerts = inPast ? past.alerts : open.alerts
  const chosen = centre.selection.value?.kind === 'alert' ? centre.selection.value.id : null
  useEffect(() => {
    form.value = null
  }, [chosen])
  const go = (step: number) => {
    const place = alerts.findIndex((alert) => alert.id === chosen)
    const next = alerts[Math.max(0, Math.min(alerts.length - 1, place + step))]
    holdStill()
    if (next) centre.select({ kind: 'alert', id: next.id })
  }
  const write = (name: 'assign' | 'shelve', permission: string) => {
    if (!centre.may(permission)) return
    if (marks.peek().size > 0) bulk.value = name
    else if (chosen) form.value = name
  }
  const acknowledge = () => {
    if (marks.peek().size === 0) document.querySelector<HTMLButtonElement>('.console-detail .acknowledge')?.click()
    else if (centre.may('alert.acknowledge')) bulk.value = 'acknowledge'
  }
  const matter = () => {
    const alert = chosen && centre.alerts.items.get(chosen)
    if (alert) markMatter(alert, [...centre.alerts.items.values()])
  }
  useKeys({
    j: () => go(1),
    k: () => go(-1),
    a: acknowledge,
    x: () => chosen && !inPast && toggle(chosen),
    X: () => chosen && !inPast && markTo(chosen, alerts),
    m: matter,
    Escape: unmark,
    Enter: () => panel.current?.focus(),
    '?': () => (help.value = true),
    s: () => write('assign', 'alert.assign'),
    h: () => write('shelve', 'alert.handle'),
    '/': () => search.current?.focus(),
    c: () => comment.current?.focus(),
  })
  return (
    <>
      <Boundary name="list">
        <List alerts={alerts} of={open.of} filter={filter} past={inPast ? past : null} chosen={chosen} search={search} bulk={bulk} help={help} />
      </Boundary>
      <Boundary name="detail">
        <section class="panel console-detail" ref={panel} tabIndex={-1} data-testid="console-detail">
          <Detail id={chosen} form={form} comment={comment} />
        </section>
      </Boundary>
      <Boundary name="map">
        <AlertMap id={chosen} />
      </Boundary>
      {help.value && <Help close={() => (help.value = false)} />}
    </>
  )
}
