/** The size that `sluice tune` recommends. */
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { Pool } from '../../src/postgres/pool.ts'
import { watchSessions } from '../support/postgres.ts'
import { tuneSubject, work } from './tune-support.ts'

const { report, url } = tuneSubject()
/** One tune takes a third of a minute: .ci/run adds two more, once. */
const seeds = (process.env.SLUICE_TUNE_SEEDS ?? '1').split(',').map(Number)

/** Answers a second of a pool of this size, as anybody would write it: more callers than connections. */
async function throughput(max: number, millis: number, line = 1): Promise<number> {
  const pool = new Pool({ connectionString: url(), max, min: max, applicationName: 'tune-test' })
  try {
    let counted = 0
    let over = false
    const callers = Array.from({ length: 2 * max }, async () => {
      while (!over) {
        await pool.query('SELECT work($1)', [line])
        counted++
      }
    })
    await sleep(300)
    const [before, began] = [counted, performance.now()]
    await sleep(millis)
    const perSecond = (1_000 * (counted - before)) / (performance.now() - began)
    over = true
    await Promise.all(callers)
    return perSecond
  } finally {
    await pool.end()
  }
}

describe('the recommended size', { timeout: 180_000 }, () => {
  /** The best of a full sweep that has nothing to do with the tune. */
  let best = 0
  beforeAll(async () => {
    let most = 0
    for (const size of [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16]) {
      const found = await throughput(size, 500)
      if (found > most) [best, most] = [size, found]
    }
  }, 120_000)

  for (const seed of seeds) {
    test(`reaches 95 % of the best of a full sweep, and is found within 60 s, with seed ${seed}`, async () => {
      const began = performance.now()
      const watch = await watchSessions('sluice-tune', url())
      const args = ['--statement', work, '--seconds', '12', '--max', '16', '--seed', String(seed)]
      const found = await report(...args)
      expect(performance.now() - began).toBeLessThan(60_000)
      expect((await watch.stop()).max).toBeLessThanOrEqual(16)
      const { max, min } = found.recommended
      expect(found.sizes.map(({ size }) => size)).toContain(max)
      expect(min).toBe(Math.floor(max / 4))
      // At the same time, each in a line of its own: what the machine does besides is the same for both.
      const [own, highest] = await Promise.all([throughput(max, 6_000, 2), throughput(best, 6_000, 3)])
      expect(own / highest).toBeGreaterThanOrEqual(0.95)
    })
  }
})
