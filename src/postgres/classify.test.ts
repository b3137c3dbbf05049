import { expect, test } from 'vitest'
import { verdictOf } from './classify.ts'

const coded = (code: string | undefined, routine?: string) =>
  Object.assign(new Error('refused'), { code, routine })

test.each([
  ['57P01', 'retire'],
  ['57P04', 'retire'],
  ['57P05', 'retire'],
  ['25P03', 'retire'],
  ['08000', 'retire'],
  ['08P01', 'retire'],
  ['57P02', 'renew'],
  ['57P03', 'renew'],
  ['25006', 'ask'],
  ['23505', 'keep'],
  ['40001', 'keep'],
  ['57014', 'keep'],
  ['53300', 'keep'],
  ['0A000', 'keep'],
  ['ECONNRESET', 'keep'],
  [undefined, 'keep'],
])('after %s the verdict is %s', (code, verdict) => {
  expect(verdictOf(coded(code))).toBe(verdict)
})

test('of what is not supported, only a plan that no longer fits speaks against the connection', () => {
  expect(verdictOf(coded('0A000', 'RevalidateCachedQuery'))).toBe('retire')
  expect(verdictOf(coded('0A000', 'transformLockingClause'))).toBe('keep')
})

test('a violation of the protocol speaks against the connection unless the session goes on after it', () => {
  const violation = (severity: string) => Object.assign(coded('08P01'), { severity })
  expect(verdictOf(violation('FATAL'))).toBe('retire')
  // A Bind with too many values.
  expect(verdictOf(violation('ERROR'))).toBe('keep')
})
