/** A place on a map, as a point, an area or both; with `pick` a click chooses another one. */

import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { w } from '../i18n/words'
import type { Area, PlaceMap as Drawn, Point } from '../map/place'
import { useCentre } from '../panels/centre'

interface Props {
  point: Point | null
  area?: Area | null
  pick?: (point: Point) => void
}

export function PlaceMap({ point, area = null, pick }: Props) {
  const centre = useCentre()
  const host = useRef<HTMLDivElement>(null)
  const drawn = useRef<Drawn | null>(null)
  const picked = useRef(pick)
  const shown = useRef({ point, area })
  const failed = useSignal(false)
  const city = centre.city.value
  picked.current = pick
  shown.current = { point, area }
  useEffect(() => {
    const element = host.current
    if (!element || !city) return
    let gone = false
    import('../map/place')
      .then(({ placeMap }) => placeMap(element, city, point, picked.current ? (at) => picked.current?.(at) : null))
      .then((map) => {
        if (gone) map.stop()
        else {
          drawn.current = map
          map.show(shown.current.point, shown.current.area)
        }
      })
      .catch((error: unknown) => {
        console.error('map failed', error)
        failed.value = true
      })
    return () => {
      gone = true
      drawn.current?.stop()
      drawn.current = null
    }
  }, [city?.version])
  useEffect(() => drawn.current?.show(point, area), [point?.join(), area])
  return (
    <div class="place-map" data-testid="place-map">
      <div class="map" ref={host} />
      {failed.value && <p class="map-failed">{w().mapFailed}</p>}
    </div>
  )
}
