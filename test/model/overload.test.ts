// More work than a pool can do: what is done in time, and for whom. Four connections and work of 10 ms: 400 a second.
import { expect, test } from 'vitest'
import type { Outcome } from './load.ts'
import { play } from './load.ts'

const CAPACITY = 400
const MAX = 4

async function overload(times: number, seed: number) {
  const high = 0.2 * CAPACITY
  const rest = (times * CAPACITY - high) / 2
  const deadlineMillis = 500
  let standing = 0
  const outcomes = await play({
    streams: [
      { name: 'high', priority: 'high', perSecond: high, deadlineMillis },
      { name: 'medium', priority: 'medium', perSecond: rest, deadlineMillis },
      { name: 'low', priority: 'low', perSecond: rest, deadlineMillis },
    ],
    options: { max: MAX },
    serviceMillis: 10,
    warmMillis: 1_000,
    millis: 6_000,
    seed,
    watch: ({ pool }) => {
      if (pool.stats().overloaded) standing += 1
    },
  })
  return { of: (name: string) => outcomes.get(name) as Outcome, standing }
}

test.each([1.3, 2, 10])(
  'at %d times of what the pool can do, urgent work is done in time, the pool is busy with what can still be in time, and nobody starves',
  { timeout: 60_000 },
  async (times) => {
    for (const seed of [1, 2]) {
      const { of, standing } = await overload(times, seed)
      const done = of('high').onTime + of('medium').onTime + of('low').onTime
      expect(of('high').onTime / of('high').asked).toBeGreaterThanOrEqual(0.9)
      expect(done / (5 * CAPACITY)).toBeGreaterThanOrEqual(0.8)
      // One connection's worth is a quarter; the low ones must come in time for it.
      expect(of('low').onTime / (5 * CAPACITY)).toBeGreaterThan(0.1)
      expect(standing).toBeGreaterThan(3_000)
    }
  },
)

test('at ten times most of those that cannot be served are told at once', { timeout: 60_000 }, async () => {
  const { of } = await overload(10, 3)
  for (const name of ['medium', 'low']) {
    const { gaveUp, turnedAway } = of(name)
    expect(turnedAway).toBeGreaterThan(gaveUp)
  }
})

test('below what the pool can do nobody is turned away', { timeout: 60_000 }, async () => {
  const { of } = await overload(0.8, 4)
  for (const name of ['high', 'medium', 'low']) {
    const { asked, gaveUp, late, turnedAway } = of(name)
    expect([asked > 0, gaveUp, late, turnedAway]).toEqual([true, 0, 0, 0])
  }
})

test('the quiet agent beside a noisy one with a thousand statements queued waits for two of them at most', {
  timeout: 60_000,
}, async () => {
  let queued = 0
  const outcomes = await play({
    streams: [
      { name: 'noisy', agent: 'noisy', perSecond: 1_000 },
      { name: 'quiet', agent: 'quiet', perSecond: 15 },
    ],
    options: { max: MAX },
    serviceMillis: 10,
    warmMillis: 2_000,
    millis: 6_000,
    seed: 5,
    watch: ({ clock, pool }) => {
      if (clock.now() >= 2_000 && clock.now() < 6_000 && pool.numbers().waiting >= 1_000) queued += 1
    },
  })
  const { asked, waits } = outcomes.get('quiet') as Outcome
  expect(queued).toBe(4_000)
  expect([asked > 30, waits.length]).toEqual([true, asked])
  expect(Math.max(...waits)).toBeLessThanOrEqual(20)
})

test('an agent bounded to two connections never holds more, and leaves the others to everybody else', {
  timeout: 60_000,
}, async () => {
  let most = 0
  const outcomes = await play({
    streams: [
      { name: 'noisy', agent: 'noisy', perSecond: 1_000 },
      { name: 'quiet', agent: 'quiet', perSecond: 50 },
    ],
    options: { max: MAX, agents: { max: { noisy: 2 } } },
    serviceMillis: 10,
    millis: 3_000,
    seed: 6,
    watch: ({ pool }) => {
      most = Math.max(most, pool.connections().filter(({ agent }) => agent === 'noisy').length)
    },
  })
  const { waits } = outcomes.get('quiet') as Outcome
  expect(most).toBe(2)
  expect(waits.filter((millis) => millis === 0).length / waits.length).toBeGreaterThan(0.8)
})
