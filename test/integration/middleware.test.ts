/** The middleware under real frameworks, sockets that are cut, and a server that is asked what still runs. */
import { Hono } from 'hono'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Pool, PoolConfig } from '../../src/index.ts'
import { databaseOf, honoDatabase } from '../../src/middleware/index.ts'
import { poolsWith } from '../support/pools.ts'
import { withClient } from '../support/postgres.ts'
import type { Route, WebOptions } from '../support/web.ts'
import { FRAMEWORKS } from '../support/web.ts'

const closing: (() => Promise<void>)[] = []
// Said first, done last: pools end when nobody asks them any more.
const open = poolsWith({ max: 2 })
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

const PID = 'SELECT pg_backend_pid() AS pid'
let tags = 0

/** A statement that can be found in the list of what the server runs. */
function slow(): { text: string; runs: () => Promise<number> } {
  const tag = `web-${process.pid}-${++tags}`
  const runs = () =>
    withClient(async (client) => {
      const { rows } = await client.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM pg_stat_activity
         WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'`,
        [tag],
      )
      return rows[0]?.n ?? 0
    })
  return { text: `SELECT pg_sleep(60) /* ${tag} */`, runs }
}

/** Something that a test opens when it wants. */
function gate() {
  let pass: () => void = Object
  let reach: () => void = Object
  const passed = new Promise<void>((resolve) => {
    pass = resolve
  })
  const reached = new Promise<void>((resolve) => {
    reach = resolve
  })
  const wait = () => {
    reach()
    return passed
  }
  return { pass: () => pass(), reached, wait }
}

const atRest = (pool: Pool) =>
  vi.waitFor(
    () =>
      expect(pool.stats()).toMatchObject({ leased: 0, shared: 0, cancelling: 0, checking: 0, waiting: 0 }),
    { timeout: 20_000 },
  )

