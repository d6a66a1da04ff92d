/** Where the chosen alert is: its feature, or the area that a warning is about. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { consoleWords } from '../i18n/console/words'
import { w } from '../i18n/words'
import { get } from '../live/api'
import { isWarning } from '../live/order'
import type { AlertItem, LayerFeature } from '../live/protocol'
import type { Area } from '../map/place'
import { useCentre } from '../panels/centre'
import { PlaceMap } from './place_map'

export function AlertMap({ id }: { id: string | null }) {
  const alert = useAlert(id)
  const area = useArea(alert)
  const placed = !alert || alert.place.point !== null || area !== null
  return (
    <section class="panel console-map" aria-label={w().map} data-testid="console-map" data-area={String(area !== null)}>
      <PlaceMap point={alert?.place.point ?? null} area={area} />
      {!placed && <p class="caption">{consoleWords().noPlace}</p>}
    </section>
  )
}

function useAlert(id: string | null): AlertItem | undefined {
  const centre = useCentre()
  return id === null ? undefined : centre.alerts.find(id)
}

function useArea(alert: AlertItem | undefined): Area | null {
  const centre = useCentre()
  const area = useSignal<Area | null>(null)
  const layer = centre.city.value?.layers.find((one) => one.kind === 'areas')?.id
  const feature = alert && isWarning(alert) ? alert.place.feature : null
  useEffect(() => {
    area.value = null
    if (!layer || !feature) return
    let gone = false
    get<{ features: LayerFeature[] }>(`/layers/${encodeURIComponent(layer)}`)
      .then(({ features }) => {
        const geometry = features.find((one) => one.id === feature)?.geometry
        if (!gone && (geometry?.type === 'Polygon' || geometry?.type === 'MultiPolygon')) area.value = geometry
      })
      .catch((error: unknown) => console.error('the area of a warning is not known', error))
    return () => {
      gone = true
    }
  }, [layer, feature, alert?.version])
  return area.value
}
