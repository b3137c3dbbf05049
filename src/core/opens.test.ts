import { expect, test } from 'vitest'
import { Opens } from './opens.ts'

test('four opens may be under way at once', () => {
  const opens = new Opens(() => 1)
  expect([0, 1, 4, 9].map((opening) => opens.allowance(opening, 0))).toEqual([4, 3, 0, 0])
})

test('after a failure none starts until the back-off is over, which grows with each failure', () => {
  const opens = new Opens(() => 1)
  const waits = [1, 2, 3, 4, 5, 6].map(() => {
    opens.fail(new Error('no'), 'passing', 100, 100)
    return opens.retryAt - 100
  })
  expect(waits).toEqual([50, 100, 200, 400, 500, 500])
  expect([opens.failures, opens.allowance(0, 599), opens.allowance(0, 600)]).toEqual([6, 0, 4])
})

test('opens that were under way together fail as one', () => {
  const opens = new Opens(() => 1)
  for (const at of [110, 111, 112]) opens.fail(new Error('no'), 'crowded', 100, at)
  expect([opens.failures, opens.retryAt, opens.allowance(0, 200)]).toEqual([1, 160, 2])
  opens.fail(new Error('no'), 'passing', 160, 170)
  expect([opens.failures, opens.retryAt]).toEqual([2, 270])
})

test('opens that overlap without end do not put the back-off off', () => {
  const opens = new Opens(() => 1)
  for (let at = 10; at < 100; at += 10) opens.fail(new Error('no'), 'passing', at - 15, at)
  expect(opens.failures).toBeGreaterThan(3)
  expect(opens.retryAt).toBeGreaterThan(250)
})

test('a server that has no place left halves the pace each time, and each success takes it up again', () => {
  const opens = new Opens(() => 0)
  const crowded = (at: number) => {
    opens.fail(new Error('too many clients already'), 'crowded', at, at)
    return opens.allowance(0, at)
  }
  expect([crowded(1), crowded(2), crowded(3)]).toEqual([2, 1, 1])
  const allowed = [5, 5, 5, 5].map((millis) => {
    opens.succeed(millis)
    return opens.allowance(0, 4)
  })
  expect(allowed).toEqual([2, 3, 4, 4])
})

test('what an open takes follows the last ones', () => {
  const opens = new Opens(() => 1)
  expect(opens.typicalMillis).toBe(undefined)
  opens.succeed(80)
  opens.succeed(160)
  expect(opens.typicalMillis).toBe(90)
})

test('a success ends the back-off and begins the count anew', () => {
  const opens = new Opens(() => 1)
  opens.fail(new Error('no'), 'passing', 0, 0)
  opens.fail(new Error('no'), 'passing', 0, 0)
  expect(opens.succeeded).toBe(false)
  opens.succeed(1)
  expect([opens.succeeded, opens.failures, opens.allowance(0, 0)]).toEqual([true, 0, 4])
  opens.fail(new Error('no'), 'passing', 0, 0)
  expect([opens.retryAt, opens.succeeded]).toEqual([50, true])
})

test('forgiving ends the back-off but is no success', () => {
  const opens = new Opens(() => 1)
  opens.fail(new Error('no'), 'passing', 0, 0)
  opens.forgive()
  expect([opens.failures, opens.retryAt, opens.succeeded]).toEqual([0, 0, false])
})

test('the last failure is told with its code and age, also after a success', () => {
  const opens = new Opens(() => 1)
  expect([opens.lastFailure(0), opens.lastError]).toEqual([undefined, undefined])
  const error = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  opens.fail(error, 'passing', 100, 100)
  opens.succeed(1)
  expect(opens.lastFailure(350)).toEqual({
    message: 'connect ECONNREFUSED',
    code: 'ECONNREFUSED',
    ageMillis: 250,
  })
  expect(opens.lastError).toBe(error)
})
