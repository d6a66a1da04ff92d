import { beforeEach, describe, expect, it } from 'vitest'
import { speak } from '../src/i18n/words'
import { gapSentence, movements, paceSentence, withCounts } from '../src/standing/tell'
import type { FigureItem, Outlook } from '../src/live/protocol'

const share = (more: Partial<FigureItem> = {}) =>
  ({
    indicator: 'online-share',
    kind: 'share',
    uom: '%',
    decimals: 1,
    value: 50,
    numerator: 5,
    denominator: 10,
    standing: 'behind',
    target: { value: 51, direction: 'up' },
    ...more,
  }) as FigureItem

const period = (name: string, value: number | null, numerator = 4, denominator = 10) => ({ period: name, value, numerator, denominator })
const outlook = (needed: number | null, course: Outlook['course'] = 'at_risk') => ({ course, needed, recent: 54.6, reason: { vi: '', en: '' } })
const plain = (text: string) => text.replaceAll('\u00a0', ' ')

describe('a figure in sentences', () => {
  beforeEach(() => speak('vi'))

  it('says each percentage with what it is made of', () => {
    expect(plain(withCounts(share()))).toBe('50,0 %, 5 / 10')
    expect(plain(withCounts(share({ kind: 'sum', uom: '{dossiers}', decimals: 0, denominator: null })))).toBe('50 hồ sơ')
  })

  it('says the gap with its sign and its word, on either side of the target', () => {
    expect(gapSentence(share())).toBe('▼ thiếu 1,0 điểm %')
    expect(gapSentence(share({ value: 54, standing: 'met' }))).toBe('đạt, hơn mức giao +3,0 điểm %')
    expect(gapSentence(share({ target: null, standing: 'none' }))).toBe('')
  })

  it('tells one period once, that is both the one before and the same of last year', () => {
    const one = period('2025-01-01/2025-11-29', 40)
    expect(movements(share({ previous: one, same_last_year: one })).map(plain)).toEqual([
      '▲ +10,0 điểm %, tốt hơn cùng kỳ năm trước (40,0 %, 4 / 10)',
    ])
    expect(movements(share({ previous: period('2026-10', 60), same_last_year: one }))).toHaveLength(2)
  })

  it('does not judge where nobody says which side is better, nor compare with nothing', () => {
    const received = { indicator: 'dossiers-received', kind: 'sum' as const, uom: '{dossiers}', decimals: 0, target: null, denominator: null }
    expect(movements(share({ ...received, same_last_year: period('2025', 40) }))[0]).toContain('nhiều hơn')
    expect(movements(share({ same_last_year: period('2025', null) }))).toEqual([])
    expect(movements(share({ same_last_year: period('2025', 50.01) }))[0]).toContain('Không đổi')
  })

  it('says what is needed only while it can be reached and is not reached for sure', () => {
    expect(plain(paceSentence(share(), outlook(59.9)))).toBe('Cần 59,9 % hồ sơ còn lại; 4 tuần qua 54,6 %')
    expect(paceSentence(share(), outlook(101, 'off_track'))).toBe('Không thể đạt trong kỳ này')
    expect(paceSentence(share(), outlook(-3, 'on_track'))).toBe('Chắc chắn đạt, dù hồ sơ còn lại thế nào')
    const down = share({ target: { value: 5, direction: 'down' } as FigureItem['target'] })
    expect(plain(paceSentence(down, outlook(4)))).toContain('Chỉ được 4,0 %')
    expect(paceSentence(down, outlook(-1, 'off_track'))).toBe('Không thể đạt trong kỳ này')
    expect(paceSentence(share(), outlook(null, 'unknown'))).toBe('')
  })
})
