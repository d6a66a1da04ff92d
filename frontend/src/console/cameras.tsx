/** The cameras nearest to an alert, how old their last picture is, and the way to it. */

import { Age } from '../design/age'
import { number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { w } from '../i18n/words'
import { tick } from '../live/clock'
import { newestTime } from '../live/freshness'
import type { LayerFeature } from '../live/protocol'
import { useCentre } from '../panels/centre'
import { nearest } from './nearest'

/** The layer of cameras, known by its id. */
export const CAMERAS = 'camera'
const MOST = 3
/** What is further away shows another place. */
const WITHIN_METRES = 5_000

export function Cameras({ point }: { point: [number, number] | null }) {
  const centre = useCentre()
  const words = consoleWords()
  const cameras = centre.layers.get(CAMERAS)
  if (!cameras || !point) return null
  const near = nearest(cameras.read(), point, MOST, WITHIN_METRES)
  return (
    <section class="cameras" data-testid="cameras">
      <h3>{words.cameras}</h3>
      {near.length === 0 && <p class="caption">{cameras.known.value ? words.noCamera : w().loading}</p>}
      <ul>
        {near.map(({ feature, metres }) => (
          <li key={feature.id} data-testid="camera">
            <span>
              <b>{feature.properties.name}</b> <span class="caption">{distance(metres)}</span>
            </span>
            <Picture camera={feature} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Picture({ camera }: { camera: LayerFeature }) {
  const words = consoleWords()
  const { link, late_after = null, stale_after = null } = camera.properties
  const time = newestTime(camera.properties)
  void tick.value
  return (
    <span class="camera-picture">
      <span class="caption">
        {words.lastPicture} <Age time={time} state={time === null ? 'never' : 'fresh'} late_after={late_after} stale_after={stale_after} always />
      </span>
      {link && (
        <a href={link} target="_blank" rel="noopener noreferrer">
          {words.openCamera}
        </a>
      )}
    </span>
  )
}

function distance(metres: number): string {
  return metres < 1_000 ? `${number(Math.round(metres / 10) * 10)} m` : `${number(metres / 1_000, 1)} km`
}
