/** The pool under everything at once: no slot is lost, no connection lent twice, no session too many, nobody without an answer. */
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { randomOf } from '../../src/demo/workload/random.ts'
import type { Pool } from '../../src/index.ts'
import { networks, poolsWith } from '../support/pools.ts'
import { sessions, watchSessions } from '../support/postgres.ts'
import type { Disturbance, Seen } from './attack.ts'
import { attack, kill } from './attack.ts'
import { eventually } from './support.ts'

const network = networks()
const open = poolsWith({ max: 6 })

const CALLERS = 40
const MILLIS = 2_500
const SEED = 1
const HIGHEST = 8

async function expectWhole(pool: Pool, name: string, { open, outcomes, violations }: Seen): Promise<void> {
  expect([[...open], violations]).toEqual([[], []])
  // Enough came through for the rest to mean something.
  expect(outcomes.done, JSON.stringify(outcomes)).toBeGreaterThan(10)
  pool.resume()
  const max = 4
  pool.resize({ max })
  await vi.waitFor(
    () => {
      expect(pool.stats()).toMatchObject({
        leased: 0,
        cancelling: 0,
        waiting: 0,
        checking: 0,
        closing: 0,
        opening: 0,
      })
      expect(pool.stats().total).toBeLessThanOrEqual(max)
    },
    { timeout: 12_000, interval: 20 },
  )
  const all = await Promise.all(Array.from({ length: max }, () => pool.lease()))
  expect(new Set(all.map(({ processId }) => processId)).size).toBe(max)
  for (const lease of all) lease.release()
  await pool.end()
  expect(await eventually(0, () => sessions(name))).toBe(0)
}

const upset = (pool: Pool, random: ReturnType<typeof randomOf>): Disturbance[] => [
  [60, () => pool.resize({ max: random.between(2, HIGHEST), min: random.between(0, 2) })],
  [150, () => pool.clear()],
  [
    200,
    async () => {
      pool.pause()
      await pause(random.between(0, 10))
      pool.resume()
    },
  ],
  [
    300,
    async () => {
      await pool.drain(random.between(0, 30))
      pool.resume()
    },
  ],
]

test('callers who give up, resize, clear, pause and drain', async () => {
  const name = 'sluice-attack-calm'
  const random = randomOf(SEED, name)
  const pool = open({ applicationName: name, min: 1, maxUses: 50, leakDetectionMillis: 5_000 })
  const watch = await watchSessions(name)
  const seen = await attack(pool, random, CALLERS, MILLIS, upset(pool, random))
  await expectWhole(pool, name, seen)
  expect((await watch.stop()).max).toBeLessThanOrEqual(HIGHEST)
  expect(pool.stats().lost).toBe(0)
}, 60_000)

test('the same while sessions are killed', async () => {
  const name = 'sluice-attack-kills'
  const random = randomOf(SEED, name)
  const { connectionString } = await network(2)
  const pool = open({ connectionString, applicationName: name, prePing: 50, maxLifetimeSeconds: 1 })
  pool.on('error', () => undefined)
  const watch = await watchSessions(name)
  const seen = await attack(pool, random, CALLERS, MILLIS, [
    ...upset(pool, random),
    [40, () => kill(name)],
    [700, () => kill(name, true)],
  ])
  await expectWhole(pool, name, seen)
  const { max } = await watch.stop()
  expect(max).toBeLessThanOrEqual(HIGHEST)
}, 60_000)

test('the same while the network stalls, is cut and goes silent', async () => {
  const name = 'sluice-attack-network'
  const random = randomOf(SEED, name)
  const { proxy, connectionString } = await network(2)
  const pool = open({
    connectionString,
    applicationName: name,
    connectionTimeoutMillis: 300,
    acquireTimeoutMillis: 3_000,
    checkTimeoutMillis: 300,
    cancelTimeoutMillis: 300,
    closeTimeoutMillis: 300,
    queryTimeout: 1_000,
  })
  pool.on('error', () => undefined)
  const seen = await attack(pool, random, CALLERS, MILLIS, [
    ...upset(pool, random),
    [150, () => proxy.setLatency(random.between(0, 40))],
    [400, () => proxy.cut()],
    [
      900,
      async () => {
        proxy.blackhole()
        await pause(random.between(0, 600))
        proxy.cut()
      },
    ],
  ])
  proxy.setLatency(0)
  await expectWhole(pool, name, seen)
  expect(pool.stats()).toMatchObject({ total: 0, state: 'ended' })
}, 60_000)
