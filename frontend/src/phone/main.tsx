/** The leader's summary on a phone: what changed, what is worst, how the province stands. */

import { render } from 'preact'
import { useEffect } from 'preact/hooks'
import '../design/design.css'
import './phone.css'
import { Boundary } from '../design/boundary'
import { Connection, LanguageSwitch, LostBar, SimulatedMark } from '../design/frame'
import { clockTime, date, timeZone } from '../i18n/format'
import { markLanguage, w } from '../i18n/words'
import { post } from '../live/api'
import { Centre } from '../live/centre'
import { tick } from '../live/clock'
import { CentreContext } from '../panels/centre'
import { Alerts } from './alerts'
import { Changes } from './changes'
import { Feeds } from './feeds'
import { Figures } from './figures'

const centre = new Centre(false).follow('alerts', 'feeds', 'summary')

function Phone() {
  const zone = centre.city.value?.time_zone
  useEffect(() => {
    if (zone) timeZone.value = zone
  }, [zone])
  return (
    <CentreContext.Provider value={centre}>
      <LostBar centre={centre} />
      <Header />
      <main>
        <Boundary name="changes">
          <Changes />
        </Boundary>
        <Boundary name="alerts">
          <Alerts />
        </Boundary>
        <Boundary name="figures">
          <Figures />
        </Boundary>
        <Boundary name="feeds">
          <Feeds />
        </Boundary>
      </main>
      <footer>
        <LanguageSwitch />
        <button type="button" onClick={() => void post('/logout').finally(() => location.assign('/login?next=/m'))}>
          {w().signOut}
        </button>
      </footer>
    </CentreContext.Provider>
  )
}

function Header() {
  return (
    <header>
      <div class="phone-name">
        <h1>{centre.city.value?.province.name ?? ''}</h1>
        <Connection centre={centre} />
      </div>
      <p class="caption">
        {w().leaderTitle} · {clockTime(tick.value)}, {date(tick.value)}
      </p>
      <SimulatedMark centre={centre} note={false} />
    </header>
  )
}

markLanguage()
render(<Phone />, document.body)
