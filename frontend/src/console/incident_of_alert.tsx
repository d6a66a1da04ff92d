/** The incident of an alert: which one has it, or a button that makes it one. */

import { w } from '../i18n/words'
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
        {w().incidents.inIncident(incident.code)}
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
      {w().incidents.openFromAlert}
    </button>
  )
}
