/** A server that turns read-only under its connections, as a primary does that was demoted, and errors that speak against a connection. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { EmbeddedPostgres } from '../../src/demo/embedded.ts'
import { startPostgres } from '../../src/demo/embedded.ts'
import type { Pool, PoolConfig } from '../../src/index.ts'
import { constantLoad, ending, failed, LOOKUP, learn, opened } from '../lanes/faults.ts'
import { networks, poolsWith } from '../support/pools.ts'
import { withClient } from '../support/postgres.ts'
import type { TcpProxy } from '../support/proxy.ts'

const PATIENCE = { timeout: 10_000, interval: 20 }

let first: EmbeddedPostgres
let second: EmbeddedPostgres

const network = networks()
const open = poolsWith({ max: 4 })

/** Both servers let the same user in, as two of one cluster do. */
function urlOf({ url }: EmbeddedPostgres): string {
  const same = new URL(url)
  same.password = 'same'
  return same.href
}

beforeAll(async () => {
  ;[first, second] = await Promise.all([startPostgres(), startPostgres()])
  for (const { url } of [first, second]) {
    await withClient(async (admin) => {
      await admin.query(`ALTER ROLE sluice PASSWORD 'same'`)
      await admin.query('CREATE TABLE written (n int)')
    }, url)
  }
})

afterEach(async () => {
  await setReadOnly(first, false)
  for (const server of [first, second])
    await withClient((admin) => admin.query('TRUNCATE written'), urlOf(server))
})

afterAll(() => Promise.all([first?.stop(), second?.stop()]))

function setReadOnly(server: EmbeddedPostgres, on: boolean): Promise<void> {
  return withClient(async (admin) => {
    await admin.query('SET default_transaction_read_only = off')
    await admin.query(`ALTER SYSTEM SET default_transaction_read_only = ${on ? 'on' : 'off'}`)
    await admin.query('SELECT pg_reload_conf()')
    await admin.query('RESET default_transaction_read_only')
    await vi.waitFor(async () => {
      const { rows } = await admin.query('SHOW default_transaction_read_only')
      expect(rows).toEqual([{ default_transaction_read_only: on ? 'on' : 'off' }])
    }, PATIENCE)
    // The server tells its other sessions by signals, and says nowhere when they have arrived.
    await admin.query('SELECT pg_sleep(0.2)')
  }, urlOf(server))
}

async function clusterPool(config: PoolConfig = {}): Promise<{ pool: Pool; proxy: TcpProxy }> {
  const { connectionString, proxy } = await network(0, urlOf(first))
  return { pool: open({ connectionString, ...config }), proxy }
}

/** The first server is the primary no more; whoever connects from now on comes to the second one. */
async function failOver(proxy: TcpProxy): Promise<void> {
  leadToSecond(proxy)
  await setReadOnly(first, true)
}

function leadToSecond(proxy: TcpProxy): void {
  proxy.setTarget({ host: second.host, port: second.port })
}

function writtenOn(server: EmbeddedPostgres): Promise<number> {
  return withClient(async (admin) => {
    const { rows } = await admin.query('SELECT count(*)::int AS n FROM written')
    return rows[0].n
  }, urlOf(server))
}

const write = (pool: Pool, n: number) => pool.query('INSERT INTO written VALUES ($1)', [n])

