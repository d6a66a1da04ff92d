/** The leader's summary on a phone: what changed, what is worst, how the province stands. */

import { render } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import '../design/design.css'
import './phone.css'
import './procedures.css'
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
import { Notifying } from './notifying'
import { followWorker, forgetHere } from './push'
import { Units } from './procedures'
import { openUnit } from './route'
import { NotCascaded } from './uncascaded'
import { OwnUnits, UnitPage } from './unit'

const centre = new Centre(false).follow('alerts', 'summary')

function Phone() {
  const zone = centre.city.value?.time_zone
  useEffect(() => {
    if (zone) timeZone.value = zone
  }, [zone])
  const role = centre.me.value?.role
  useEffect(() => {
    // An agency sees only its own feeds, and those only over REST.
    if (role === 'agency') centre.askForFeeds()
    else if (role) centre.follow('feeds')
  }, [role])
  const unit = openUnit.value
  return (
    <CentreContext.Provider value={centre}>
      <LostBar centre={centre} />
      <Header />
      <Home hidden={unit !== null} />
      {unit !== null && (
        <Boundary name="unit">
          <UnitPage unit={unit} />
        </Boundary>
      )}
      <footer>
        <LanguageSwitch />
        <button type="button" onClick={() => void leave().finally(() => location.assign('/login?next=/m'))}>
          {w().signOut}
        </button>
      </footer>
    </CentreContext.Provider>
  )
}

/** Sign out; whoever signs in here next did not ask to be pushed to. */
async function leave(): Promise<void> {
  await forgetHere().finally(() => post('/logout'))
}

/** The first page stays as it was while a unit is open, so that back leads to the same place in it. */
function Home({ hidden }: { hidden: boolean }) {
  const place = useRef(0)
  useEffect(() => {
    const note = () => {
      if (openUnit.peek() === null) place.current = window.scrollY
    }
    window.addEventListener('scroll', note, { passive: true })
    return () => window.removeEventListener('scroll', note)
  }, [])
  useLayoutEffect(() => {
    if (!hidden) window.scrollTo(0, place.current)
  }, [hidden])
  return (
    <main hidden={hidden}>
      <Boundary name="changes">
        <Changes />
      </Boundary>
      <Boundary name="own">
        <OwnUnits />
      </Boundary>
      <Boundary name="alerts">
        <Alerts />
      </Boundary>
      <Boundary name="figures">
        <Figures />
      </Boundary>
      <Boundary name="units">
        <Units />
      </Boundary>
      <Boundary name="uncascaded">
        <NotCascaded />
      </Boundary>
      <Boundary name="feeds">
        <Feeds />
      </Boundary>
      <Boundary name="push">
        <Notifying />
      </Boundary>
    </main>
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
followWorker()
render(<Phone />, document.body)
