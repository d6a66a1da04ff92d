/** The thing that was chosen: its values with their ages, its last 24 hours, its alerts. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Line } from '../charts/line'
import { Age, Ago } from '../design/age'
import { LevelMark } from '../design/level'
import { Shape } from '../design/shape'
import { moment, plain, uomSign, withUom } from '../i18n/format'
import { propertyWord, say, severityWord, suspectWord, textWord, w } from '../i18n/words'
import { get } from '../live/api'
import { serverNow, tick } from '../live/clock'
import { featureFreshness, freshness } from '../live/freshness'
import type { AlertItem, FigureItem, LayerFeature, LayerInfo, ObservationColumns, Page, SeriesItem, Value } from '../live/protocol'
import { AcknowledgeButton } from './alerts'
import { useCentre } from './centre'
import { FigureCounts, FigureName, FigureValue, Gap } from './figure'

const DAY = 86_400_000
const WIDTH = 'PT15M'
const WIDTH_MS = 900_000
/** A chart that is open is renewed this often. */
const RENEW_EVERY = 60_000
/** A wall that nobody touches goes back to the overview. */
const CLOSE_AFTER = 120_000

export function DetailCard() {
  const centre = useCentre()
  const selection = centre.selection.value
  const city = centre.city.value
  useEffect(() => {
    if (!selection) return
    const timer = window.setTimeout(() => centre.select(null), CLOSE_AFTER)
    const onKey = (event: KeyboardEvent) => event.key === 'Escape' && centre.select(null)
    window.addEventListener('keydown', onKey)
    return () => {
      window.clearTimeout(timer)
      window.removeEventListener('keydown', onKey)
    }
  }, [selection])
  if (!selection || !city) return null
  const close = (
    <button type="button" class="detail-close" aria-label={w().close} onClick={() => centre.select(null)}>
      ×
    </button>
  )
  if (selection.kind === 'alert') {
    const alert = centre.alerts.find(selection.id)
    return (
      <aside class="detail" data-testid="detail">
        {close}
        {alert ? <AlertDetail alert={alert} /> : <p class="caption">{w().alertGone}</p>}
      </aside>
    )
  }
  const info = city.layers.find((layer) => layer.id === selection.layer)
  const feature = centre.layers.get(selection.layer)?.find(selection.id)
  if (!info || !feature) return null
  return (
    <aside class="detail" data-testid="detail">
      {close}
      <FeatureDetail key={`${info.id}/${feature.id}`} info={info} feature={feature} />
    </aside>
  )
}

export function AlertDetail({ alert }: { alert: AlertItem }) {
  const centre = useCentre()
  const words = w()
  const now = tick.value
  return (
    <>
      <h2 class="detail-title">
        <Shape severity={alert.severity} cleared={alert.state === 'cleared'} /> {say(alert.title)}
      </h2>
      <p class="detail-sub">
        <LevelMark level={alert.national_level} /> {severityWord(alert.severity)} · {alert.state === 'cleared' ? words.cleared : words.active}
      </p>
      <p class="detail-reason">{say(alert.reason)}</p>
      <dl class="facts">
        <Fact term={words.place}>{alert.place.name}</Fact>
        <Fact term={words.since}>
          {moment(alert.since, now)} (<Ago time={alert.since} />)
        </Fact>
        <Fact term={words.unitResponsible}>{alert.unit?.name ?? words.noOwner}</Fact>
        <Fact term={words.who}>
          {alert.acknowledged
            ? `${alert.acknowledged_by ?? words.acknowledged}${alert.acknowledged_at ? `, ${moment(alert.acknowledged_at, now)}` : ''}`
            : words.unacknowledged}
        </Fact>
        {alert.value !== null && (
          <Fact term={words.valueNow}>
            {withUom(alert.value, alert.uom)}
            {alert.level !== null && ` · ${words.level.toLowerCase()} ${withUom(alert.level, alert.uom)}`}
          </Fact>
        )}
      </dl>
      {alert.series !== null && <SeriesChart series={alert.series} level={alert.level} take={extreme(alert)} label={say(alert.title)} />}
      {!alert.acknowledged && centre.may('alert.acknowledge') && <AcknowledgeButton alert={alert} centre={centre} long />}
    </>
  )
}

