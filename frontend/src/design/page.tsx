/** The frame of the light pages: portal and administration. */

import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { timeZone } from '../i18n/format'
import { w } from '../i18n/words'
import { post } from '../live/api'
import type { Centre } from '../live/centre'
import { Boundary } from './boundary'
import { Connection, LanguageSwitch, LostBar, SimulatedMark } from './frame'

interface Props {
  centre: Centre
  title: string
  sub: string
  children: ComponentChildren
}

export function PageFrame({ centre, title, sub, children }: Props) {
  const zone = centre.city.value?.time_zone
  useEffect(() => {
    if (zone) timeZone.value = zone
  }, [zone])
  return (
    <>
      <LostBar centre={centre} />
      <header class="page-bar">
        <h1>{title}</h1>
        <span class="page-sub">{sub}</span>
        <SimulatedMark centre={centre} />
        <Connection centre={centre} />
        <LanguageSwitch />
        <button type="button" onClick={() => void post('/logout').finally(() => location.assign('/login'))}>
          {w().signOut}
        </button>
      </header>
      <main class="page-main">
        <Boundary name="page">{children}</Boundary>
      </main>
    </>
  )
}
