/** The agency's portal: its own figures, the reports that it owes, its tickets, and its feeds. */

import { render } from 'preact'
import { useEffect } from 'preact/hooks'
import '../design/design.css'
import '../design/page.css'
import './portal.css'
import { Boundary } from '../design/boundary'
import { PageFrame } from '../design/page'
import { portalWords } from '../i18n/portal/words'
import { markLanguage, w } from '../i18n/words'
import { Centre } from '../live/centre'
import type { FeedItem, UnitRef } from '../live/protocol'
import { CentreContext } from '../panels/centre'
import { Feeds } from './feeds'
import { Figures } from './figures'
import { Reports } from './reports'
import { follow, go, place, type Section, SECTIONS } from './route'
import { Tickets } from './tickets'

const centre = new Centre(false).follow('summary').askForFeeds()

/** What somebody may open: an account that sees no tickets has no page of them. */
const NEEDED: Partial<Record<Section, string>> = { tickets: 'ticket.read' }

function Agency() {
  const words = w()
  const me = centre.me.value
  const own = me?.role === 'agency' ? me.units.map((unit) => unit.id) : []
  const feeds = centre.feeds
    .read()
    .filter((item) => own.length === 0 || own.includes(item.agency.id))
    .sort((a, b) => a.name.localeCompare(b.name, 'vi'))
  const province = centre.city.value?.province
  // Who belongs to no unit looks at the whole province.
  const units = me?.units.length ? me.units : me && province ? [province] : []
  const section = sectionOf(feeds)
  useEffect(() => {
    if (section) document.title = `${section === 'feeds' ? words.agencyOwnFeeds : portalWords()[section]} · ${words.agencyTitle}`
  }, [section, words])
  return (
    <CentreContext.Provider value={centre}>
      <PageFrame centre={centre} title={words.agencyTitle} sub={units.map((unit) => unit.name).join(', ')}>
        <Sections shown={section} />
        {section && section !== 'feeds' && units.length > 1 && <UnitChoice units={units} section={section} />}
        {section === 'feeds' && <Feeds feeds={feeds} own={own} />}
        {section && section !== 'feeds' && <OfUnit section={section} units={units} />}
      </PageFrame>
    </CentreContext.Provider>
  )
}

/** The section of the address; without one the feeds, or the figures of who has no feed. */
function sectionOf(feeds: FeedItem[]): Section | null {
  const { section, feed } = place.value
  const named = SECTIONS.find((one) => one === section)
  if (named) return named
  if (feed || feeds.length > 0) return 'feeds'
  return centre.feeds.known.value ? 'figures' : null
}

function OfUnit({ section, units }: { section: Section; units: UnitRef[] }) {
  const unit = units.find((one) => one.id === place.value.unit) ?? units[0]
  if (!unit) return <p class="caption">{w().loading}</p>
  return (
    <Boundary name={section} key={`${section} ${unit.id}`}>
      {section === 'figures' && <Figures unit={unit} />}
      {section === 'reports' && <Reports unit={unit} />}
      {section === 'tickets' && <Tickets unit={unit} />}
    </Boundary>
  )
}

function Sections({ shown }: { shown: Section | null }) {
  const words = w()
  const { unit } = place.value
  return (
    <nav class="sections" aria-label={portalWords().sections}>
      {SECTIONS.filter((one) => !NEEDED[one] || centre.may(NEEDED[one])).map((one) => (
        <a key={one} aria-current={one === shown ? 'page' : undefined} data-testid={`section-${one}`} {...follow({ section: one, unit })}>
          {one === 'feeds' ? words.agencyOwnFeeds : portalWords()[one]}
        </a>
      ))}
    </nav>
  )
}

function UnitChoice({ units, section }: { units: UnitRef[]; section: Section }) {
  return (
    <label class="unit-choice">
      {portalWords().unit}
      <select value={place.value.unit ?? units[0]?.id} data-testid="unit-choice" onChange={(event) => go({ section, unit: event.currentTarget.value })}>
        {units.map((unit) => (
          <option key={unit.id} value={unit.id}>
            {unit.name}
          </option>
        ))}
      </select>
    </label>
  )
}

markLanguage()
render(<Agency />, document.body)
