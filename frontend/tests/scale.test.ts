import { describe, expect, it } from 'vitest'
import { classLabels, classOf, neutralScale, niceStep, targetScale } from '../src/map/scale'

describe('the choropleth scale', () => {
  it('is grey at the target and further off with each step below', () => {
    const scale = targetScale(51, 'up', [60, 40, 25])
    expect(scale.step).toBe(10)
    expect([51, 50.9, 41, 40.9, 30].map((value) => classOf(value, scale))).toEqual([0, 1, 1, 2, 3])
  })

  it('turns round for a target that wants less', () => {
    const scale = targetScale(5, 'down', [5, 8])
    expect([4, 5, 5.5, 8].map((value) => classOf(value, scale))).toEqual([0, 0, 1, 3])
  })

  it('is not stretched by one outlier', () => {
    const values = Array.from({ length: 40 }, () => 45)
    expect(targetScale(51, 'up', [...values, 2]).step).toBe(targetScale(51, 'up', values).step)
  })

  it('has no class for a missing value', () => {
    expect(classOf(null, targetScale(51, 'up', [40]))).toBe(-1)
  })

  it('names its limits', () => {
    expect(classLabels(targetScale(51, 'up', [25]), String)).toEqual(['≥ 51', '41–51', '31–41', '< 31'])
    expect(classLabels(neutralScale([0, 100]), String)).toEqual(['< 20', '20–40', '40–60', '60–80', '≥ 80'])
  })

  it('steps by round numbers', () => {
    expect([0.31, 1, 1.1, 11, 7, 0].map(niceStep)).toEqual([0.4, 1, 1.2, 12, 8, 1])
  })
})
