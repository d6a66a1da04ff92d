import { expect, test } from 'vitest'
import { propertyWord, textWord } from '../src/i18n/words'

test('state and clock of a ticket are told in words', () => {
  expect(propertyWord('clock')).toBe('Thời hạn xử lý')
  expect(textWord('clock', 'missed')).toBe('quá hạn')
  expect(textWord('state', 'in_progress')).toBe('Đang xử lý')
})

test("an agency's own text is shown as it came", () => {
  expect(textWord('state', 'ĐANG BẢO TRÌ')).toBe('ĐANG BẢO TRÌ')
  expect(textWord('mode', 'auto')).toBe('auto')
})
