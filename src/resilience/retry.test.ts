import { expect, test } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import type { RetryOptions } from './retry.ts'
import { pauseBefore, RetryBudget, readRetry } from './retry.ts'

function read(options: RetryOptions | true) {
  const settings = readRetry(options)
  if (settings === undefined) throw new Error('no retry')
  return settings
}

const coded = (code: string) => Object.assign(new Error('failed'), { code })

test('the options of retry have defaults', () => {
  expect(read(true)).toEqual({
    attempts: 3,
    backoff: 50,
    maxBackoff: 1_000,
    jitter: 'full',
    on: undefined,
  })
  expect(read({ backoff: 5_000 }).maxBackoff).toBe(5_000)
  expect([readRetry(undefined), readRetry(false)]).toEqual([undefined, undefined])
})

test.each([
  [{ attempts: 0 }, 'retry.attempts must be a whole number from 1 to 100; it is 0'],
  [{ attempts: 101 }, 'retry.attempts must be a whole number from 1 to 100; it is 101'],
  [{ backoff: -1 }, 'retry.backoff must be a number from 0 to'],
  [{ backoff: 100, maxBackoff: 99 }, 'retry.maxBackoff must be a number from 100 to'],
  [{ jitter: 'half' }, "retry.jitter must be one of 'full', 'none'; it is \"half\""],
  [{ on: '40001' }, 'retry.on must be a list of one or more error codes, or a function'],
  [{ on: [] }, 'retry.on must be a list of one or more error codes'],
  [{ on: [40001] }, 'retry.on must be a list of one or more error codes'],
  [{ retries: 3 }, 'retry.retries is not an option of Sluice; it has attempts, backoff,'],
])('the option %j is refused with its range', (value, sentence) => {
  expect(() => readRetry(value)).toThrow(sentence)
})

test('errors are named by their code, or by the class of their SQLSTATE', () => {
  const { on } = read({ on: ['40001', '08', 'ECONNRESET'] })
  const codes = ['40001', '40P01', '08006', '08', 'ECONNRESET', 'EC']
  expect(codes.filter((code) => on?.(coded(code)))).toEqual(['40001', '08006', '08', 'ECONNRESET'])
  expect(on?.(new Error('no code'))).toBe(false)
})

test('errors may be told by a function of the caller', () => {
  const { on } = read({ on: (error) => (error as Error).message === 'failed' })
  expect([on?.(coded('XX000')), on?.(new Error('else'))]).toEqual([true, false])
})

test('the pause doubles from the second try on, up to its longest', () => {
  const settings = read({ backoff: 100, maxBackoff: 500, jitter: 'none' })
  expect([2, 3, 4, 5, 6].map((attempt) => pauseBefore(attempt, settings, () => 0))).toEqual([
    100, 200, 400, 500, 500,
  ])
})

test('3 attempts with pauses of 1 s · 2ⁿ before jitter are to be had', () => {
  const settings = read({ attempts: 3, backoff: 1_000, maxBackoff: 60_000, jitter: 'none' })
  expect([2, 3].map((attempt) => pauseBefore(attempt, settings, () => 0))).toEqual([1_000, 2_000])
})

test('with jitter the whole pause is random', () => {
  const settings = read({ backoff: 100 })
  expect([0, 0.5].map((random) => pauseBefore(3, settings, () => random))).toEqual([0, 100])
})

test('a pool with few calls may retry a few of them a second', async () => {
  const clock = new ManualClock()
  const budget = new RetryBudget()
  const taken = () => Array.from({ length: 100 }).filter(() => budget.take(clock.now())).length
  expect(taken()).toBe(50)
  expect(budget.take(clock.now())).toBe(false)
  await clock.advance(10_000)
  expect(taken()).toBe(50)
})

test('a storm of failures is multiplied by no more than a fifth', () => {
  const clock = new ManualClock()
  const budget = new RetryBudget()
  let calls = 0
  let retries = 0
  for (let n = 0; n < 6_000; n++) {
    clock.jump(10)
    budget.call(clock.now())
    calls += 1
    // Every call fails, and each of its retries too.
    while (budget.take(clock.now())) retries += 1
  }
  expect(retries / calls).toBeGreaterThan(0.2)
  // A minute at 100 calls a second, of which the floor is 5.
  expect(retries / calls).toBeLessThan(0.26)
})
