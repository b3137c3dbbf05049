import { expect, test } from 'vitest'
import { SluiceError } from '../base/errors.ts'
import { LEASE_OVER, RELEASED_TWICE } from '../core/lease.ts'
import { databaseOf } from './database.ts'
import { honoDatabase, withDatabase } from './fetch.ts'
import type { RequestLease, RequestPool } from './pool.ts'

function house() {
  const leases: { released: boolean }[] = []
  const pool: RequestPool = {
    query: async () => ({ rows: [], rowCount: 0 }),
    lease: async () => {
      const lease: RequestLease & { released: boolean } = {
        released: false,
        query: async () => ({ rows: [], rowCount: 0 }),
        release: () => {
          lease.released = true
        },
      }
      leases.push(lease)
      return lease
    },
    transaction: async () => {
      throw new Error('not here')
    },
  }
  return { pool, leases, released: () => leases.map((lease) => lease.released) }
}

const ask = (init?: RequestInit) => new Request('http://localhost/', init)

test('an answer with a body keeps what the request holds until the body has been read', async () => {
  const { pool, released } = house()
  const handler = withDatabase(pool, async (request) => {
    await databaseOf(request).lease()
    return new Response('text', { status: 201, headers: { 'x-kept': 'yes' } })
  })
  const response = await handler(ask())
  expect([released(), response.status, response.headers.get('x-kept')]).toEqual([[false], 201, 'yes'])
  expect(await response.text()).toBe('text')
  expect(released()).toEqual([true])
})

test('a body that nobody reads to its end, or that fails, gives back too', async () => {
  const { pool, released } = house()
  const failing = new ReadableStream({
    pull: () => {
      throw new Error('the source is broken')
    },
  })
  let body: ConstructorParameters<typeof Response>[0] = 'text'
  const handler = withDatabase(pool, async (request) => {
    await databaseOf(request).lease()
    return new Response(body)
  })
  await (await handler(ask())).body?.cancel()
  body = failing
  await expect((await handler(ask())).text()).rejects.toThrow('the source is broken')
  expect(released()).toEqual([true, true])
})

test('an answer without a body, and one of a request that holds nothing, pass as they are', async () => {
  const { pool, released } = house()
  const plain = new Response('text')
  expect(await withDatabase(pool, () => plain)(ask())).toBe(plain)
  const empty = new Response(null, { status: 204 })
  const handler = withDatabase(pool, async (request) => {
    await databaseOf(request).lease()
    return empty
  })
  expect(await handler(ask())).toBe(empty)
  expect(released()).toEqual([true])
})

test('a body that asks for its connection when the handler is long done gets it, where a request holds one', async () => {
  const { pool, released } = house()
  const handler = withDatabase(
    pool,
    async (request) =>
      new Response(
        new ReadableStream({
          async start(controller) {
            await new Promise((resolve) => setImmediate(resolve))
            await databaseOf(request).query('SELECT 1')
            controller.enqueue(new TextEncoder().encode('late'))
            controller.close()
          },
        }),
      ),
    { hold: 'request' },
  )
  expect(await (await handler(ask())).text()).toBe('late')
  expect(released()).toEqual([true])
})

test('an answer to HEAD gives back at once: nobody reads its body', async () => {
  for (const hold of ['statement', 'request'] as const) {
    const { pool, released } = house()
    const handler = withDatabase(
      pool,
      async (request) => {
        if (hold === 'statement') await databaseOf(request).lease()
        else await databaseOf(request).query('SELECT 1')
        return new Response('text')
      },
      { hold },
    )
    expect((await handler(ask({ method: 'HEAD' }))).status).toBe(200)
    expect(released()).toEqual([true])
  }
})

test('a handler that throws gives back; only a missing connection is answered', async () => {
  const { pool, released } = house()
  let error: Error = new Error('a mistake')
  const handler = withDatabase(pool, async (request) => {
    await databaseOf(request).lease()
    throw error
  })
  await expect(handler(ask())).rejects.toThrow('a mistake')
  error = new SluiceError('SLUICE_SHED', 'late', { retryAfterMillis: 4_000 })
  const response = await handler(ask())
  expect([response.status, response.headers.get('retry-after'), released()]).toEqual([503, '4', [true, true]])
})

test('a client that has gone, before or meanwhile, gets what it holds taken back', async () => {
  const { pool, released } = house()
  const client = new AbortController()
  const handler = withDatabase(pool, async (request) => {
    const db = databaseOf(request)
    await db.lease()
    client.abort()
    return Response.json([db.signal.aborted, released()])
  })
  expect(await (await handler(ask({ signal: client.signal }))).json()).toEqual([true, [true]])
  const late = withDatabase(pool, (request) => Response.json(databaseOf(request).signal.aborted))
  expect(await (await late(ask({ signal: client.signal }))).json()).toBe(true)
})

test.each([
  ['a call that was aborted', new SluiceError('SLUICE_ABORTED', 'aborted')],
  ['one that another library has wrapped', new Error('x', { cause: new SluiceError('SLUICE_ABORTED', 'y') })],
  ['a model that was asked with its signal', new DOMException('This operation was aborted', 'AbortError')],
  ['a lease that was taken back', new Error(LEASE_OVER)],
  ['a lease that is released once more', new Error(RELEASED_TWICE)],
])(
  'a handler that fails by %s is answered 499 where the client has hung up, and throws where not',
  async (_, error) => {
    const { pool } = house()
    const handler = withDatabase(pool, () => {
      throw error
    })
    expect((await handler(ask({ signal: AbortSignal.abort() }))).status).toBe(499)
    await expect(handler(ask())).rejects.toBe(error)
  },
)

test('a handler that asks the database for more when its client has gone is answered 499', async () => {
  const { pool, leases } = house()
  const handler = withDatabase(pool, async (request) => Response.json(await databaseOf(request).lease()))
  expect((await handler(ask({ signal: AbortSignal.abort() }))).status).toBe(499)
  expect(leases).toEqual([])
})

test('a mistake of a handler whose client has gone is thrown as ever', async () => {
  const handler = withDatabase(house().pool, () => {
    throw new Error('a mistake')
  })
  await expect(handler(ask({ signal: AbortSignal.abort() }))).rejects.toThrow('a mistake')
})

test('an answer of Hono’s error handler that is no 500 stays as it is', async () => {
  const { pool } = house()
  const error = new SluiceError('SLUICE_QUEUE_FULL', 'full')
  const context = (status: number) => ({
    req: { raw: ask() },
    error,
    res: new Response('own', { status }),
  })
  const [own, other] = [context(429), context(500)]
  const middleware = honoDatabase(pool)
  for (const each of [own, other]) await middleware(each, async () => undefined)
  expect([own.res.status, other.res.status]).toEqual([429, 503])
})
