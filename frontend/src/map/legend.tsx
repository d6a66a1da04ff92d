/** What the colours and signs on the map mean, always in view. */

import { Shape } from '../design/shape'
import { figureScale, number } from '../i18n/format'
import { domainWord, say, severityWord, w } from '../i18n/words'
import { SEVERITIES } from '../live/order'
import type { City, Domain } from '../live/protocol'
import { COLOURS, NEUTRAL_FILLS, TARGET_FILLS } from './look'
import { classLabels } from './scale'
import { DOMAIN_PATHS } from './symbols'
import type { UnitsKey } from './units'

export function Legend({ city, unitsKey }: { city: City; unitsKey: UnitsKey | null }) {
  const words = w()
  const domains = [...new Set(city.layers.filter((layer) => layer.kind === 'points').map((layer) => layer.domain))]
  return (
    <div class="legend" aria-label={words.mapLegend} role="group" data-testid="legend">
      <Classes city={city} unitsKey={unitsKey} />
      <ul class="legend-signs">
        {domains.map((domain) => (
          <li key={domain}>
            <Sign domain={domain} />
            {domainWord(domain)}
          </li>
        ))}
        <li>
          <Sign domain={domains[0] ?? 'traffic'} stale />
          {words.symbolStale}
        </li>
        <li>
          <Sign domain={domains[0] ?? 'traffic'} suspect />
          {words.suspect}
        </li>
      </ul>
      <ul class="legend-signs">
        {SEVERITIES.map((severity) => (
          <li key={severity}>
            <Shape severity={severity} />
            {severityWord(severity)}
          </li>
        ))}
      </ul>
      <p>{words.cluster}</p>
      {city.outline_note && <p class="legend-note">{say(city.outline_note)}</p>}
    </div>
  )
}

function Classes({ city, unitsKey }: { city: City; unitsKey: UnitsKey | null }) {
  const words = w()
  const info = city.layers.find((layer) => layer.kind === 'units')
  if (!info || !unitsKey) return null
  const { scale, figure } = unitsKey
  const { factor, sign } = figure ? figureScale(figure) : { factor: 1, sign: '' }
  const write = (value: number) => {
    const shown = value * factor
    return number(shown, Number.isInteger(Number(shown.toFixed(6))) ? 0 : 1)
  }
  const fills: readonly string[] = scale.kind === 'target' ? TARGET_FILLS : NEUTRAL_FILLS
  return (
    <>
      <p class="legend-title">
        {figure ? say(figure.name) : say(info.name)}
        {sign && `, ${sign}`}
        {scale.kind === 'target' && ` · ${words.mapTarget(write(scale.target))}`}
      </p>
      <ul class="legend-classes">
        {classLabels(scale, write).map((label, i) => (
          <li key={label}>
            <i style={{ background: fills[i] }} />
            {label}
          </li>
        ))}
        <li>
          <i style={{ background: COLOURS.noData }} />
          {words.mapNoData}
        </li>
      </ul>
    </>
  )
}

function Sign({ domain, stale = false, suspect = false }: { domain: Domain; stale?: boolean; suspect?: boolean }) {
  return (
    <svg class={`sign${stale || suspect ? ' stale' : ''}`} viewBox="0 0 24 24" aria-hidden="true">
      <path d={DOMAIN_PATHS[domain]} />
      {suspect && <circle cx="12" cy="13" r="2" />}
    </svg>
  )
}
