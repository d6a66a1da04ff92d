/** The incident of an alert: which one has it, or a button that makes it one. */

import { consoleWords } from '../i18n/console/words'
import type { AlertItem } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { go } from './address'
import { beginOpening } from './incident_open'

export function IncidentOfAlert({ alert }: { alert: AlertItem }) {
  const centre = useCentre()
  const { incident } = alert
  if (incident) {
    return (
      <button type="button" class="incident-of-alert" data-testid="incident-of-alert" onClick={() => go({ tab: 'incidents', incident: incident.id })}>
        {consoleWords().incidents.inIncident(incident.code)}
      </button>
    )
  }
  if (!centre.may('incident.run')) return null
  const begin = () => {
    beginOpening(alert)
    go({ tab: 'incidents' })
  }
  return (
    <button type="button" class="incident-of-alert" data-testid="make-incident" onClick={begin}>
      {consoleWords().incidents.openFromAlert}
    </button>
  )
}
