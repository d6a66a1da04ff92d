import { describe, expect, it } from 'vitest'
import { asked, isNarrow, NO_FILTER, passes, readFilter, writeFilter, type Filter } from '../src/console/filter'
import type { AlertItem, Me } from '../src/live/protocol'

const ME: Me = { name: 'an', full_name: 'An', role: 'operator', units: [{ id: 'so-y-te', name: 'Sở Y tế' }], permissions: [] }

const JAM = {
  id: 'a', severity: 'high', domain: 'traffic', state: 'active', acknowledged: false, acknowledged_by: null,
  title: { vi: 'Ùn tắc giao thông', en: 'Traffic jam' }, place: { feature: null, name: 'Quốc lộ 2, Vĩnh Yên', point: null },
  unit: { id: 'so-xay-dung', name: 'Sở Xây dựng' },
} as AlertItem

function shows(change: Partial<Filter>, alert: Partial<AlertItem> = {}): boolean {
  return passes({ ...JAM, ...alert }, { ...NO_FILTER, ...change }, ME)
}

describe('a filter of alerts', () => {
  it('lets everything through when it says nothing', () => expect(shows({})).toBe(true))

  it('finds names without regard to marks, word by word, in both languages', () => {
    for (const text of ['un tac', 'QUOC LO vinh', 'xay dung jam', 'ùn']) expect(shows({ text })).toBe(true)
    expect(shows({ text: 'ngap' })).toBe(false)
    expect(shows({ text: 'un ngap' })).toBe(false)
  })

  it('takes what any of the chosen severities has', () => {
    expect(shows({ severities: ['critical', 'high'] })).toBe(true)
    expect(shows({ severities: ['critical'] })).toBe(false)
  })

  it('knows an alert by who answers for it and by who is to deal with it', () => {
    expect(shows({ unit: 'so-xay-dung' })).toBe(true)
    expect(shows({ unit: 'so-y-te' })).toBe(false)
    expect(shows({ unit: 'so-y-te' }, { assignee: { id: 'so-y-te', name: 'Sở Y tế' } })).toBe(true)
  })

  it('holds what I acknowledged and what my unit is to do for mine', () => {
    expect(shows({ mine: true })).toBe(false)
    expect(shows({ mine: true }, { acknowledged_by: 'an' })).toBe(true)
    expect(shows({ mine: true }, { assignee: { id: 'so-y-te', name: 'Sở Y tế' } })).toBe(true)
  })

  it('leaves out what is kept quiet when only the loud are wanted', () => {
    expect(shows({ loud: true })).toBe(true)
    expect(shows({ loud: true }, { shelved: { until: '2026-11-28T09:00:00Z', by: 'an', why: 'x' } })).toBe(false)
    expect(shows({ loud: true }, { muted: { cause: 'silence', by: 's', reason: { vi: '', en: '' } } })).toBe(false)
  })

  it('comes back from the address as it was put there', () => {
    const filter: Filter = { text: 'vĩnh yên', severities: ['critical', 'low'], domain: 'it', unit: 'u', state: 'shelved', mine: true, loud: true }
    const address = new URLSearchParams(Object.entries(writeFilter(filter)).flatMap(([name, value]) => (value ? [[name, value]] : [])))
    expect(readFilter(address)).toEqual(filter)
    expect(isNarrow(filter)).toBe(true)
    expect(readFilter(new URLSearchParams('severity=odd&state=odd'))).toEqual(NO_FILTER)
    expect(isNarrow(NO_FILTER)).toBe(false)
  })

  it('asks the server for the same of what has closed', () => {
    expect(asked({ ...NO_FILTER, severities: ['high', 'low'], text: ' ùn ', loud: true }).toString()).toBe(
      'severity=high&severity=low&muted=false&q=%C3%B9n',
    )
  })
})
