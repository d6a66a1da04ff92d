/** The duty directory: who is on call for which unit, now or at another hour, with the number as a link. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { moment } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { w } from '../i18n/words'
import { get } from '../live/api'
import { serverNow, tick } from '../live/clock'
import type { DutyUnit } from '../live/incidents'
import type { Page } from '../live/protocol'
import { DutyRow } from './calls'

/** Hours from now at which one may look. */
const AHEAD = [0, 4, 8, 12, 24] as const
const RENEW_EVERY = 60_000

export function Directory() {
  const words = consoleWords().shift
  const units = useSignal<DutyUnit[] | null>(null)
  const failed = useSignal(false)
  const ahead = useSignal(0)
  useEffect(() => {
    const load = () =>
      get<Page<DutyUnit>>(`/duty?at=${encodeURIComponent(new Date(serverNow() + ahead.peek() * 3_600_000).toISOString())}`)
        .then((page) => {
          units.value = page.items
          failed.value = false
        })
        .catch(() => (failed.value = true))
    void load()
    const timer = window.setInterval(() => void load(), RENEW_EVERY)
    return () => window.clearInterval(timer)
  }, [ahead.value])
  return (
    <section class="directory" data-testid="directory">
      <h2>{words.directory}</h2>
      <select aria-label={words.dutyAt} value={ahead.value} onChange={(event) => (ahead.value = Number(event.currentTarget.value))}>
        {AHEAD.map((hours) => (
          <option key={hours} value={hours}>
            {hours === 0 ? words.now : words.inHours(String(hours), moment(tick.value + hours * 3_600_000, tick.value))}
          </option>
        ))}
      </select>
      {failed.value && <p class="caption">{w().unreachable}</p>}
      {units.value?.length === 0 && <p class="caption">{words.rosterNone}</p>}
      {units.value?.map((unit) => (
        <div key={unit.unit.id}>
          <h3>{unit.unit.name}</h3>
          <ul class="duty">
            {unit.people.map((person) => (
              <DutyRow key={person.id} unit={unit} person={person} note={null} />
            ))}
          </ul>
        </div>
      ))}
    </section>
  )
}
