import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { activity } from '../../src/monitor/index.ts'
import { poolsWith } from '../support/pools.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'

const others: pg.Client[] = []
afterEach(async () => {
  await Promise.all(others.splice(0).map((client) => client.end()))
  await withClient((admin) => admin.query('DROP TABLE IF EXISTS activity_rows'))
})

const open = poolsWith({ max: 2, applicationName: 'activity-test' })

async function other(application: string, url = databaseUrl()): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: application })
  await client.connect()
  others.push(client)
  return client
}

/** Asks again until what is looked for is there. */
async function until<R>(look: () => Promise<R>, passes: (seen: R) => boolean): Promise<R> {
  for (;;) {
    const seen = await look()
    if (passes(seen)) return seen
  }
}

describe('activity', () => {
  test('counts the sessions of clients by what they do, and knows its own', async () => {
    const pool = open()
    const idler = await other('activity-idler')
    await idler.query('SELECT 1')
    const lease = await pool.lease()
    const seen = await activity(pool)
    lease.release()
    const idlers = seen.byApplication.find(({ application }) => application === 'activity-idler')
    expect(idlers).toEqual({
      application: 'activity-idler',
      total: 1,
      active: 0,
      idle: 1,
      idleInTransaction: 0,
    })
    expect(seen.own).toBe(2)
    expect(seen.total).toBeGreaterThanOrEqual(3)
    expect(seen.hidden).toBe(0)
    expect(seen.unseen).toEqual([])
  })

  test('counts each session once, itself as the idle one that it is but for the question', async () => {
    const seen = await activity(open())
    expect(seen.total).toBe(seen.active + seen.idle + seen.idleInTransaction + seen.hidden)
    expect(seen.byApplication.find(({ application }) => application === 'activity-test')).toEqual({
      application: 'activity-test',
      total: 1,
      active: 0,
      idle: 1,
      idleInTransaction: 0,
    })
  })

  test('shows who is idle in a transaction and with what statement, without its literals', async () => {
    const pool = open()
    const idler = await other('activity-idler')
    await idler.query('BEGIN')
    await idler.query("SELECT 'secret-value' AS name")
    const seen = await activity(pool)
    const mine = seen.idlers.find(({ application }) => application === 'activity-idler')
    expect(mine).toMatchObject({ state: 'idle in transaction', statement: 'select ? as name', own: false })
    expect(mine?.transactionMillis).toBeGreaterThan(0)
    expect(seen.idleInTransaction).toBe(seen.idlers.length)
    expect(JSON.stringify(seen)).not.toContain('secret-value')
  })

  test('follows a chain of blocked sessions to its head', async () => {
    await withClient((admin) => admin.query('CREATE TABLE activity_rows AS SELECT 1 AS id, 0 AS value'))
    const pool = open()
    const [head, middle, tail] = [await other('head'), await other('middle'), await other('tail')]
    await head.query('BEGIN')
    await head.query('LOCK TABLE activity_rows IN ACCESS EXCLUSIVE MODE')
    const waiting = [middle.query('BEGIN; LOCK TABLE activity_rows; COMMIT')]
    const blocked = (application: string) => (seen: Awaited<ReturnType<typeof activity>>) =>
      seen.blocked.find(({ session }) => session.application === application)
    await until(
      () => activity(pool),
      (seen) => blocked('middle')(seen) !== undefined,
    )
    waiting.push(tail.query('SELECT * FROM activity_rows WHERE id = 7'))
    const seen = await until(
      () => activity(pool),
      (now) => blocked('tail')(now) !== undefined,
    )
    const [first, last] = [blocked('middle')(seen), blocked('tail')(seen)]
    expect(first?.root?.application).toBe('head')
    expect(last?.root).toMatchObject({ application: 'head', state: 'idle in transaction' })
    expect(last?.session.statement).toBe('select * from activity_rows where id = ?')
    expect(last?.by).toContain(last?.chain[1])
    expect(first?.waitingMillis).toBeGreaterThan(0)
    await head.query('COMMIT')
    await Promise.all(waiting)
  })

  test('names the statement that runs for longest, and not its own', async () => {
    const pool = open()
    const sleeper = await other('activity-sleeper')
    const sleeping = sleeper.query('SELECT pg_sleep(600)').catch((error: Error) => error)
    const seen = await until(
      () => activity(pool),
      ({ longest }) => longest?.application === 'activity-sleeper',
    )
    expect(seen.longest?.statement).toBe('select pg_sleep (?)')
    expect(seen.active).toBeGreaterThanOrEqual(1)
    expect(seen.overFiveMinutes).toEqual([])
    const cancel = seen.longest?.pid
    await withClient((admin) => admin.query('SELECT pg_cancel_backend($1)', [cancel]))
    expect(await sleeping).toMatchObject({ code: '57014' })
  })

  test('knows the limits of the server, of the role and of the database', async () => {
    const { limits } = await activity(open())
    const shown = await withClient(async (admin) => {
      const { rows } = await admin.query<{ most: number; reserved: number }>(
        `SELECT current_setting('max_connections')::int AS most,
          current_setting('superuser_reserved_connections')::int AS reserved`,
      )
      return rows[0]
    })
    expect(limits).toMatchObject({ maxConnections: shown?.most, superuserReserved: shown?.reserved })
    expect([limits.roleLimit, limits.databaseLimit]).toEqual([undefined, undefined])
  })
})

describe('an ordinary role', () => {
  const role = 'activity_ordinary'
  const drop = () =>
    withClient(async (admin) => {
      await admin.query(`DROP ROLE IF EXISTS ${role}`)
    })

  test('sees what it may, and says what it could not see', async () => {
    await drop()
    await withClient(async (admin) => {
      await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'ordinary' CONNECTION LIMIT 7`)
      await admin.query(`ALTER ROLE ${role} SET statement_timeout = '12s'`)
      await admin.query(`ALTER ROLE ${role} SET "app.secret" = 'secret-setting'`)
    })
    const idler = await other('activity-idler')
    await idler.query('BEGIN')
    const url = new URL(databaseUrl())
    url.username = role
    url.password = 'ordinary'
    const pool = open({ connectionString: url.href })
    const seen = await activity(pool)
    expect(seen.role).toBe(role)
    expect(seen.limits.roleLimit).toBe(7)
    expect(seen.timeouts.statement).toBe(12_000)
    expect(seen.roleSettings).toEqual(['statement_timeout=12s'])
    expect(seen.hidden).toBeGreaterThanOrEqual(1)
    expect(seen.unseen.join()).toContain('pg_read_all_stats')
    const hidden = seen.byApplication.find(({ application }) => application === 'activity-idler')
    expect(hidden?.total).toBe(1)
    expect(JSON.stringify(seen)).not.toMatch(/secret-setting|insufficient/)
    await pool.end()
    await drop()
  })
})
