import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { pgbouncers } from '../support/pgbouncer.ts'
import { poolsWith } from '../support/pools.ts'
import { known } from './support.ts'

const start = pgbouncers()
const open = poolsWith({ max: 4 })

describe('who may use its console is told what PgBouncer is', () => {
  it.each([
    ['transaction', 'transaction'],
    ['statement', 'transaction'],
    ['session', 'session'],
  ] as const)('in %s mode', async (mode, endpoint) => {
    const bouncer = await start({ mode, admins: ['sluice'] })
    const facts = await known(open({ connectionString: bouncer.url }))
    expect(facts).toMatchObject({
      endpoint,
      mode,
      pooler: 'pgbouncer',
      known: 'asked',
      version: expect.stringMatching(/^\d+\.\d+/),
      lanes: mode === 'session',
      sessionWork: mode === 'session' ? 'here' : 'refused',
      limits: 'pool',
    })
  })

  it('also where the database has a mode of its own', async () => {
    const url = new URL((await start()).url)
    const bouncer = await start({
      mode: 'session',
      admins: ['sluice'],
      databases: { special: `host=127.0.0.1 port=${url.port} dbname=sluice pool_mode=transaction` },
    })
    const facts = await known(open({ connectionString: bouncer.urlOf({ database: 'special' }) }))
    expect(facts).toMatchObject({ mode: 'transaction', known: 'asked' })
  })
})

describe('who may not sees it in what happens to connections', () => {
  it('in transaction mode, by two that were lent the same session', async () => {
    const bouncer = await start({ mode: 'transaction' })
    const facts = await known(open({ connectionString: bouncer.url }))
    expect(facts).toMatchObject({
      endpoint: 'transaction',
      mode: 'transaction',
      pooler: 'pgbouncer',
      known: 'asked',
      version: undefined,
    })
  })

  it('in statement mode, by what it refuses', async () => {
    const bouncer = await start({ mode: 'statement' })
    expect(await known(open({ connectionString: bouncer.url }))).toMatchObject({
      endpoint: 'transaction',
      mode: 'statement',
    })
  })

  it('and counts a mode that nobody says as transaction', async () => {
    const bouncer = await start({ mode: 'session' })
    expect(await known(open({ connectionString: bouncer.url }))).toMatchObject({
      endpoint: 'transaction',
      mode: undefined,
      pooler: 'pgbouncer',
      known: 'assumed',
      lanes: false,
    })
  })
})

it('a direct server is known as one after one question a pool', async () => {
  const pool = open()
  expect(pool.endpoint()).toMatchObject({ endpoint: 'direct', known: 'assumed', isOpen: true })
  expect(await known(pool)).toMatchObject({
    endpoint: 'direct',
    pooler: undefined,
    known: 'asked',
    lanes: true,
    preparedStatements: true,
    sessionWork: 'here',
    limits: 'server',
  })
})

it('what is said is not asked about', async () => {
  const bouncer = await start({ admins: ['sluice'] })
  const pool = open({ connectionString: bouncer.url, endpoint: 'transaction' })
  expect(await known(pool)).toMatchObject({ known: 'said', version: undefined })
  expect(bouncer.log.filter((line) => line.includes('db=pgbouncer'))).toEqual([])
})

it('asking opens connections beside the pool’s for a moment, and leaves none', async () => {
  const bouncer = await start()
  await known(open({ connectionString: bouncer.url }))
  await expect
    .poll(
      async () => (await bouncer.console('SHOW CLIENTS')).filter((row) => row.database === 'sluice').length,
    )
    .toBe(1)
})

it('the first caller does not wait for the answers of a pooler', async () => {
  const bouncer = await start({ admins: ['sluice'] })
  const pool = open({ connectionString: bouncer.url })
  const client = await pool.connect()
  expect(pool.endpoint()).toMatchObject({ endpoint: 'transaction', lanes: false, isOpen: true })
  client.release()
  expect(await known(pool)).toMatchObject({ mode: 'transaction' })
})

it('the process ids that PgBouncer gives its clients are those of no process', async () => {
  const bouncer = await start()
  const ids: number[] = []
  for (let n = 0; n < 20; n++) {
    const client = new pg.Client({ connectionString: bouncer.url })
    await client.connect()
    ids.push((client as unknown as { processID: number }).processID)
    await client.end()
  }
  // One in a thousand could be a process's: then the statement is asked about.
  expect(ids.filter((id) => id <= 0 || id > 4_194_304).length).toBeGreaterThan(15)
})
