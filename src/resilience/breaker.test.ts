import { expect, test } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import { SluiceError } from '../base/errors.ts'
import type { BreakerOptions, Pass } from './breaker.ts'
import { Breaker, readBreaker } from './breaker.ts'

function make(options: BreakerOptions = {}, random = 1) {
  const clock = new ManualClock()
  const told: string[] = []
  const settings = readBreaker({ minimumCalls: 4, ...options })
  if (settings === undefined) throw new Error('no breaker')
  const breaker = new Breaker(
    settings,
    () => random,
    (state, reason) => void told.push(`${state}: ${reason}`),
  )
  const admit = (): Pass => {
    const pass = breaker.admit(clock.now())
    if (pass === undefined) throw new Error(`refused while ${breaker.state}`)
    return pass
  }
  const succeed = (times = 1) => {
    for (let n = 0; n < times; n++) breaker.succeeded(admit(), clock.now())
  }
  const fail = (times = 1) => {
    for (let n = 0; n < times; n++) breaker.failed(admit(), clock.now())
  }
  const refuses = () => breaker.admit(clock.now()) === undefined
  const stats = () => breaker.stats(clock.now())
  return { admit, breaker, clock, fail, refuses, stats, succeed, told }
}

test('a breaker opens when the failure rate is reached, and says so in numbers', () => {
  const { breaker, fail, refuses, stats, succeed, told } = make()
  succeed(2)
  fail(1)
  expect(breaker.state).toBe('closed')
  fail(1)
  expect(told).toEqual(['open: 2 of 4 calls in the last 10,000 ms failed'])
  expect(refuses()).toBe(true)
  expect(stats()).toEqual({
    state: 'open',
    calls: 4,
    failures: 2,
    retryAfterMillis: 1_000,
    openedTimes: 1,
  })
})

test('a breaker stays closed below the least number of calls, whatever their rate', () => {
  const { breaker, fail } = make()
  fail(3)
  expect(breaker.state).toBe('closed')
  fail(1)
  expect(breaker.state).toBe('open')
})

test('failures count for as long as they are within the window', async () => {
  const { breaker, clock, fail, stats } = make()
  fail(3)
  await clock.advance(10_000)
  expect(stats()).toMatchObject({ calls: 0, failures: 0 })
  fail(3)
  expect(breaker.state).toBe('closed')
})

test('a rate is met exactly', () => {
  const { breaker, fail, succeed } = make({ failureRate: 0.07, minimumCalls: 100 })
  succeed(93)
  fail(6)
  expect(breaker.state).toBe('closed')
  fail(1)
  expect(breaker.state).toBe('open')
})

test('a breaker opens on opens that fail in a row, and one that succeeds begins the row anew', () => {
  const { breaker, clock, told } = make({ openFailures: 3 })
  for (let n = 0; n < 2; n++) breaker.openFailed(clock.now())
  breaker.opened()
  for (let n = 0; n < 2; n++) breaker.openFailed(clock.now())
  expect(breaker.state).toBe('closed')
  breaker.openFailed(clock.now())
  expect(told).toEqual(['open: 3 opens in a row failed'])
})

test('once the cooldown is over one call goes to see, and the others are refused until it ends', async () => {
  const { admit, breaker, clock, fail, refuses, told } = make()
  fail(4)
  await clock.advance(999)
  expect(refuses()).toBe(true)
  await clock.advance(1)
  const probe = admit()
  expect([breaker.state, refuses()]).toEqual(['half-open', true])
  breaker.succeeded(probe, clock.now())
  expect([breaker.state, refuses()]).toEqual(['closed', false])
  expect(told.slice(1)).toEqual([
    'half-open: the cooldown of 1,000 ms is over',
    'closed: the probe was answered',
  ])
})

test('each probe that fails doubles the cooldown, up to its longest, and a success starts from the beginning', async () => {
  const { clock, fail, stats, succeed } = make({ maxCooldownMillis: 5_000 })
  const cooldowns: number[] = []
  fail(4)
  for (let n = 0; n < 5; n++) {
    cooldowns.push(stats().retryAfterMillis)
    await clock.advance(stats().retryAfterMillis)
    if (n < 4) fail(1)
  }
  succeed(1)
  fail(4)
  expect(cooldowns).toEqual([1_000, 2_000, 4_000, 5_000, 5_000])
  expect(stats()).toMatchObject({ retryAfterMillis: 1_000, openedTimes: 6 })
})

test('half of a cooldown is random, so that a fleet does not come back in one moment', () => {
  const cooldowns = [0, 0.5, 1].map((random) => {
    const { fail, stats } = make({}, random)
    fail(4)
    return stats().retryAfterMillis
  })
  expect(cooldowns).toEqual([500, 750, 1_000])
})

test('a closed breaker has forgotten the failures from before', async () => {
  const { clock, fail, stats, succeed } = make()
  fail(4)
  await clock.advance(1_000)
  succeed(1)
  expect(stats()).toMatchObject({ state: 'closed', calls: 0, failures: 0 })
})

test('a probe whose end says nothing leaves its place to the next call', async () => {
  const { admit, breaker, clock, fail, refuses } = make()
  fail(4)
  await clock.advance(1_000)
  breaker.neutral(admit())
  expect(breaker.state).toBe('half-open')
  breaker.succeeded(admit(), clock.now())
  expect([breaker.state, refuses()]).toEqual(['closed', false])
})

