/** One alert in the console's list. */

import { useEffect, useRef } from 'preact/hooks'
import { Ago } from '../design/age'
import { LevelMark } from '../design/level'
import { Shape } from '../design/shape'
import { clockTime } from '../i18n/format'
import { consoleWords } from '../i18n/console/words'
import { say, severityWord, w } from '../i18n/words'
import type { AlertItem } from '../live/protocol'
import { AcknowledgeButton, isCalling } from '../panels/alerts'
import { useCentre } from '../panels/centre'
import { marks, markTo, toggle } from './marks'

interface Props {
  alert: AlertItem
  /** The list that it stands in, for marking ranges. */
  shown: AlertItem[]
  chosen: boolean
  markable: boolean
}

export function Row({ alert, shown, chosen, markable }: Props) {
  const centre = useCentre()
  const words = w()
  const row = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (chosen) row.current?.scrollIntoView({ block: 'nearest' })
  }, [chosen])
  return (
    <li
      ref={row}
      class={`console-row${chosen ? ' chosen' : ''}${markable ? ' markable' : ''}${alert.acknowledged ? ' seen' : ''}`}
      data-testid="alert"
      data-id={alert.id}
      data-severity={alert.severity}
      data-acknowledged={String(alert.acknowledged)}
      data-state={alert.state}
    >
      {markable && (
        <input
          type="checkbox"
          class="mark"
          checked={marks.value.has(alert.id)}
          aria-label={consoleWords().mark(say(alert.title), alert.place.name)}
          data-testid="mark"
          onClick={(event) => (event.shiftKey ? markTo(alert.id, shown) : toggle(alert.id))}
        />
      )}
      <Shape severity={alert.severity} cleared={alert.state === 'cleared'} blinking={isCalling(alert)} />
      <button type="button" aria-current={chosen} onClick={() => centre.select({ kind: 'alert', id: alert.id })}>
        <b>{say(alert.title)}</b>
        <span>
          {alert.place.name} · {alert.unit?.name ?? words.noOwner}
        </span>
        <span class="caption">
          <LevelMark level={alert.national_level} /> {severityWord(alert.severity)} · <Ago time={alert.since} /> ·{' '}
          {alert.state === 'cleared' ? words.cleared : alert.acknowledged ? words.acknowledged : words.unacknowledged}
        </span>
        {alert.incident && <span class="caption">{consoleWords().incidents.inIncident(alert.incident.code)}</span>}
        {alert.muted && <span class="caption">{say(alert.muted.reason)}</span>}
        {alert.shelved && <span class="caption">{words.shelvedUntil(clockTime(Date.parse(alert.shelved.until)), alert.shelved.by, alert.shelved.why)}</span>}
      </button>
      {!alert.acknowledged && centre.alerts.items.has(alert.id) && centre.may('alert.acknowledge') && <AcknowledgeButton alert={alert} centre={centre} />}
    </li>
  )
}
