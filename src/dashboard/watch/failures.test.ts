import { expect, test } from 'vitest'
import { failureOf } from './failures.ts'

test('codes that people meet are said in words, the others as they are', () => {
  expect(failureOf('28P01')).toBe('28P01: wrong password')
  expect(failureOf('XX000')).toBe('XX000')
  expect(failureOf('other')).toBe('an error of another kind')
  expect(failureOf('constructor')).toBe('constructor')
})