describe('a primary that turns read-only under live connections', () => {
  test('fails at most one write a connection; from then on writes land on its successor', async () => {
    const { pool, proxy } = await clusterPool()
    await opened(pool, 4)
    await Promise.all([1, 2, 3, 4].map((n) => write(pool, n)))
    const before = await writtenOn(first)
    await failOver(proxy)
    const ends = await Promise.all(Array.from({ length: 40 }, (_, n) => ending(write(pool, n))))
    const errors = ends.filter((end) => 'code' in end)
    expect(errors.length).toBeGreaterThan(0)
    expect(errors.length).toBeLessThanOrEqual(4)
    expect(errors).toEqual(errors.map(() => failed('25006')))
    expect(await writtenOn(first)).toBe(before)
    expect(await writtenOn(second)).toBe(40 - errors.length)
    expect(pool.stats()).toMatchObject({ generation: 1 })
  })

  test('is noticed by reads alone', async () => {
    const { pool, proxy } = await clusterPool()
    await opened(pool, 2)
    await failOver(proxy)
    await vi.waitFor(async () => {
      await pool.query('SELECT 1')
      expect(pool.stats().generation).toBe(1)
    }, PATIENCE)
    await write(pool, 1)
    expect(await writtenOn(second)).toBe(1)
  })

  test('is noticed by reads alone on a lane that never rests', async () => {
    const { pool, proxy } = await clusterPool()
    await learn(pool)
    const stop = constantLoad(pool, 20)
    await failOver(proxy)
    await vi.waitFor(() => expect(pool.stats().generation).toBe(1), PATIENCE)
    expect(await stop()).toBeGreaterThan(0)
    await write(pool, 1)
    expect(await writtenOn(second)).toBe(1)
  })

  test('inside a transaction fails that transaction, and the next one lands on its successor', async () => {
    const { pool, proxy } = await clusterPool({ max: 1 })
    await write(pool, 0)
    await failOver(proxy)
    const insert = () => pool.transaction((own) => own.query('INSERT INTO written VALUES (1)'))
    expect(await ending(insert())).toEqual(failed('25006'))
    await insert()
    expect(await writtenOn(second)).toBe(1)
  })

  test('long before the name leads to its successor keeps nobody for ever', async () => {
    const { pool, proxy } = await clusterPool({ max: 3 })
    await write(pool, 0)
    await setReadOnly(first, true)
    expect(await ending(write(pool, 1))).toEqual(failed('25006'))
    // The connections that were opened since lead to where the old ones did.
    for (let n = 0; n < 3; n++) {
      await opened(pool, 3)
      expect(await ending(write(pool, 2))).toEqual(failed('25006'))
      expect(await pool.query('SELECT 1')).toMatchObject({ rowCount: 1 })
    }
    await opened(pool, 3)
    leadToSecond(proxy)
    const ends = await Promise.all(Array.from({ length: 30 }, (_, n) => ending(write(pool, n))))
    const errors = ends.filter((end) => 'code' in end)
    expect(errors.length).toBeLessThanOrEqual(3)
    expect(await writtenOn(second)).toBe(30 - errors.length)
  })

  test('is put up with where any server will do', async () => {
    const { pool, proxy } = await clusterPool({ targetSessionAttrs: 'any' })
    await write(pool, 0)
    await failOver(proxy)
    expect(await ending(write(pool, 1))).toEqual(failed('25006'))
    expect(await ending(write(pool, 2))).toEqual(failed('25006'))
    expect(pool.stats()).toMatchObject({ opened: 1, generation: 0 })
  })
})

describe('a server that was read-only from the start', () => {
  test('is left alone', async () => {
    await setReadOnly(first, true)
    const { pool } = await clusterPool()
    for (let n = 0; n < 3; n++) expect(await ending(write(pool, n))).toEqual(failed('25006'))
    await pool.query('SELECT 1')
    expect(pool.stats()).toMatchObject({ opened: 1, generation: 0, closed: {} })
  })

  test('is refused where writes are needed, until the name leads to one that takes them', async () => {
    await setReadOnly(first, true)
    const { pool, proxy } = await clusterPool({
      targetSessionAttrs: 'read-write',
      acquireTimeoutMillis: 15_000,
    })
    const asked = ending(write(pool, 1))
    await vi.waitFor(() => expect(pool.stats().openFailures).toBeGreaterThan(1), PATIENCE)
    expect(pool.stats().lastOpenFailure).toMatchObject({
      message: expect.stringContaining('takes no writes'),
    })
    leadToSecond(proxy)
    expect(await asked).toMatchObject({ rowCount: 1 })
    expect(await writtenOn(second)).toBe(1)
  })

  test('tells who waits for one that takes writes why none came', async () => {
    await setReadOnly(first, true)
    const { pool } = await clusterPool({ targetSessionAttrs: 'read-write', acquireTimeoutMillis: 500 })
    const end = await ending(write(pool, 1))
    expect(end).toEqual(failed('SLUICE_OPEN_FAILED'))
    expect(end).toMatchObject({ message: expect.stringContaining('takes no writes') })
  })
})