describe.each(FRAMEWORKS)('%s', (_, framework) => {
  async function start(routes: Record<string, Route>, options: WebOptions = {}, config: PoolConfig = {}) {
    const pool = open(config)
    const { close, url } = await framework(pool, routes, options)
    closing.push(close)
    const ask = (path: string, init: RequestInit = {}) => fetch(`${url}${path}`, init)
    /** Asks, and hangs up once `when` has come. */
    const hangUp = async (path: string, when: () => Promise<unknown>) => {
      const client = new AbortController()
      const asked = ask(path, { signal: client.signal }).catch((error: Error) => error.name)
      await when()
      client.abort()
      expect(await asked).toBe('AbortError')
    }
    return { pool, ask, hangUp }
  }

  test('answers with what the database says, under the agent and the priority of the request', async () => {
    const seen: (string | undefined)[] = []
    const { ask, pool } = await start(
      {
        '/': async (db) => {
          await db.lease()
          return (await db.query<{ n: number }>('SELECT $1::int AS n', [7])).rows
        },
      },
      { labelled: true },
    )
    pool.attach({ acquired: (lease) => seen.push(lease.agent) })
    const answer = await ask('/', { headers: { 'x-agent': 'planner', 'x-urgent': '1' } })
    expect([answer.status, await answer.json()]).toEqual([200, [{ n: 7 }]])
    expect(seen).toContain('planner')
    await atRest(pool)
  })

  test('takes nothing for a request that does not use the database', async () => {
    const { ask, pool } = await start({ '/': () => ({ fine: true }) }, { hold: 'request' })
    expect((await ask('/')).status).toBe(200)
    expect(pool.stats()).toMatchObject({ total: 0, opened: 0, acquired: 0 })
  })

  test('holds no connection while the handler waits for something else', async () => {
    const model = gate()
    const { ask, pool } = await start({
      '/': async (db) => {
        await db.query('SELECT 1')
        await model.wait()
        return (await db.query('SELECT 2 AS n')).rows
      },
    })
    const asked = ask('/')
    await model.reached
    expect(pool.stats()).toMatchObject({ leased: 0, shared: 0, idle: 1 })
    model.pass()
    expect(await (await asked).json()).toEqual([{ n: 2 }])
  })

  test('with hold: request runs all on one connection, held between statements, given back with the answer', async () => {
    const model = gate()
    const { ask, pool } = await start(
      {
        '/': async (db) => {
          const before = await db.query(PID)
          await model.wait()
          return [before.rows, ...(await Promise.all([db.query(PID), db.query(PID)])).map(({ rows }) => rows)]
        },
      },
      { hold: 'request' },
    )
    const asked = ask('/')
    await model.reached
    expect(pool.stats().leased).toBe(1)
    model.pass()
    const rows = (await (await asked).json()) as object[]
    expect(rows[1]).toEqual(rows[0])
    expect(rows[2]).toEqual(rows[0])
    await atRest(pool)
    expect(pool.stats()).toMatchObject({ acquired: 1, idle: 1 })
  })

  test('gives back what a handler has forgotten, also when it throws', async () => {
    const { ask, pool } = await start({
      '/forgets': async (db) => void (await db.lease()),
      '/throws': async (db) => {
        await db.lease()
        throw new Error('a mistake of the handler')
      },
    })
    expect((await ask('/forgets')).status).toBe(200)
    await atRest(pool)
    expect((await ask('/throws')).status).toBe(500)
    await atRest(pool)
    expect(pool.stats().idle).toBeGreaterThan(0)
  })

  test.each(['statement', 'request'] as const)(
    'a client that hangs up cancels its statement at the server (hold: %s)',
    async (hold) => {
      const { text, runs } = slow()
      const { hangUp, pool } = await start({ '/': (db) => db.query(text) }, { hold })
      await hangUp('/', () => vi.waitFor(async () => expect(await runs()).toBe(1), { timeout: 20_000 }))
      await vi.waitFor(async () => expect(await runs()).toBe(0), { timeout: 20_000 })
      await atRest(pool)
    },
  )

  test('a client that hangs up leaves the queue, and rolls its transaction back', async () => {
    const table = `web_${process.pid}_${++tags}`
    const inside = gate()
    const { ask, hangUp, pool } = await start(
      {
        '/': (db) =>
          db.transaction(async (tx) => {
            await tx.query(`CREATE TABLE ${table} (n int)`)
            await inside.wait()
          }),
        '/waits': (db) => db.query('SELECT 1'),
        '/after': async (db) => (await db.query('SELECT to_regclass($1) AS it', [table])).rows,
      },
      {},
      { max: 1 },
    )
    await hangUp('/', async () => {
      await inside.reached
      await hangUp('/waits', () =>
        vi.waitFor(() => expect(pool.stats().waiting).toBe(1), { timeout: 20_000 }),
      )
      await vi.waitFor(() => expect(pool.stats()).toMatchObject({ waiting: 0, aborted: 1 }), {
        timeout: 20_000,
      })
    })
    await atRest(pool)
    expect(await (await ask('/after')).json()).toEqual([{ it: null }])
  })

  test('answers 503 with Retry-After where no connection is to be had in time, and keeps the numbers to itself', async () => {
    const { ask, pool } = await start(
      {
        '/': (db) => db.query('SELECT 1', [], { timeout: 50 }),
        '/patient': async (db) => (await db.query('SELECT 1 AS n')).rows,
      },
      {},
      { max: 1 },
    )
    const lease = await pool.lease()
    const answer = await ask('/')
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    const text = await answer.text()
    expect(JSON.parse(text)).toEqual({ error: 'busy, try again later', retryAfter: 1 })
    lease.release()
    expect((await ask('/patient')).status).toBe(200)
  })

  test('answers other errors as before', async () => {
    const { ask, pool } = await start({ '/': (db) => db.query('SELECT 1/0') })
    const answer = await ask('/')
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([500, null])
    await atRest(pool)
  })

  test('used twice, it is used once', async () => {
    const { ask, pool } = await start(
      { '/': async (db) => (await db.query('SELECT 1 AS n')).rows },
      { hold: 'request', times: 2 },
    )
    expect(await (await ask('/')).json()).toEqual([{ n: 1 }])
    await atRest(pool)
    expect(pool.stats().acquired).toBe(1)
  })

  test('200 requests at once on a pool of 5 are all answered, and leave nothing behind', async () => {
    const { ask, pool } = await start(
      {
        '/': async (db) => {
          await db.transaction((tx) => tx.query('SELECT pg_sleep(0.002)'))
          return (await db.query('SELECT 1 AS n')).rows
        },
      },
      {},
      { max: 5 },
    )
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const answer = await ask(`/?${n}`)
        return [answer.status, await answer.text()]
      }),
    )
    expect(answers.filter(([status, text]) => status === 200 && text === '[{"n":1}]')).toHaveLength(200)
    await atRest(pool)
    expect(pool.stats().total).toBeLessThanOrEqual(5)
    expect(pool.stats().timeouts).toBe(0)
  })
})

test('Hono’s own error handler prints neither a full pool nor a client that hangs up', async () => {
  const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const pool = open({ max: 1 })
  const app = new Hono()
  app.use(honoDatabase(pool))
  const text = slow()
  app.get('/full', async (context) =>
    context.json(await databaseOf<Pool>(context).query('SELECT 1', [], { timeout: 50 })),
  )
  app.get('/slow', async (context) => context.json(await databaseOf<Pool>(context).query(text.text)))
  const client = new AbortController()
  const asked = Promise.resolve(app.request('/slow', { signal: client.signal }))
  await vi.waitFor(async () => expect(await text.runs()).toBe(1), { timeout: 20_000 })
  expect((await app.request('/full')).status).toBe(503)
  client.abort()
  expect((await asked).status).toBe(499)
  await atRest(pool)
  expect(printed).not.toHaveBeenCalled()
  printed.mockRestore()
})

describe.each(FRAMEWORKS.slice(2))('a body that %s streams', (_, framework) => {
  test('may read from the connection that the request holds, until its end', async () => {
    const pool = open({})
    const route: Route = async (db) => {
      const [first] = (await db.query<{ pid: number }>(PID)).rows
      async function* body() {
        for (let n = 0; n < 3; n++) yield `${(await db.query<{ pid: number }>(PID)).rows[0]?.pid} `
      }
      return new Response(ReadableStream.from(body()).pipeThrough(new TextEncoderStream()), {
        headers: { 'x-pid': String(first?.pid) },
      })
    }
    const { close, url } = await framework(pool, { '/': route }, { hold: 'request' })
    closing.push(close)
    const answer = await fetch(url)
    const pid = answer.headers.get('x-pid')
    expect((await answer.text()).trim().split(' ')).toEqual([pid, pid, pid])
    await atRest(pool)
  })
})
