/** The operator's console: its parts under one bar, two hands on the keyboard. */

import { render } from 'preact'
import { useEffect } from 'preact/hooks'
import '../design/design.css'
import './console.css'
import { Boundary } from '../design/boundary'
import { Connection, LanguageSwitch, LostBar, SimulatedMark } from '../design/frame'
import { clockTime, date, timeZone } from '../i18n/format'
import { markLanguage, w } from '../i18n/words'
import { Centre } from '../live/centre'
import { tick } from '../live/clock'
import { CentreContext } from '../panels/centre'
import { Calling } from './calling'
import { CAMERAS } from './cameras'
import { SoundButton } from './sound'
import { Tabs, useTab } from './tabs'

const centre = new Centre([CAMERAS]).follow('alerts', 'feeds')
const calling = new Calling(centre)

function Console() {
  const zone = centre.city.value?.time_zone
  const tab = useTab()
  useEffect(() => {
    if (zone) timeZone.value = zone
  }, [zone])
  useEffect(() => {
    document.title = `${tab.name()} · ${w().consoleTitle}`
  }, [tab, w()])
  return (
    <CentreContext.Provider value={centre}>
      <LostBar centre={centre} />
      <header class={`console-bar${calling.flashing.value ? ' flashing' : ''}`}>
        <h1>
          {w().consoleTitle} <span>{centre.city.value?.province.name ?? ''}</span>
        </h1>
        <Tabs shown={tab} />
        <SimulatedMark centre={centre} note={false} />
        <SoundButton calling={calling} />
        <span class="console-time">
          {clockTime(tick.value)} · {date(tick.value)}
        </span>
        <Connection centre={centre} />
        <LanguageSwitch />
      </header>
      <main class={`console-main console-${tab.id}`} key={tab.id}>
        <Boundary name={tab.id}>
          <tab.Screen />
        </Boundary>
      </main>
    </CentreContext.Provider>
  )
}

markLanguage()
render(<Console />, document.body)