test('whoever asks for read-only himself costs nobody a connection', async () => {
  const { pool } = await clusterPool({ max: 1 })
  await write(pool, 0)
  const client = await pool.connect()
  await client.query('SET default_transaction_read_only = on')
  await expect(client.query('INSERT INTO written VALUES (1)')).rejects.toMatchObject({ code: '25006' })
  await client.query('RESET default_transaction_read_only')
  await client.query('BEGIN READ ONLY')
  await expect(client.query('INSERT INTO written VALUES (1)')).rejects.toMatchObject({ code: '25006' })
  await client.query('ROLLBACK')
  client.release()
  const readOnly = pool.transaction((own) => own.query('INSERT INTO written VALUES (1)'), { readOnly: true })
  await expect(readOnly).rejects.toMatchObject({ code: '25006' })
  await write(pool, 1)
  expect(pool.stats()).toMatchObject({ opened: 1, generation: 0, closed: {} })
})

describe('classify', () => {
  test('may keep what Sluice would let go', async () => {
    const heard: unknown[] = []
    const { pool, proxy } = await clusterPool({
      max: 1,
      classify: (error, verdict) => {
        heard.push([(error as { code?: string }).code, verdict])
        return 'keep'
      },
    })
    const client = await pool.connect()
    await client.query('CREATE TEMP TABLE changing (n int)')
    const mine = { name: 'mine', text: 'SELECT * FROM changing' }
    await client.query(mine)
    await client.query('ALTER TABLE changing ADD COLUMN more int')
    await expect(client.query(mine)).rejects.toMatchObject({ code: '0A000' })
    client.release()
    await pool.query('SELECT 1')
    expect(heard).toEqual([['0A000', 'retire']])
    expect(pool.stats()).toMatchObject({ opened: 1, generation: 0, closed: {} })
    expect(proxy.accepted).toBe(1)
  })

  test('may let go what Sluice would keep, or all', async () => {
    const { pool } = await clusterPool({
      max: 2,
      classify: ({ message }, verdict) =>
        message.includes('zero') ? 'retire' : message.includes('nowhere') ? 'renew' : verdict,
    })
    await opened(pool, 2)
    await expect(pool.query('SELECT 1 / 0')).rejects.toMatchObject({ code: '22012' })
    await vi.waitFor(
      () => expect(pool.stats()).toMatchObject({ generation: 0, closed: { unfit: 1 } }),
      PATIENCE,
    )
    await expect(pool.query('SELECT * FROM nowhere')).rejects.toMatchObject({ code: '42P01' })
    await vi.waitFor(() => expect(pool.stats()).toMatchObject({ generation: 1, idle: 0 }), PATIENCE)
    await pool.query('SELECT 1')
  })

  test('that throws is an uncaught exception, and keeps nobody waiting', async () => {
    const { pool } = await clusterPool({
      max: 1,
      classify: () => {
        throw new Error('mistaken')
      },
    })
    const before = process.listeners('uncaughtException')
    const thrown: unknown[] = []
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => thrown.push(error))
    try {
      await expect(pool.query('SELECT 1 / 0')).rejects.toMatchObject({ code: '22012' })
      await pool.query('SELECT 1')
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of before) process.on('uncaughtException', listener)
    }
    expect(thrown).toEqual([new Error('mistaken')])
  })
})

test('a plan that no longer fits costs a lease its connection, and a lane nothing', async () => {
  const { pool } = await clusterPool({ max: 1 })
  await pool.query('DROP TABLE IF EXISTS changing')
  await pool.query('CREATE TABLE changing (n int)')
  const lease = await pool.lease()
  const mine = { name: 'mine', text: 'SELECT * FROM changing' }
  await lease.query(mine)
  await lease.query('ALTER TABLE changing ADD COLUMN a int')
  await expect(lease.query(mine)).rejects.toMatchObject({ code: '0A000' })
  lease.release()
  await vi.waitFor(() => expect(pool.stats()).toMatchObject({ closed: { unfit: 1 } }), PATIENCE)
  for (let n = 0; n < 20; n++) await pool.query('SELECT * FROM changing', [], { class: 'simple' })
  await pool.query('ALTER TABLE changing ADD COLUMN b int')
  const { fields } = await pool.query('SELECT * FROM changing', [], { class: 'simple' })
  expect(fields.map(({ name }) => name)).toEqual(['n', 'a', 'b'])
  expect(pool.stats()).toMatchObject({ opened: 2, closed: { unfit: 1 } })
  await pool.query(LOOKUP, [1])
})