export function Fact({ term, children }: { term: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function FeatureDetail({ info, feature }: { info: LayerInfo; feature: LayerFeature }) {
  const centre = useCentre()
  const words = w()
  const { name, unit_name, feed, late_after, stale_after } = feature.properties
  const here = centre.alerts.read().filter((alert) => alert.place.feature === feature.id)
  const state = featureFreshness(feature, tick.value)
  const owner = feed ? centre.feeds.find(feed) : undefined
  const figures = info.kind === 'units' ? unitFigures(centre.procedures.read(), feature.id) : []
  return (
    <>
      <h2 class="detail-title">{name}</h2>
      <p class="detail-sub">
        {[say(info.name), unit_name, owner?.agency.name].filter(Boolean).join(' · ')}
        {state === 'stale' && ` · ${words.symbolStale}`}
      </p>
      {figures.length > 0 ? (
        <dl class="facts values">
          {figures.map((figure) => (
            <div key={figure.id}>
              <dt>
                <FigureName figure={figure} />
              </dt>
              <dd>
                <FigureValue figure={figure} />
                <span class="caption">
                  <FigureCounts figure={figure} /> <Gap figure={figure} />
                </span>
              </dd>
            </div>
          ))}
        </dl>
      ) : (
        <dl class="facts values">
          {valuesBesideTitle(feature).map(([property, value]) => (
            <div key={property}>
              <dt>{propertyName(info, property)}</dt>
              <dd>
                <Measured property={property} value={value} late_after={late_after} stale_after={stale_after} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {here.map((alert) => (
        <button key={alert.id} type="button" class="detail-alert" onClick={() => centre.select({ kind: 'alert', id: alert.id })}>
          <Shape severity={alert.severity} cleared={alert.state === 'cleared'} /> {say(alert.title)} · <Ago time={alert.since} />
        </button>
      ))}
      {info.kind === 'points' && feed && <FeatureCharts info={info} feature={feature} feed={feed} />}
    </>
  )
}

function unitFigures(items: FigureItem[], unit: string): FigureItem[] {
  return items.filter((item) => item.unit?.id === unit)
}

/** A ticket's category is its name too, which the title says in words. */
function valuesBesideTitle(feature: LayerFeature): [string, Value][] {
  return Object.entries(feature.properties.values).filter(([property]) => property !== 'category')
}

interface MeasuredProps {
  property: string
  value: Value
  late_after?: number | null | undefined
  stale_after?: number | null | undefined
}

function Measured({ property, value, ...limits }: MeasuredProps) {
  const dated = { time: value.time, state: value.state, late_after: limits.late_after ?? null, stale_after: limits.stale_after ?? null }
  const state = freshness(dated, tick.value)
  const shown = typeof value.value === 'number' ? plain(value.value) : value.value === null ? '–' : textWord(property, value.value)
  return (
    <>
      <span class={`figure-value ${state === 'stale' ? 'hollow' : ''}`}>{shown}</span>
      <small class="caption"> {uomSign(value.uom)} </small>
      {value.suspect && value.suspect.length > 0 && (
        <span class="suspect" data-testid="suspect">
          {w().suspect}: {value.suspect.map(suspectWord).join(', ')}
        </span>
      )}
      <span class="caption">
        <Age {...dated} always />
      </span>
    </>
  )
}

interface NamedProperty {
  id: string
  name: { vi: string; en: string }
}

/** The name of an observed property where the city gives one. */
function propertyName(info: LayerInfo, property: string): string {
  const named = info.properties.find(
    (item): item is NamedProperty => typeof item === 'object' && item !== null && 'id' in item && item.id === property && 'name' in item,
  )
  return named ? say(named.name) : propertyWord(property)
}

function FeatureCharts({ info, feature, feed }: { info: LayerInfo; feature: LayerFeature; feed: string }) {
  const series = useSignal<SeriesItem[] | null>(null)
  useEffect(() => {
    const place = feature.id.startsWith(`${feed}/`) ? feature.id : `${feed}/${feature.id}`
    get<Page<SeriesItem>>(`/series?feature=${encodeURIComponent(place)}`)
      .then((page) => (series.value = page.items.filter((item) => item.value_kind === 'number').slice(0, 2)))
      .catch(() => (series.value = []))
  }, [feature.id])
  if (series.value === null) return <p class="caption">{w().loading}</p>
  if (series.value.length === 0) return <p class="caption">{w().noHistory}</p>
  return (
    <>
      {series.value.map((item) => (
        <div key={item.id}>
          <h3 class="caption detail-chart-title">
            {propertyName(info, item.property)}
            {item.uom && uomSign(item.uom) && `, ${uomSign(item.uom)}`} · {w().last24h}
          </h3>
          <SeriesChart series={item.id} level={null} label={propertyName(info, item.property)} />
        </div>
      ))}
    </>
  )
}

type Take = 'mean' | 'min' | 'max'

/** Beside a level the side that crosses it is drawn: a mean of 15 minutes would hide the crossing. */
function extreme(alert: AlertItem): Take {
  if (alert.value === null || alert.level === null || alert.state === 'cleared') return 'mean'
  return alert.value >= alert.level ? 'max' : 'min'
}

interface Drawn {
  time: number[]
  value: (number | null)[]
}

/** The last 24 hours of one series, renewed while it is looked at. */
export function SeriesChart({ series, level, take = 'mean', label }: { series: number; level: number | null; take?: Take; label: string }) {
  const drawn = useSignal<Drawn | null>(null)
  const failed = useSignal(false)
  useEffect(() => {
    const load = () => {
      const now = serverNow()
      const query = new URLSearchParams({
        since: new Date(now - DAY).toISOString(),
        until: new Date(now).toISOString(),
        width: WIDTH,
      })
      get<ObservationColumns>(`/series/${series}/observations?${query}`)
        .then((answer) => {
          drawn.value = withGaps(answer.time, answer[take], WIDTH_MS)
          failed.value = false
        })
        .catch(() => (failed.value = true))
    }
    load()
    const timer = window.setInterval(load, RENEW_EVERY)
    return () => window.clearInterval(timer)
  }, [series])
  const data = drawn.value
  if (!data) return <p class="caption">{failed.value ? w().noHistory : w().loading}</p>
  if (data.value.every((value) => value === null)) return <p class="caption">{w().noHistory}</p>
  return (
    <div class="detail-chart">
      <Line time={data.time} value={data.value} level={level} label={`${label}, ${w().last24h}`} />
    </div>
  )
}

/** Buckets without observations are absent from the answer: break the line there instead of drawing over the hole. */
export function withGaps(time: number[], values: (number | null)[], width: number): Drawn {
  const steps = time.slice(1).map((at, i) => at - (time[i] as number))
  const usual = steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? width
  const most = Math.max(width, usual) * 2.5
  const drawn: Drawn = { time: [], value: [] }
  time.forEach((at, i) => {
    const before = time[i - 1]
    if (before !== undefined && at - before > most) {
      drawn.time.push(before + usual)
      drawn.value.push(null)
    }
    drawn.time.push(at)
    drawn.value.push(values[i] ?? null)
  })
  return drawn
}
