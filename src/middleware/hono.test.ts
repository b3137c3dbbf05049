/** The middleware under the real Hono, whose own error handler prints what it does not know how to answer. */
import type { Context } from 'hono'
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SluiceError } from '../base/errors.ts'
import { databaseOf } from './database.ts'
import { honoDatabase } from './fetch.ts'
import type { RequestPool } from './pool.ts'

/** Waits until its caller gives up, as a pool does. */
const pool: RequestPool = {
  query: (_text, _values, options) =>
    new Promise((_, reject) => {
      options?.signal?.addEventListener('abort', () =>
        reject(new SluiceError('SLUICE_ABORTED', 'aborted by the caller', { cause: options.signal?.reason })),
      )
    }),
  lease: async () => {
    throw new Error('nothing is lent here')
  },
  transaction: async () => {
    throw new Error('nothing is lent here')
  },
}

const printed = vi.spyOn(console, 'error')
beforeEach(() => {
  printed.mockReset().mockImplementation(() => undefined)
})
afterEach(() => {
  vi.clearAllMocks()
})

function appWith(handler: (context: Context) => Promise<Response>): Hono {
  const app = new Hono()
  app.use(honoDatabase(pool))
  app.get('/', handler)
  return app
}

const fails = (error: Error) =>
  appWith(() => {
    throw error
  })

const busy = new SluiceError('SLUICE_QUEUE_FULL', 'full', { retryAfterMillis: 2_000 })

test.each([
  ['as it is', busy],
  ['wrapped by another library', new Error('the query failed', { cause: busy })],
  ['frozen', Object.freeze(new Error('the query failed', { cause: busy }))],
])('a full pool, its error %s, is answered 503 with Retry-After', async (_, error) => {
  const answer = await fails(error).request('/')
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2'])
  expect(await answer.json()).toEqual({ error: 'busy, try again later', retryAfter: 2 })
})

test('what is answered 503 is not printed, in routes of a part of the application neither', async () => {
  expect((await fails(busy).request('/')).status).toBe(503)
  const whole = new Hono()
  whole.use(honoDatabase(pool))
  whole.route('/part', fails(new Error('the query failed', { cause: busy })))
  expect((await whole.request('/part')).status).toBe(503)
  expect(printed).not.toHaveBeenCalled()
})

test('a client that hangs up is answered 499, and nothing is printed', async () => {
  const client = new AbortController()
  const app = appWith(async (context) => {
    const asked = databaseOf(context).query('SELECT 1')
    client.abort()
    return context.json(await asked)
  })
  const answer = await app.request('/', { signal: client.signal })
  expect([answer.status, await answer.text()]).toEqual([499, ''])
  expect(printed).not.toHaveBeenCalled()
})

test('a mistake of the handler is printed as ever, also when the client has gone', async () => {
  const mistake = new Error('a mistake')
  expect((await fails(mistake).request('/')).status).toBe(500)
  expect((await fails(mistake).request('/', { signal: AbortSignal.abort() })).status).toBe(500)
  expect(printed.mock.calls).toEqual([[mistake], [mistake]])
})

test('an error handler of the application is asked first, and an error that brings its own answer keeps it', async () => {
  const asked: Error[] = []
  const app = fails(busy)
  app.onError((error, context) => {
    asked.push(error)
    return context.text('later', 429)
  })
  expect((await app.request('/')).status).toBe(429)
  expect(asked).toEqual([busy])
  const own = new HTTPException(418, { message: 'own', cause: busy })
  expect(await (await fails(own).request('/')).text()).toBe('own')
})
