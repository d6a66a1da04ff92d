/** The parts of the console; each stands here by one line once its screen does. */

import type { ComponentType } from 'preact'
import { consoleWords } from '../i18n/console/words'
import { useCentre } from '../panels/centre'
import { address, go } from './address'
import { Alerts } from './alerts'
import { Announced } from './announced'
import { Health } from './health'
import { Incidents } from './incidents'
import { Shift } from './shift'

interface Tab {
  id: string
  name: () => string
  /** The permission without which there is no such part. */
  needs: string
  Screen: ComponentType
}

const TABS: readonly Tab[] = [
  { id: 'alerts', name: () => consoleWords().tabs.alerts, needs: 'alert.read', Screen: Alerts },
  { id: 'incidents', name: () => consoleWords().incidents.tab, needs: 'incident.read', Screen: Incidents },
  { id: 'shift', name: () => consoleWords().shift.tab, needs: 'shift.read', Screen: Shift },
  { id: 'announced', name: () => consoleWords().warned.tab, needs: 'alert.read', Screen: Announced },
  { id: 'health', name: () => consoleWords().alertHealth.tab, needs: 'alert.read', Screen: Health },
]

/** The part that the address names; without a name the first. */
export function useTab(): Tab {
  const named = TABS.find((tab) => tab.id === address.value.get('tab'))
  return named ?? (TABS[0] as Tab)
}

export function Tabs({ shown }: { shown: Tab }) {
  const centre = useCentre()
  const open = TABS.filter((tab) => centre.may(tab.needs))
  if (open.length < 2) return null
  return (
    <nav class="console-tabs" aria-label={consoleWords().parts}>
      {open.map((tab) => (
        <button
          key={tab.id}
          type="button"
          aria-current={tab === shown ? 'page' : undefined}
          data-testid={`tab-${tab.id}`}
          onClick={() => go({ tab: tab === TABS[0] ? null : tab.id })}
        >
          {tab.name()}
        </button>
      ))}
    </nav>
  )
}
