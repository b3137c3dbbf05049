/** Never above the limit, as the server counts it, whatever callers do. */
import { expect, test } from 'vitest'
import { Pool, SluiceError } from '../../src/index.ts'
import { databaseUrl, sessions, watchSessions } from '../support/postgres.ts'

/** A small generator of repeatable numbers from 0 up to 1 (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const expected = [
  'SLUICE_ABORTED',
  'SLUICE_QUERY_TIMEOUT',
  'SLUICE_ACQUIRE_TIMEOUT',
  'SLUICE_OPEN_TIMEOUT',
  'SLUICE_SHED',
]

test('a thousand callers who acquire, query, abort and time out at random never put more sessions on the server than max', async () => {
  const name = 'sluice-thousand'
  const max = 10
  const watch = await watchSessions(name)
  const pool = new Pool({
    connectionString: databaseUrl(),
    max,
    applicationName: name,
    acquireTimeoutMillis: 10_000,
  })
  const random = numbers(7)
  const outcomes = new Map<string, number>()
  const count = (word: string) => outcomes.set(word, (outcomes.get(word) ?? 0) + 1)

  const caller = async (): Promise<void> => {
    for (let turn = 0; turn < 6; turn++) {
      const controller = new AbortController()
      if (random() < 0.3) setTimeout(() => controller.abort(), random() * 80)
      const options = { signal: controller.signal, agent: `agent-${Math.floor(random() * 5)}` }
      const sleep = random() < 0.1 ? 0.05 : 0
      try {
        switch (Math.floor(random() * 5)) {
          case 0:
            await pool.query('SELECT pg_sleep($1)', [sleep], options)
            break
          case 1:
            await pool.query('SELECT pg_sleep($1)', [sleep * 4], { ...options, timeout: 1 + random() * 300 })
            break
          case 2: {
            const client = await pool.connect()
            if (random() < 0.3) client.query('SELECT pg_sleep(0.02)').catch(() => count('cut'))
            client.release(random() < 0.3)
            break
          }
          case 3: {
            const lease = await pool.lease(options)
            await lease.query('SELECT 1', [], options).finally(() => lease.release(random() < 0.1))
            break
          }
          default:
            await pool.transaction(async (tx) => tx.query('SELECT pg_sleep($1)', [sleep]), {
              ...options,
              timeout: 5_000,
            })
        }
        count('done')
      } catch (error) {
        if (!SluiceError.is(error) || !expected.includes(error.code)) throw error
        count(error.code)
      }
    }
  }
  await Promise.all(Array.from({ length: 1_000 }, caller))

  expect(await pool.drain(10_000)).toBe(true)
  const { leased, cancelling, waiting, total } = pool.stats()
  expect({ leased, cancelling, waiting }).toEqual({ leased: 0, cancelling: 0, waiting: 0 })
  expect(total).toBeLessThanOrEqual(max)
  await pool.end()
  const { max: seen, samples } = await watch.stop()
  expect(samples).toBeGreaterThan(50)
  expect(seen).toBeLessThanOrEqual(max)
  expect(pool.stats().lost).toBe(0)
  expect(outcomes.get('done')).toBeGreaterThan(1_000)
  expect(outcomes.get('SLUICE_ABORTED')).toBeGreaterThan(100)
  expect(await sessions(name)).toBe(0)
}, 60_000)

test('release(true) on a client with a running statement, 100 times a second, never leaves more sessions than max', async () => {
  const name = 'sluice-destroyers'
  const max = 5
  const watch = await watchSessions(name)
  const pool = new Pool({ connectionString: databaseUrl(), max, applicationName: name })
  const cut: Promise<unknown>[] = []
  const until = performance.now() + 3_000
  const destroyer = async (): Promise<void> => {
    while (performance.now() < until || cut.length < 300) {
      const client = await pool.connect()
      cut.push(client.query('SELECT pg_sleep(60)').catch((error: Error) => error.message))
      await new Promise((resolve) => setTimeout(resolve, 2))
      client.release(true)
    }
  }
  await Promise.all(Array.from({ length: 8 }, destroyer))
  const texts = new Set(await Promise.all(cut))
  expect([...texts]).toEqual(['Connection terminated'])
  expect(cut.length).toBeGreaterThanOrEqual(300)
  await pool.end()
  expect(pool.stats().lost).toBe(0)
  expect((await watch.stop()).max).toBeLessThanOrEqual(max)
}, 30_000)

test('a hundred cancelled queries a second leave connections in use and never more sessions than max', async () => {
  const name = 'sluice-cancellers'
  const max = 5
  const watch = await watchSessions(name)
  const pool = new Pool({ connectionString: databaseUrl(), max, applicationName: name })
  let cancelled = 0
  const until = performance.now() + 3_000
  const canceller = async (): Promise<void> => {
    while (performance.now() < until || cancelled < 300) {
      const controller = new AbortController()
      const asked = pool.query('SELECT pg_sleep(60)', [], { signal: controller.signal })
      setTimeout(() => controller.abort(), 10)
      await expect(asked).rejects.toMatchObject({ code: 'SLUICE_ABORTED' })
      cancelled += 1
    }
  }
  await Promise.all(Array.from({ length: 8 }, canceller))
  expect(cancelled).toBeGreaterThanOrEqual(300)
  const { closed, opened } = pool.stats()
  expect({ closed, opened }).toEqual({ closed: {}, opened: max })
  expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
  await pool.end()
  expect((await watch.stop()).max).toBeLessThanOrEqual(max)
}, 30_000)
