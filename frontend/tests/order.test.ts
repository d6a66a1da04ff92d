import { describe, expect, it } from 'vitest'
import { RESORT_EVERY, StillOrder, worstFirst } from '../src/live/order'
import type { AlertItem } from '../src/live/protocol'

function anAlert(given: Partial<AlertItem>): AlertItem {
  return {
    id: 'a',
    rule: 'r',
    kind: 'threshold',
    severity: 'medium',
    title: { vi: 't', en: 't' },
    reason: { vi: '', en: '' },
    state: 'active',
    acknowledged: false,
    acknowledged_by: null,
    acknowledged_at: null,
    since: '2026-11-22T09:00:00Z',
    cleared_at: null,
    place: { feature: null, name: 'p', point: null },
    unit: null,
    domain: 'traffic',
    feed: null,
    series: null,
    value: null,
    level: null,
    uom: null,
    value_time: null,
    ...given,
  }
}

describe('the order of alerts', () => {
  it('puts active before cleared, worse before better, and nobody’s before somebody’s', () => {
    const alerts = [
      anAlert({ id: 'cleared', severity: 'critical', state: 'cleared' }),
      anAlert({ id: 'low', severity: 'low' }),
      anAlert({ id: 'seen', severity: 'critical', acknowledged: true }),
      anAlert({ id: 'worst', severity: 'critical' }),
    ]
    expect(alerts.sort(worstFirst).map((alert) => alert.id)).toEqual(['worst', 'seen', 'low', 'cleared'])
  })

  it('keeps its order between re-sorts, with the new at the end and the gone gone', () => {
    const still = new StillOrder()
    expect(still.arrange(['a', 'b', 'c'], 0, false)).toEqual(['a', 'b', 'c'])
    expect(still.arrange(['z', 'c', 'a'], 1000, false)).toEqual(['a', 'c', 'z'])
    expect(still.arrange(['z', 'c', 'a'], RESORT_EVERY, false)).toEqual(['z', 'c', 'a'])
  })

  it('shows a new alert in its place at once when nothing has moved for a while', () => {
    const still = new StillOrder()
    still.arrange(['a', 'b'], 0, false)
    expect(still.arrange(['new', 'a', 'b'], RESORT_EVERY + 1, false)).toEqual(['new', 'a', 'b'])
  })

  it('does not move a row under the pointer', () => {
    const still = new StillOrder()
    still.arrange(['a', 'b'], 0, false)
    expect(still.arrange(['b', 'a'], RESORT_EVERY * 9, true)).toEqual(['a', 'b'])
  })
})
