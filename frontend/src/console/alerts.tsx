/** The open alerts: the list on the left, everything about one of them on the right. */

import { signal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Boundary } from '../design/boundary'
import { w } from '../i18n/words'
import { useCentre } from '../panels/centre'
import { AlertDetail } from '../panels/detail'
import { useFound } from './found'
import { History } from './history'
import { Moves } from './moves'
import { Row } from './row'

/** The form of the chosen alert that is open. */
const form = signal<'assign' | 'shelve' | null>(null)

export function Alerts() {
  const centre = useCentre()
  const query = useSignal('')
  const search = useRef<HTMLInputElement>(null)
  const comment = useRef<HTMLInputElement>(null)
  const alerts = useFound(centre, query.value)
  const chosen = centre.selection.value?.kind === 'alert' ? centre.selection.value.id : null

  useEffect(() => {
    form.value = null
  }, [chosen])

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLInputElement
      if (event.key === 'Escape' && typing) (event.target as HTMLInputElement).blur()
      if (typing || event.ctrlKey || event.altKey || event.metaKey) return
      const place = alerts.findIndex((alert) => alert.id === chosen)
      const go = (to: number) => {
        const next = alerts[Math.max(0, Math.min(alerts.length - 1, to))]
        if (next) centre.select({ kind: 'alert', id: next.id })
      }
      if (event.key === 'j') go(place + 1)
      else if (event.key === 'k') go(place - 1)
      else if (event.key === 'a') document.querySelector<HTMLButtonElement>('.console-detail .acknowledge')?.click()
      else if (event.key === 's' && chosen && centre.may('alert.assign')) form.value = 'assign'
      else if (event.key === 'h' && chosen && centre.may('alert.handle')) form.value = 'shelve'
      else if (event.key === '/') search.current?.focus()
      else if (event.key === 'c') comment.current?.focus()
      else return
      event.preventDefault()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [alerts.map((alert) => alert.id).join(), chosen])

  return (
    <>
      <Boundary name="list">
        <section class="panel console-list" aria-label={w().alerts}>
          <input
            ref={search}
            type="search"
            placeholder={w().consoleSearch}
            aria-label={w().consoleSearch}
            value={query.value}
            onInput={(event) => (query.value = event.currentTarget.value)}
          />
          {alerts.length === 0 && (
            <p class="caption empty">
              {!centre.alerts.known.value ? w().loading : query.value ? w().consoleNoMatch : w().alertsNone}
            </p>
          )}
          <ul>
            {alerts.map((alert) => (
              <Row key={alert.id} alert={alert} chosen={alert.id === chosen} />
            ))}
          </ul>
          <p class="caption keys">{w().consoleKeys}</p>
        </section>
      </Boundary>
      <Boundary name="detail">
        <section class="panel console-detail">
          <Detail id={chosen} comment={comment} />
        </section>
      </Boundary>
    </>
  )
}

function Detail({ id, comment }: { id: string | null; comment: { current: HTMLInputElement | null } }) {
  const centre = useCentre()
  const alert = id === null ? undefined : centre.alerts.find(id)
  if (id === null) return <p class="caption empty">{w().consolePick}</p>
  if (!alert) return <p class="caption empty">{centre.alerts.known.value ? w().alertGone : w().loading}</p>
  return (
    <div class="console-columns" key={id}>
      <div>
        <AlertDetail alert={alert} />
      </div>
      <div>
        <Moves alert={alert} open={form.value} setOpen={(open) => (form.value = open)} />
        <History alert={alert} comment={comment} />
      </div>
    </div>
  )
}
