import { expect, test } from 'vitest'
import { SluiceError } from '../base/errors.ts'
import { adviceForTraffic, PRESETS, trafficOf } from './presets.ts'
import { minFor, sizeForTier, TIERS } from './tiers.ts'

test.each([
  ['free', 2, 60, 10, 50, [8, 12], [15, 20], 10, 2],
  ['small', 2, 90, 10, 80, [8, 12], [20, 30], 20, 5],
  ['medium', 4, 150, 15, 135, [16, 24], [30, 50], 40, 10],
  ['large', 8, 200, 20, 180, [32, 48], [50, 100], 60, 15],
  ['xl', 16, 300, 30, 270, [64, 96], [100, 200], 100, 25],
  ['2xl', 32, 500, 50, 450, [128, 192], [200, 400], 150, 37],
])(
  'tier %s: %i CPUs, %i connections, %i reserved, %i available, base %j, agents %j, recommended %i, min %i',
  (name, cpu, maxConnections, reserved, available, base, agent, recommended, min) => {
    const [basePool, agentPool] = [base, agent].map(([from, to]) => ({ from, to }))
    const answer = sizeForTier(name)
    expect(answer.tier).toEqual({
      cpu,
      maxConnections,
      reserved,
      available,
      basePool,
      agentPool,
      recommended,
    })
    expect([answer.value, answer.min]).toEqual([recommended, min])
  },
)

test('there are six tiers, and an unknown one is an error that lists them', () => {
  expect(Object.keys(TIERS)).toHaveLength(6)
  let error: unknown
  try {
    sizeForTier('midium')
  } catch (caught) {
    error = caught
  }
  expect(SluiceError.is(error, 'SLUICE_BAD_OPTION')).toBe(true)
  expect(String(error)).toContain(
    'tier must be one of free, small, medium, large, xl, 2xl; it is "midium"; did you mean medium?',
  )
  expect(() => sizeForTier('toString')).toThrow('tier must be one of')
})

test('min is a quarter of max, rounded down', () => {
  expect([4, 10, 20, 3, 1].map(minFor)).toEqual([1, 2, 5, 0, 0])
})

test('the presets by traffic have the sizes, timeouts and lifetimes that the environment names', () => {
  const lifetime = { maxLifetimeMillis: 3_600_000 }
  expect(PRESETS).toEqual({
    development: { max: 3, maxOverflow: 5, acquireTimeoutMillis: 30_000, ...lifetime, echo: true },
    small: { max: 5, maxOverflow: 10, acquireTimeoutMillis: 30_000, ...lifetime },
    medium: { max: 15, maxOverflow: 30, acquireTimeoutMillis: 30_000, ...lifetime },
    large: { max: 30, maxOverflow: 60, acquireTimeoutMillis: 20_000, ...lifetime },
  })
})

test.each([
  [0, 'small'],
  [99, 'small'],
  [100, 'medium'],
  [1_000, 'medium'],
  [1_001, 'large'],
])('%i requests a minute are %s traffic', (perMinute, name) => {
  expect(trafficOf(perMinute)).toBe(name)
})

test.each([
  [50, [5, 10]],
  [500, [10, 20]],
  [5_000, [20, 50]],
])('for %i requests a minute the pool is %j and the overflow twice that', (perMinute, [from, to]) => {
  const { pool, overflow } = adviceForTraffic({ perMinute })
  expect(pool).toEqual({ from, to })
  expect(overflow).toEqual({ from: 2 * from!, to: 2 * to! })
})

test('advice by traffic shows its arithmetic and what it does not know', () => {
  const { arithmetic, caveat } = adviceForTraffic({ perMinute: 500 })
  expect(arithmetic).toBe('500 requests a minute are medium traffic: pool 10–20, overflow 2 × 10–20 = 20–40')
  expect(caveat).toContain('not how long each takes')
})

test('services wait 10 to 30 s, background jobs 60 to 120 s', () => {
  expect(adviceForTraffic({ perMinute: 1 }).acquireTimeoutMillis).toEqual({ from: 10_000, to: 30_000 })
  expect(adviceForTraffic({ perMinute: 1, background: true }).acquireTimeoutMillis).toEqual({
    from: 60_000,
    to: 120_000,
  })
})

test('connections live 1,800 s where stale ones were seen, else 3,600 s', () => {
  expect(adviceForTraffic({ perMinute: 1, stale: true }).maxLifetimeMillis).toBe(1_800_000)
  expect(adviceForTraffic({ perMinute: 1 }).maxLifetimeMillis).toBe(3_600_000)
})
