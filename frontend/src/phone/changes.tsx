/** "Since your last look": what became worse and what better, in words. */

import { useEffect, useRef } from 'preact/hooks'
import { figureText, moment, number } from '../i18n/format'
import { say, w } from '../i18n/words'
import { serverNow } from '../live/clock'
import { changesSince, keepLook, lookAt, previousLook, type Change, type Look } from '../live/lastlook'
import { worstFirst } from '../live/order'
import { useCentre } from '../panels/centre'

/** So many changes a side; the alerts themselves stand right below. */
const CHANGES = 3
const KEEP_EVERY = 20_000

/** Compared with what this phone showed last time. */
export function Changes() {
  const centre = useCentre()
  const before = useRef<Look | null | undefined>(undefined)
  if (before.current === undefined) before.current = previousLook(Date.now())
  const known = centre.alerts.known.value && centre.summary.known.value
  useEffect(() => {
    if (!known) return
    const keep = () =>
      keepLook(before.current ?? null, lookAt([...centre.alerts.items.values()], [...centre.summary.items.values()], Date.now()))
    keep()
    const timer = window.setInterval(() => document.hidden || keep(), KEEP_EVERY)
    window.addEventListener('pagehide', keep)
    return () => {
      window.clearInterval(timer)
      window.removeEventListener('pagehide', keep)
    }
  }, [known])
  if (!known) return <section class="card caption">{w().loading}</section>
  const words = w()
  const look = before.current
  if (!look) return <section class="card caption">{words.firstLook}</section>
  const changes = changesSince(look, centre.alerts.read().sort(worstFirst), centre.summary.read())
  return (
    <section class="card changes" data-testid="changes">
      <h2>{words.sinceLastLook(moment(look.at, serverNow()))}</h2>
      {changes.length === 0 && <p class="caption">{words.nothingChanged}</p>}
      <Side changes={changes.filter((change) => change.worse)} worse />
      <Side changes={changes.filter((change) => !change.worse)} worse={false} />
    </section>
  )
}

function Side({ changes, worse }: { changes: Change[]; worse: boolean }) {
  if (changes.length === 0) return null
  const words = w()
  const rest = changes.length - CHANGES
  return (
    <div class={worse ? 'worse' : 'better'}>
      <h3>
        {worse ? `▼ ${words.becameWorse}` : `▲ ${words.becameBetter}`} ({number(changes.length)})
      </h3>
      <ul>
        {changes.slice(0, CHANGES).map((change, i) => (
          <li key={i}>{sentence(change)}</li>
        ))}
        {rest > 0 && <li class="caption">{words.andMore(number(rest))}</li>}
      </ul>
    </div>
  )
}

function sentence(change: Change): string {
  const words = w()
  if (change.kind === 'moved') {
    return words.figureMoved(say(change.figure.name), figureText(change.figure, change.from), figureText(change.figure))
  }
  const tell = { new: words.newAlert, gone: words.goneAlert, cleared: words.clearedAlert }[change.kind]
  return tell(say(change.title), change.place)
}
