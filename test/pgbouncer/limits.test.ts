import { describe, expect, it } from 'vitest'
import { pgbouncers } from '../support/pgbouncer.ts'
import { poolsWith } from '../support/pools.ts'
import { failureOf, known } from './support.ts'

const start = pgbouncers()
const open = poolsWith({ max: 3 })
const LIMITS = { statementTimeout: 400, lockTimeout: 20_000, idleInTransactionTimeout: 30_000 }

describe.each(['session', 'transaction'] as const)('in %s mode a PgBouncer', (mode) => {
  it('that refuses the limits of a connection gets it without them, and the pool keeps them', async () => {
    const bouncer = await start({ mode, admins: ['sluice'] })
    const pool = open({ connectionString: bouncer.url, ...LIMITS })
    const facts = await known(pool)
    expect(facts).toMatchObject({ endpoint: mode, limits: 'pool' })
    expect(bouncer.log.some((line) => line.includes('unsupported startup parameter'))).toBe(true)
    const error = await failureOf(pool.query('SELECT pg_sleep(60)'))
    expect(error).toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
    expect(error.message).toContain('400 ms')
  })

  it('that swallows them does not fool the pool', async () => {
    const ignored = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']
    const bouncer = await start({ mode, admins: ['sluice'], ignoreStartupParameters: ignored })
    const pool = open({ connectionString: bouncer.url, ...LIMITS })
    await known(pool)
    expect(await failureOf(pool.query('SELECT pg_sleep(60)'))).toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
  })

  it('is refused again no more: the next connection comes without them', async () => {
    const bouncer = await start({ mode })
    const pool = open({ connectionString: bouncer.url, statementTimeout: 20_000 })
    await known(pool)
    const refused = () => bouncer.log.filter((line) => line.includes('unsupported startup parameter')).length
    const before = refused()
    const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()])
    for (const client of clients) client.release()
    expect(refused()).toBe(before)
  })

  it('carries them inside a transaction, where the server keeps them, and nowhere else', async () => {
    const bouncer = await start({ mode, poolSize: 1 })
    const pool = open({ connectionString: bouncer.url, max: 1, ...LIMITS })
    await known(pool)
    const settings = `SELECT current_setting('statement_timeout') AS s, current_setting('lock_timeout') AS l,
      current_setting('idle_in_transaction_session_timeout') AS i`
    const inside = await pool.transaction((tx) => tx.query(settings))
    expect(inside.rows).toEqual([{ s: '400ms', l: '20s', i: '30s' }])
    expect((await pool.query(settings)).rows).toEqual([{ s: '0', l: '0', i: '0' }])
    const slow = pool.transaction((tx) => tx.query('SELECT pg_sleep(60)'))
    expect(await failureOf(slow)).toMatchObject({ code: '57014' })
  })
})

it('several first callers at once are not hurt by a limit that it refuses', async () => {
  const bouncer = await start()
  const pool = open({ connectionString: bouncer.url, ...LIMITS })
  const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()])
  for (const client of clients) client.release()
  expect(pool.stats().opened).toBe(3)
})

it('limits in the connection string and in options are kept too', async () => {
  const bouncer = await start()
  for (const rest of [
    '?statement_timeout=400',
    `?options=${encodeURIComponent('-c statement_timeout=400ms')}`,
  ]) {
    const pool = open({ connectionString: `${bouncer.url}${rest}` })
    await known(pool)
    expect(await failureOf(pool.query('SELECT pg_sleep(60)'))).toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
  }
})

it('options that ask for more than limits are not left out, since their settings would be lost', async () => {
  const bouncer = await start()
  const pool = open({ connectionString: bouncer.url, options: '-c search_path=app' })
  const error = await failureOf(pool.query('SELECT 1'))
  expect(error).toMatchObject({ code: 'SLUICE_UNSUPPORTED_ON_ENDPOINT', phase: 'open' })
  expect(error.message).toContain('ALTER ROLE')
})

it('a session of PgBouncer’s that one pool has set up is clean for the next one', async () => {
  const bouncer = await start({ mode: 'session', poolSize: 1, admins: ['sluice'] })
  const first = open({ connectionString: bouncer.url, max: 1 })
  await known(first)
  await first.query("SET search_path = 'nowhere'")
  await first.end()
  const second = open({ connectionString: bouncer.url, max: 1 })
  const { rows } = await second.query("SELECT current_setting('search_path') AS path")
  expect(rows[0].path).not.toContain('nowhere')
})
