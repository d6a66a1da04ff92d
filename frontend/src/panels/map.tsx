/** The map panel: the province, what is measured in it and what is wrong. */

import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { w } from '../i18n/words'
import { Legend } from '../map/legend'
import type { CentreMap } from '../map/view'
import { isCalling } from './alerts'
import { useCentre } from './centre'
import { DetailCard } from './detail'

const MAP_FONT = '16px "Be Vietnam Pro"'

export function MapPanel() {
  const centre = useCentre()
  const host = useRef<HTMLDivElement>(null)
  const view = useSignal<CentreMap | null>(null)
  const failed = useSignal(false)
  const city = centre.city.value
  const layers = city?.layers.map((layer) => layer.id).join()

  useEffect(() => {
    const element = host.current
    const current = centre.city.peek()
    if (!element || !current) return
    let gone = false
    const make = async () => {
      // Labels are drawn from the page's own font, so it has to be there first, all parts of it.
      await Promise.all([document.fonts.load(MAP_FONT, 'A'), document.fonts.load(MAP_FONT, 'ạ'), document.fonts.load(MAP_FONT, '0')])
      const { CentreMap } = await import('../map/view')
      if (!gone) view.value = new CentreMap(element, centre, current, isCalling)
    }
    make().catch((error: unknown) => {
      console.error('map failed', error)
      failed.value = true
    })
    return () => {
      gone = true
      view.peek()?.stop()
      view.value = null
    }
  }, [layers])

  return (
    <section class="panel map-panel" aria-label={w().map} data-testid="panel-map">
      <div class="map" ref={host} />
      <div class="map-buttons" role="group" aria-label={w().map}>
        <button type="button" aria-label={w().zoomIn} onClick={() => view.value?.zoom(1)}>
          +
        </button>
        <button type="button" aria-label={w().zoomOut} onClick={() => view.value?.zoom(-1)}>
          −
        </button>
        <button type="button" aria-label={w().zoomHome} onClick={() => view.value?.home()}>
          ⌂
        </button>
      </div>
      {failed.value && <p class="map-failed">{w().mapFailed}</p>}
      {city && !centre.selection.value && <Legend city={city} unitsKey={view.value?.unitsKey.value ?? null} />}
      <DetailCard />
    </section>
  )
}
