/** Work of which is known what a pool must have counted of it. */
import type { Pool } from '../../src/index.ts'

/** What no exporter may show: it stands in statements, their values and passwords. */
export const SECRET = 's3cr3t'

const refused = (work: Promise<unknown>): Promise<void> =>
  work.then(
    () => {
      throw new Error('this was to be refused')
    },
    () => undefined,
  )

/** How often each thing happened. */
export interface Run {
  /** Statements that succeeded, of class `simple`. */
  readonly simple: number
  /** Those of class `analytical`; each failed. */
  readonly analytical: number
  /** How failed ones failed, by code. */
  readonly errors: Readonly<Record<string, number>>
  /** Callers who left without a connection because it took too long, and because they were told to. */
  readonly late: number
  readonly aborted: number
  /** Connections that their holder would not have any more. */
  readonly destroyed: number
}

/** Runs on a pool of two that nobody else uses, until it rests. */
export async function knownRun(pool: Pool, simple: number): Promise<Run> {
  for (let n = 0; n < simple; n++)
    await pool.query(`SELECT '${SECRET}', $1::text`, [SECRET], { class: 'simple' })
  await refused(pool.query('SELECT $1::int', [SECRET], { class: 'analytical' }))
  await refused(pool.query('SELECT 1 / $1::int', [0], { class: 'analytical' }))
  await refused(pool.query('SELECT pg_sleep(60)', [], { class: 'analytical', timeout: 50 }))
  const leases = [await pool.lease(), await pool.lease()]
  await refused(pool.lease({ timeoutMillis: 20 }))
  await refused(pool.lease({ timeoutMillis: 20 }))
  const gone = new AbortController()
  const waiting = refused(pool.lease({ signal: gone.signal }))
  gone.abort()
  await waiting
  leases[0]?.release(true)
  leases[1]?.release()
  await resting(pool)
  const errors = { '22P02': 1, '22012': 1, SLUICE_QUERY_TIMEOUT: 1 }
  return { simple, analytical: 3, errors, late: 2, aborted: 1, destroyed: 1 }
}

/** Until nothing goes on in it: what was called off has come to rest, what was closed has gone. */
async function resting(pool: Pool): Promise<void> {
  for (;;) {
    const { total, idle, waiting } = pool.stats()
    if (total === idle && waiting === 0) return
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
  }
}
