import { beforeEach, describe, expect, it } from 'vitest'
import { age, clockTime, date, fieldInstant, fieldTime, figureText, number, timeZone, uomSign } from '../src/i18n/format'
import { language } from '../src/i18n/words'
import type { FigureItem } from '../src/live/protocol'

const NOW = Date.parse('2026-11-22T11:42:00Z')

describe('what people read', () => {
  beforeEach(() => {
    language.value = 'vi'
  })

  it('writes numbers the Vietnamese way, and the English way after the switch', () => {
    expect(number(1234.5, 1)).toBe('1.234,5')
    language.value = 'en'
    expect(number(1234.5, 1)).toBe('1,234.5')
  })

  it('writes dates and times in the province’s zone', () => {
    expect(date(NOW)).toBe('22/11/2026')
    expect(clockTime(NOW)).toBe('18:42')
  })

  it('takes a typed day and time for one of the province, in summer time too', () => {
    expect(fieldTime(NOW)).toBe('2026-11-22T18:42')
    expect(fieldInstant('2026-11-22T18:42')).toBe('2026-11-22T11:42:00.000Z')
    timeZone.value = 'Europe/Berlin'
    expect(fieldInstant('2026-07-01T12:00')).toBe('2026-07-01T10:00:00.000Z')
    timeZone.value = 'Asia/Ho_Chi_Minh'
  })

  it('writes ages in words', () => {
    expect(age(NOW - 3_000, NOW)).toBe('vừa xong')
    expect(age(NOW - 12 * 60_000, NOW)).toBe('12 phút trước')
    expect(age(NOW - 3 * 86_400_000, NOW)).toBe('3 ngày trước')
  })

  it('writes a share in percent and an empty figure as a dash', () => {
    const share = { kind: 'share', uom: '%', decimals: 1, value: 47.24 } as FigureItem
    expect(figureText(share)).toBe('47,2 %')
    expect(figureText({ ...share, value: null })).toBe('–')
  })

  it('writes measuring units as signs', () => {
    expect(uomSign('ug/m3')).toBe('µg/m³')
    expect(uomSign('{veh}/h')).toBe('xe/giờ')
    expect(uomSign('{pigs}/d')).toBe('pigs/d')
  })
})
