import { describe, expect, it } from 'vitest'
import { featureFreshness, freshness } from '../src/live/freshness'

const NOW = Date.parse('2026-11-22T09:00:00Z')
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString()

describe('freshness', () => {
  it('ages a value while the client is cut off', () => {
    const value = { time: ago(700), state: 'fresh' as const, late_after: 600, stale_after: 3600 }
    expect(freshness(value, NOW)).toBe('late')
    expect(freshness(value, NOW + 3_600_000)).toBe('stale')
  })

  it('never makes a value younger than the server says', () => {
    expect(freshness({ time: ago(1), state: 'stale', late_after: 600, stale_after: 3600 }, NOW)).toBe('stale')
  })

  it('leaves a figure without a time to the server', () => {
    expect(freshness({ time: null, state: 'fresh' }, NOW)).toBe('fresh')
    expect(freshness({ time: null, state: 'never' }, NOW)).toBe('never')
  })

  it('takes a feature to be as fresh as its newest value', () => {
    const value = (seconds: number) => ({ value: 1, time: ago(seconds), uom: null, state: 'fresh' as const })
    const feature = {
      type: 'Feature' as const,
      id: 'f',
      geometry: null,
      properties: { name: 'f', unit: null, values: { old: value(9000), young: value(5) }, late_after: 600, stale_after: 3600 },
    }
    expect(featureFreshness(feature, NOW)).toBe('fresh')
  })
})
