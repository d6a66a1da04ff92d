/** What is in an incident: alerts, tickets and files. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Shape } from '../design/shape'
import { number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { say } from '../i18n/words'
import { get, post, upload } from '../live/api'
import type { IncidentDetail } from '../live/incidents'
import type { TicketItem } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { failureText } from './incident_failure'

const KINDS = 'image/jpeg,image/png,image/webp,application/pdf,video/mp4'

interface Props {
  item: IncidentDetail
  put: (item: IncidentDetail) => void
}

export function Parts({ item, put }: Props) {
  const centre = useCentre()
  const words = consoleWords().incidents
  const failure = useSignal('')
  if (item.alerts.length + item.tickets.length === 0) return null
  const may = item.state !== 'closed' && centre.may('incident.run')
  const release = async (parts: { alerts?: string[]; tickets?: string[] }) => {
    failure.value = ''
    try {
      put(await post<IncidentDetail>(`/incidents/${item.id}/leave`, parts))
    } catch (error) {
      failure.value = failureText(error)
    }
  }
  return (
    <section class="incident-section">
      <h3>{words.parts}</h3>
      <ul class="incident-parts">
        {item.alerts.map((id) => (
          <li key={id} data-testid="part-alert" data-id={id}>
            <AlertPart id={id} />
            {may && <Release name={words.release} act={() => void release({ alerts: [id] })} />}
          </li>
        ))}
        {item.tickets.map((id) => (
          <li key={id} data-testid="part-ticket" data-id={id}>
            <TicketPart id={id} />
            {may && <Release name={words.release} act={() => void release({ tickets: [id] })} />}
          </li>
        ))}
      </ul>
      <p class="failure" role="alert">
        {failure.value}
      </p>
    </section>
  )
}

function Release({ name, act }: { name: string; act: () => void }) {
  return (
    <button type="button" class="small" onClick={act}>
      {name}
    </button>
  )
}

function AlertPart({ id }: { id: string }) {
  const centre = useCentre()
  const alert = centre.alerts.find(id)
  if (!alert) return <span class="caption">{consoleWords().incidents.alertOver}</span>
  return (
    <span>
      <Shape severity={alert.severity} cleared={alert.state === 'cleared'} /> {say(alert.title)} · {alert.place.name}
    </span>
  )
}

function TicketPart({ id }: { id: string }) {
  const ticket = useSignal<TicketItem | null>(null)
  useEffect(() => {
    get<TicketItem>(`/tickets/${id}`)
      .then((found) => (ticket.value = found))
      .catch(() => (ticket.value = null))
  }, [id])
  const words = consoleWords().incidents
  return <span>{ticket.value ? `${words.ticket} ${ticket.value.code} · ${say(ticket.value.category.name)}` : words.ticket}</span>
}

export function Files({ item, put }: Props) {
  const centre = useCentre()
  const words = consoleWords().incidents
  const failure = useSignal('')
  const add = async (input: HTMLInputElement) => {
    const file = input.files?.[0]
    if (!file) return
    failure.value = ''
    try {
      put(await upload<IncidentDetail>(`/incidents/${item.id}/files?name=${encodeURIComponent(file.name)}`, file, file.type))
    } catch (error) {
      failure.value = failureText(error)
    } finally {
      input.value = ''
    }
  }
  return (
    <section class="incident-section">
      <h3>{words.files}</h3>
      {item.files.length === 0 && <p class="caption">{words.filesNone}</p>}
      <ul class="incident-parts">
        {item.files.map((file) => (
          <li key={file.id}>
            <a href={`/api/v1/incidents/${item.id}/files/${file.id}`} download={file.name} data-testid="file">
              {file.name}
            </a>
            <span class="caption">
              {number(Math.max(1, Math.round(file.size / 1024)))} kB · {file.added_by}
            </span>
          </li>
        ))}
      </ul>
      {item.state !== 'closed' && centre.may('incident.handle') && (
        <label class="file-add">
          <span>{words.fileAdd}</span>
          <input class="visually-hidden" type="file" accept={KINDS} data-testid="file-add" onChange={(event) => void add(event.currentTarget)} />
        </label>
      )}
      <p class="failure" role="alert">
        {failure.value}
      </p>
    </section>
  )
}
