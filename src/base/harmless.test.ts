import { expect, test } from 'vitest'
import { harmless } from './harmless.ts'

test('what a terminal would obey, breaks a line or turns words round is one space', () => {
  expect(harmless('a\u001B\u0007b\r\nc\u202Ed\u2028e\u009Bf')).toBe('a b c d e f')
})

test('what people write stays as it is', () => {
  expect(harmless('plain, ünïcödé, 漢字 and 🎈')).toBe('plain, ünïcödé, 漢字 and 🎈')
})