test('a probe that never ends holds its place for a bounded time', async () => {
  const { admit, breaker, clock, fail, refuses, stats } = make()
  fail(4)
  await clock.advance(1_000)
  const lost = admit()
  await clock.advance(4_999)
  expect([refuses(), stats().retryAfterMillis]).toEqual([true, 1])
  await clock.advance(1)
  const next = admit()
  breaker.failed(lost, clock.now())
  expect(breaker.state).toBe('half-open')
  breaker.neutral(lost)
  expect(refuses()).toBe(true)
  breaker.failed(next, clock.now())
  expect(breaker.state).toBe('open')
})

test('a probe that is answered late closes the breaker, although another was let go', async () => {
  const { admit, breaker, clock, fail } = make()
  fail(4)
  await clock.advance(1_000)
  const slow = admit()
  await clock.advance(5_000)
  const next = admit()
  breaker.succeeded(slow, clock.now())
  expect(breaker.state).toBe('closed')
  breaker.failed(next, clock.now())
  expect([breaker.state, breaker.stats(clock.now()).failures]).toEqual(['closed', 0])
})

test('calls let go in an earlier state change nothing in a later one', async () => {
  const { admit, breaker, clock, fail, stats, succeed } = make()
  const late = Array.from({ length: 9 }, () => admit())
  const [first, second, ...rest] = late as [Pass, Pass, ...Pass[]]
  fail(4)
  breaker.succeeded(first, clock.now())
  expect(breaker.state).toBe('open')
  await clock.advance(1_000)
  const probe = admit()
  breaker.failed(second, clock.now())
  expect(breaker.state).toBe('half-open')
  breaker.succeeded(probe, clock.now())
  for (const pass of rest) breaker.failed(pass, clock.now())
  expect(stats()).toMatchObject({ state: 'closed', calls: 0, failures: 0, openedTimes: 1 })
  succeed(1)
  expect(stats().calls).toBe(1)
})

test('a connection that could be opened lets a call go to see at once', () => {
  const { admit, breaker, clock, told } = make({ openFailures: 1 })
  breaker.openFailed(clock.now())
  breaker.opened()
  expect(told.at(-1)).toBe('half-open: a connection could be opened')
  breaker.succeeded(admit(), clock.now())
  expect(breaker.state).toBe('closed')
})

test('a half-open breaker opens again on as many failed opens as a closed one', async () => {
  const { admit, breaker, clock, stats } = make({ openFailures: 2 })
  for (let n = 0; n < 2; n++) breaker.openFailed(clock.now())
  await clock.advance(1_000)
  const probe = admit()
  breaker.openFailed(clock.now())
  expect(breaker.state).toBe('half-open')
  breaker.openFailed(clock.now())
  breaker.openFailed(clock.now())
  expect(stats()).toMatchObject({ state: 'open', retryAfterMillis: 2_000, openedTimes: 2 })
  breaker.failed(probe, clock.now())
  expect(stats().openedTimes).toBe(2)
})

test('a refusal says why, that nothing was sent, and when to try again', async () => {
  const { admit, breaker, clock, fail } = make()
  fail(4)
  await clock.advance(400)
  const refusal = breaker.refusal(clock.now())
  expect(SluiceError.is(refusal, 'SLUICE_BREAKER_OPEN')).toBe(true)
  expect(refusal).toMatchObject({ phase: 'queue', retryAfterMillis: 600, outcome: 'not-sent' })
  expect(refusal.message).toBe(
    'the circuit breaker is open, since 4 of 4 calls in the last 10,000 ms failed; nothing was sent; try again in 600 ms',
  )
  await clock.advance(600)
  fail(1)
  await clock.advance(2_000)
  admit()
  expect(breaker.refusal(clock.now()).message).toBe(
    'the circuit breaker is half-open, since 4 of 4 calls in the last 10,000 ms failed and 1 try after that, ' +
      'and one call is out to see whether the server is back; nothing was sent; try again in 1,000 ms',
  )
})

test('a breaker arms no timer and holds no process up', async () => {
  const { clock, fail } = make()
  fail(4)
  await clock.advance(1_000)
  expect(clock.armed()).toBe(0)
})

test('the options of a breaker have defaults', () => {
  expect(readBreaker(true)).toEqual({
    failureRate: 0.5,
    minimumCalls: 20,
    windowMillis: 10_000,
    openFailures: 5,
    cooldownMillis: 1_000,
    maxCooldownMillis: 30_000,
  })
  expect(readBreaker({ cooldownMillis: 60_000 })?.maxCooldownMillis).toBe(60_000)
  expect([readBreaker(undefined), readBreaker(false)]).toEqual([undefined, undefined])
})

test.each([
  [{ failureRate: 0 }, 'circuitBreaker.failureRate must be a number from 0.01 to 1; it is 0'],
  [
    { minimumCalls: 0.5 },
    'circuitBreaker.minimumCalls must be a whole number from 1 to 1,000,000; it is 0.5',
  ],
  [{ windowMillis: 5 }, 'circuitBreaker.windowMillis must be a number from 100 to'],
  [{ maxCooldownMillis: 999 }, 'circuitBreaker.maxCooldownMillis must be a number from 1,000 to'],
  [{ openFailure: 3 }, 'did you mean circuitBreaker.openFailures?'],
  ['yes', 'circuitBreaker must be true, false or an object of failureRate, '],
])('the option %j is refused with its range', (value, sentence) => {
  expect(() => readBreaker(value)).toThrow(sentence)
})
