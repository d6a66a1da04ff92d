/** Alert health: how alerts burden who has to look at them, and what would make it less. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import './health.css'
import '../charts/measure.css'
import { date, number } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { w } from '../i18n/words'
import { get, Problem } from '../live/api'
import { serverNow } from '../live/clock'
import { address, put } from './address'
import { AdviceList } from './health_advice'
import type { AlertHealth } from './health_answer'
import { Others, Severities, Tiles } from './health_figures'
import { Hours, Rules } from './health_rules'

const SPANS = [1, 7, 30, 90] as const
const USUAL = 30
const DAY = 86_400_000
const AGAIN_AFTER = 120_000

export function Health() {
  const words = consoleWords().alertHealth
  const named = Number(address.value.get('days'))
  const days = SPANS.find((span) => span === named) ?? USUAL
  const { found, failure } = useHealth(days)
  return (
    <div class="health" data-testid="health" data-loaded={String(found !== null)}>
      <header class="health-head">
        <nav aria-label={words.spans}>
          {SPANS.map((span) => (
            <button
              key={span}
              type="button"
              aria-pressed={span === days}
              data-testid={`health-days-${span}`}
              onClick={() => put({ days: span === USUAL ? null : String(span) })}
            >
              {words.lastDays(String(span))}
            </button>
          ))}
        </nav>
        {found && <Counted found={found} />}
      </header>
      {failure && (
        <p class="failure" role="alert">
          {failure}
        </p>
      )}
      {!found && !failure && <p class="caption health-empty">{w().loading}</p>}
      {found && (
        <>
          <Tiles found={found} />
          <Hours found={found} />
          <AdviceList found={found} />
          <Rules found={found} />
          <Others found={found} />
          <Severities found={found} />
        </>
      )}
    </div>
  )
}

/** Of which time, and how operators were counted. */
function Counted({ found }: { found: AlertHealth }) {
  const words = consoleWords().alertHealth
  const { raised, told } = found.health
  const hours = found.staff
  return (
    <p class="caption">
      {date(found.since)} – {date(found.until)} · {words.told(number(told), number(raised))} ·{' '}
      {words.staff(number(hours.operator_hours), number(hours.hours_by_shift), number(hours.hours_by_sign_in), number(hours.hours_by_position))}
    </p>
  )
}

function useHealth(days: number): { found: AlertHealth | null; failure: string } {
  const found = useSignal<AlertHealth | null>(null)
  const failure = useSignal('')
  useEffect(() => {
    let left = false
    const load = async () => {
      const since = new Date(serverNow() - days * DAY).toISOString()
      try {
        const answer = await get<AlertHealth>(`/alerts/health?since=${encodeURIComponent(since)}`)
        // An answer for another span is no answer any more.
        if (left) return
        found.value = answer
        failure.value = ''
      } catch (error) {
        if (!left) failure.value = error instanceof Problem && error.message ? error.message : w().unreachable
      }
    }
    void load()
    const again = setInterval(() => void load(), AGAIN_AFTER)
    return () => {
      left = true
      clearInterval(again)
    }
  }, [days])
  return { found: found.value, failure: failure.value }
}
