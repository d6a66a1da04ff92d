/** Numbers, dates, ages and measuring units as people here write them. */

import { signal } from '@preact/signals'
import type { FigureItem } from '../live/protocol'
import { language, w } from './words'

/** The province's zone; set once the city is known. */
export const timeZone = signal('Asia/Ho_Chi_Minh')

const LOCALES = { vi: 'vi-VN', en: 'en-GB' } as const

const numberFormats = new Map<string, Intl.NumberFormat>()
const timeFormats = new Map<string, Intl.DateTimeFormat>()

/** 1.234,5 in Vietnamese, 1,234.5 in English. */
export function number(value: number, decimals = 0): string {
  const key = `${language.value} ${decimals}`
  let format = numberFormats.get(key)
  if (!format) {
    format = new Intl.NumberFormat(LOCALES[language.value], {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    })
    numberFormats.set(key, format)
  }
  return format.format(value)
}

/** At most the decimals that say something: 37,5 and 12 and 1.204. */
export function plain(value: number): string {
  const size = Math.abs(value)
  const decimals = Number.isInteger(value) || size >= 1000 ? 0 : size >= 100 ? 0 : size >= 1 ? 1 : 2
  return number(value, decimals)
}

function stamp(time: number, options: Intl.DateTimeFormatOptions): string {
  const key = `${timeZone.value} ${JSON.stringify(options)}`
  let format = timeFormats.get(key)
  if (!format) {
    // British order and separators are the Vietnamese ones: 22/11/2026, 24 hours.
    format = new Intl.DateTimeFormat('en-GB', { timeZone: timeZone.value, ...options })
    timeFormats.set(key, format)
  }
  return format.format(time)
}

export function clockTime(time: number | string): string {
  return stamp(millis(time), { hour: '2-digit', minute: '2-digit', hour12: false })
}

export function clockSeconds(time: number | string): string {
  return stamp(millis(time), { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })
}

export function date(time: number | string): string {
  return stamp(millis(time), { day: '2-digit', month: '2-digit', year: 'numeric' })
}

/** 18:42 today, 21/11 18:42 on another day. */
export function moment(time: number | string, now: number): string {
  const at = millis(time)
  return date(at) === date(now)
    ? clockTime(at)
    : `${stamp(at, { day: '2-digit', month: '2-digit' })} ${clockTime(at)}`
}

/** An instant as a field of day and time takes it, in the province's zone: 2026-11-28T15:00. */
export function fieldTime(time: number | string): string {
  const parts = new Intl.DateTimeFormat('sv-SE', { timeZone: timeZone.value, dateStyle: 'short', timeStyle: 'short' })
  return parts.format(millis(time)).replace(' ', 'T')
}

/** The instant of a day and time that was typed, which is one of the province's zone. */
export function fieldInstant(typed: string): string {
  const asUtc = Date.parse(`${typed}Z`)
  const ahead = Date.parse(`${fieldTime(asUtc)}Z`) - asUtc
  return new Date(asUtc - ahead).toISOString()
}

export function weekday(time: number): string {
  return new Intl.DateTimeFormat(LOCALES[language.value], { timeZone: timeZone.value, weekday: 'long' }).format(time)
}

function millis(time: number | string): number {
  return typeof time === 'number' ? time : Date.parse(time)
}

/** "12 phút trước". */
export function age(time: number | string, now: number): string {
  const seconds = Math.max(0, (now - millis(time)) / 1000)
  const words = w()
  if (seconds < 10) return words.justNow
  if (seconds < 60) return words.secondsAgo(number(Math.floor(seconds / 10) * 10))
  if (seconds < 3600) return words.minutesAgo(number(Math.floor(seconds / 60)))
  if (seconds < 48 * 3600) return words.hoursAgo(number(Math.floor(seconds / 3600)))
  return words.daysAgo(number(Math.floor(seconds / 86400)))
}

/** "12 phút", how long something lasts. */
export function duration(seconds: number): string {
  const words = w()
  if (seconds < 60) return words.seconds(number(Math.floor(seconds)))
  if (seconds < 3600) return words.minutes(number(Math.floor(seconds / 60)))
  if (seconds < 48 * 3600) return words.hours(number(Math.floor(seconds / 3600)))
  return words.days(number(Math.floor(seconds / 86400)))
}

const UOMS: Record<string, [string, string]> = {
  '1': ['', ''],
  '': ['', ''],
  'ug/m3': ['µg/m³', 'µg/m³'],
  'mg/m3': ['mg/m³', 'mg/m³'],
  'm3/s': ['m³/s', 'm³/s'],
  Cel: ['°C', '°C'],
  'km/h': ['km/h', 'km/h'],
  '{beds}': ['giường', 'beds'],
  '{cases}': ['ca', 'cases'],
  '{calls}': ['cuộc gọi', 'calls'],
  '{calls}/h': ['cuộc/giờ', 'calls/h'],
  '{customers}': ['khách hàng', 'customers'],
  '{veh}/h': ['xe/giờ', 'veh/h'],
  '/h': ['mỗi giờ', 'per hour'],
  '{dossiers}': ['hồ sơ', 'dossiers'],
  '{points}': ['điểm', 'points'],
  '{procedures}': ['thủ tục', 'procedures'],
  '{tickets}': ['phản ánh', 'tickets'],
  '{alerts}': ['cảnh báo', 'alerts'],
  '{documents}': ['văn bản', 'documents'],
  '{certificates}': ['chứng thư', 'certificates'],
  '{computers}': ['máy', 'computers'],
  '{accounts}': ['tài khoản', 'accounts'],
  '{visits}': ['lượt', 'visits'],
  min: ['phút', 'min'],
  d: ['ngày', 'days'],
}

/** The sign of a UCUM measuring unit for people. */
export function uomSign(uom: string | null | undefined): string {
  if (!uom) return ''
  const known = UOMS[uom]
  if (known) return known[language.value === 'en' ? 1 : 0]
  return uom.replace(/[{}[\]]/g, '')
}

/** A value with its unit: "37,5 km/h", "52,3 %". */
export function withUom(value: number, uom: string | null | undefined, decimals?: number): string {
  const shown = decimals === undefined ? plain(value) : number(value, decimals)
  const sign = uomSign(uom)
  return sign ? `${shown} ${sign}` : shown
}

/** How a figure is written: a share kept as a fraction is shown in percent. */
export function figureScale(figure: FigureItem): { factor: number; sign: string } {
  if (figure.kind === 'share' && (figure.uom === '1' || figure.uom === '')) return { factor: 100, sign: '%' }
  return { factor: 1, sign: uomSign(figure.uom) }
}

export function figureNumber(figure: FigureItem, value: number | null = figure.value): string {
  return value === null ? '–' : number(value * figureScale(figure).factor, figure.decimals)
}

/** The distance to a target: between two shares it is counted in points, not in percent. */
export function gapText(figure: FigureItem, gap: number): string {
  return figure.uom === '%' ? w().points(figureNumber(figure, gap)) : figureText(figure, gap)
}

export function figureText(figure: FigureItem, value: number | null = figure.value): string {
  const { sign } = figureScale(figure)
  const shown = figureNumber(figure, value)
  return sign && value !== null ? `${shown} ${sign}` : shown
}
