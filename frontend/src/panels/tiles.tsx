/** The four tiles of the bottom strip: one figure that leads, its 24 hours, and its companions. */

import { Line } from '../charts/line'
import { Shape } from '../design/shape'
import { figureScale, number } from '../i18n/format'
import { domainWord, say, w } from '../i18n/words'
import { worstFirst } from '../live/order'
import type { Domain, FigureItem } from '../live/protocol'
import { useCentre } from './centre'
import { FigureAge, FigureCounts, FigureMeasure, FigureName, FigureValue, Gap, TargetNote, useFigureState } from './figure'
import { byPlace } from './placing'

const COMPANIONS = 3

function Tile({ domain, lead }: { domain: Domain; lead: string }) {
  const centre = useCentre()
  const figures = centre.overview.read().filter((figure) => figure.domain === domain).sort(byPlace)
  const leader = figures.find((figure) => figure.id === lead) ?? figures.find((figure) => figure.trend) ?? figures[0]
  const companions = figures.filter((figure) => figure !== leader).slice(0, COMPANIONS)
  const words = w()
  return (
    <section class="panel tile" aria-label={domainWord(domain)} data-testid={`tile-${domain}`}>
      <header class="panel-head">
        <h2>{domainWord(domain)}</h2>
        {leader && <FigureName figure={leader} />}
        <DomainAlerts domain={domain} />
      </header>
      {leader ? (
        <div class="tile-body">
          <div class="tile-lead">
            <FigureValue figure={leader} big />
            <FigureMeasure figure={leader} />
            <span class="tile-notes caption">
              <FigureCounts figure={leader} />
              <Gap figure={leader} />
              <TargetNote figure={leader} brief />
            </span>
          </div>
          <div class="tile-chart">
            <TrendLine figure={leader} />
          </div>
        </div>
      ) : (
        <p class="caption pad">{centre.overview.known.value ? words.notYet : words.loading}</p>
      )}
      {companions.length > 0 && (
        <div class="tile-companions">
          {companions.map((figure) => (
            <div key={figure.id} class="companion">
              <FigureName figure={figure} />
              <span class="companion-value">
                <FigureValue figure={figure} />
                <span class="caption companion-note">
                  {companions.length < COMPANIONS && <FigureCounts figure={figure} />}
                </span>
                <span class="caption">
                  <FigureAge figure={figure} brief />
                </span>
              </span>
            </div>
          ))}
        </div>
      )}
    </section>
  )
}

/** Whether something is open in this domain: the worst shape and how many. */
function DomainAlerts({ domain }: { domain: Domain }) {
  const open = useCentre()
    .alerts.read()
    .filter((alert) => alert.domain === domain && alert.state === 'active')
    .sort(worstFirst)
  const worst = open[0]
  if (!worst) return null
  return (
    <span class="aside domain-alerts">
      <Shape severity={worst.severity} /> {number(open.length)}
    </span>
  )
}

function TrendLine({ figure }: { figure: FigureItem }) {
  const words = w()
  const state = useFigureState(figure)
  const trend = figure.trend
  if (!trend || trend.value.every((value) => value === null)) {
    return (
      <>
        <p class="caption no-trend">{words.noHistory}</p>
        <p class="chart-key caption">
          <FigureAge figure={figure} always />
        </p>
      </>
    )
  }
  const ghost = trend.ghost.some((value) => value !== null)
  return (
    <>
      <Line
        time={trend.time}
        value={trend.value}
        ghost={trend.ghost}
        level={figure.target?.value ?? null}
        factor={figureScale(figure).factor}
        stale={state === 'stale'}
        label={`${say(figure.name)}, ${words.last24h}`}
      />
      <p class="chart-key caption">
        <FigureAge figure={figure} always />
        {ghost && (
          <span class="key">
            <i /> {words.ghost}
          </span>
        )}
      </p>
    </>
  )
}

export const TrafficTile = () => <Tile domain="traffic" lead="traffic-slow-share" />
export const HealthTile = () => <Tile domain="health" lead="bed-occupancy-planned" />
export const ElectricityTile = () => <Tile domain="electricity" lead="load-share" />
export const EnvironmentTile = () => <Tile domain="environment" lead="pm25-worst" />
