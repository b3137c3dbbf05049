import { describe, expect, it } from 'vitest'
import { pgbouncers } from '../support/pgbouncer.ts'
import { poolsWith } from '../support/pools.ts'
import { known, sessionOf } from './support.ts'

const start = pgbouncers()
const open = poolsWith({ max: 4 })

/** A pool before a PgBouncer in session mode that has said so. */
async function recognised(config = {}) {
  const bouncer = await start({ mode: 'session', poolSize: 10, admins: ['sluice'] })
  const pool = open({ connectionString: bouncer.url, ...config })
  expect(await known(pool)).toMatchObject({ endpoint: 'session', lanes: true, sessionWork: 'here' })
  return pool
}

describe('through a PgBouncer in session mode', () => {
  it('1,000 statements by 50 callers share connections, and bring everybody his own rows', async () => {
    const pool = await recognised()
    let shared = 0
    const caller = async (id: number) => {
      for (let n = 0; n < 20; n++) {
        const { rows } = await pool.query('SELECT $1::int AS caller, $2::int AS n', [id, n])
        shared = Math.max(shared, pool.stats().shared)
        expect(rows).toEqual([{ caller: id, n }])
      }
    }
    await Promise.all(Array.from({ length: 50 }, (_, id) => caller(id)))
    expect(shared).toBeGreaterThan(0)
  })

  it('repeated statements are prepared', async () => {
    const pool = await recognised({ max: 1 })
    for (let n = 0; n < 5; n++) await pool.query('SELECT $1::int AS prepared_here', [n])
    const { rows } = await pool.query(
      "SELECT count(*)::int AS n FROM pg_prepared_statements WHERE name LIKE 'sluice%'",
    )
    expect(rows[0].n).toBeGreaterThan(0)
  })

  it('a pool hears what it listens to', async () => {
    const pool = await recognised()
    const heard = new Promise((resolve) => void pool.listen('through_session', resolve))
    await expect
      .poll(async () => {
        await pool.query("SELECT pg_notify('through_session', 'seen')")
        return Promise.race([heard, new Promise((resolve) => setTimeout(resolve, 50))])
      })
      .toBe('seen')
  })

  it('a lease keeps its session, its settings and its locks', async () => {
    const pool = await recognised()
    await using lease = await pool.lease({ endpoint: 'direct' })
    await lease.query("SELECT set_config('app.user', 'me', false), pg_advisory_lock(4711)")
    await Promise.all(Array.from({ length: 20 }, () => sessionOf(pool)))
    const { rows } = await lease.query(
      "SELECT current_setting('app.user') AS who, pg_advisory_unlock(4711) AS held",
    )
    expect(rows).toEqual([{ who: 'me', held: true }])
  })

  it('its word may be said instead of asked for', async () => {
    const bouncer = await start({ mode: 'session', poolSize: 10 })
    const pool = open({ connectionString: bouncer.url, endpoint: 'session' })
    expect(await known(pool)).toMatchObject({ endpoint: 'session', known: 'said', lanes: true })
    await pool.query("SET application_name = 'kept'")
  })
})
