import { expect, test } from 'vitest'
import { Opens } from './opens.ts'

test('four opens may be under way at once', () => {
  const opens = new Opens(() => 1)
  expect([0, 1, 4, 9].map((opening) => opens.allowance(opening, 0))).toEqual([4, 3, 0, 0])
})

test('after a failure none starts until the back-off is over, which grows with each failure', () => {
  const opens = new Opens(() => 1)
  const waits = [1, 2, 3, 4, 5, 6, 7].map(() => {
    opens.fail(new Error('no'), 100)
    return opens.retryAt - 100
  })
  expect(waits).toEqual([50, 100, 200, 400, 800, 1_000, 1_000])
  expect([opens.failures, opens.allowance(0, 1_099), opens.allowance(0, 1_100)]).toEqual([7, 0, 4])
})

test('a success ends the back-off and begins the count anew', () => {
  const opens = new Opens(() => 1)
  opens.fail(new Error('no'), 0)
  opens.fail(new Error('no'), 0)
  expect(opens.succeeded).toBe(false)
  opens.succeed()
  expect([opens.succeeded, opens.failures, opens.allowance(0, 0)]).toEqual([true, 0, 4])
  opens.fail(new Error('no'), 0)
  expect([opens.retryAt, opens.succeeded]).toEqual([50, true])
})

test('forgiving ends the back-off but is no success', () => {
  const opens = new Opens(() => 1)
  opens.fail(new Error('no'), 0)
  opens.forgive()
  expect([opens.failures, opens.retryAt, opens.succeeded]).toEqual([0, 0, false])
})

test('the last failure is told with its code and age, also after a success', () => {
  const opens = new Opens(() => 1)
  expect([opens.lastFailure(0), opens.lastError]).toEqual([undefined, undefined])
  const error = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  opens.fail(error, 100)
  opens.succeed()
  expect(opens.lastFailure(350)).toEqual({
    message: 'connect ECONNREFUSED',
    code: 'ECONNREFUSED',
    ageMillis: 250,
  })
  expect(opens.lastError).toBe(error)
})
