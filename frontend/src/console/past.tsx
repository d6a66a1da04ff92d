/** Alerts that have closed, newest first: asked for page by page, for the wire has only what is open. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { consoleWords } from '../i18n/console/words'
import { w } from '../i18n/words'
import { get } from '../live/api'
import type { AlertItem, Page } from '../live/protocol'
import { asked, type Filter } from './filter'

const PER_PAGE = 100
/** A page that is left open holds no more than this. */
const MOST = 2_000

export interface Past {
  alerts: AlertItem[]
  state: 'loading' | 'known' | 'failed'
  more: (() => void) | null
}

/** What has closed and passes the filter; nothing is asked unless it is wanted. */
export function usePast(filter: Filter, wanted: boolean): Past {
  const held = useSignal<Past>({ alerts: [], state: 'loading', more: null })
  const query = asked(filter).toString()
  useEffect(() => {
    if (!wanted) return
    let current = true
    const load = async (before: AlertItem[], cursor: string | null) => {
      held.value = { alerts: before, state: 'loading', more: null }
      const page = new URLSearchParams(query)
      page.set('closed', 'true')
      page.set('limit', String(PER_PAGE))
      if (cursor) page.set('cursor', cursor)
      const answer = await get<Page<AlertItem>>(`/alerts?${page}`).catch(() => null)
      if (!current) return
      if (!answer) {
        held.value = { alerts: before, state: 'failed', more: () => void load(before, cursor) }
        return
      }
      const alerts = [...before, ...answer.items]
      const next = alerts.length < MOST ? answer.next : null
      held.value = { alerts, state: 'known', more: next ? () => void load(alerts, next) : null }
    }
    // Who is still typing is not answered letter by letter.
    const timer = window.setTimeout(() => void load([], null), 200)
    return () => {
      current = false
      window.clearTimeout(timer)
    }
  }, [query, wanted])
  return held.value
}

export function PastFoot({ past }: { past: Past }) {
  const words = w()
  if (past.state === 'loading') return <p class="caption empty">{words.loading}</p>
  return (
    <>
      {past.state === 'failed' && <p class="failure empty">{words.unreachable}</p>}
      {past.more && (
        <button type="button" class="more" data-testid="past-more" onClick={past.more}>
          {consoleWords().more}
        </button>
      )}
    </>
  )
}
