/** The wall: one province in one look. */

import { render } from 'preact'
import { useEffect } from 'preact/hooks'
import '../design/design.css'
import './wall.css'
import { Boundary } from '../design/boundary'
import { Connection, LanguageSwitch, LostBar, SimulatedMark } from '../design/frame'
import { clockTime, date, number, timeZone, weekday } from '../i18n/format'
import { markLanguage, w } from '../i18n/words'
import { Centre } from '../live/centre'
import { tick } from '../live/clock'
import { CentreContext } from '../panels/centre'
import { QualityBar } from '../panels/quality'
import { scene, SCENES } from './scenes'

const centre = new Centre(true).follow('alerts', 'feeds', 'overview', 'procedures', 'data')

function TopBar() {
  const now = tick.value
  const city = centre.city.value
  return (
    <header class="top-bar">
      <div class="top-name">
        <h1>{city?.province.name ?? ''}</h1>
        <span>{w().centre}</span>
      </div>
      <SimulatedMark centre={centre} note={false} />
      {city?.backfill?.running && (
        <span class="backfill caption" data-testid="backfill">
          {w().backfill(`${number(city.backfill.done * 100)} %`)}
        </span>
      )}
      <Boundary name="quality">
        <QualityBar />
      </Boundary>
      <div class="top-time">
        <b>{clockTime(now)}</b>
        <span>
          {weekday(now)}, {date(now)}
        </span>
      </div>
      <div class="top-link">
        <Connection centre={centre} />
        <LanguageSwitch />
      </div>
    </header>
  )
}

function Wall() {
  const zone = centre.city.value?.time_zone
  useEffect(() => {
    if (zone) timeZone.value = zone
  }, [zone])
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return
      const next = SCENES[Number(event.key) - 1]
      if (next) scene.value = next.id
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
  const shown = SCENES.find((each) => each.id === scene.value) ?? SCENES[0]
  const Shown = shown?.component
  return (
    <CentreContext.Provider value={centre}>
      <LostBar centre={centre} />
      <TopBar />
      {Shown && <Shown />}
    </CentreContext.Provider>
  )
}

markLanguage()
render(<Wall />, document.body)
