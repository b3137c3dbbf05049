/** Checked by the compiler: the real pool, and the real frameworks, fit the middleware. */
import type { RequestHandler } from 'express'
import express from 'express'
import type { FastifyRequest } from 'fastify'
import fastify from 'fastify'
import { Hono } from 'hono'
import type { Pool, PoolLease, Pools, QueryOptions, Transaction } from '../../src/index.ts'
import { createPools } from '../../src/index.ts'
import type { RequestDatabase, RequestPool } from '../../src/middleware/index.ts'
import {
  databaseOf,
  expressDatabase,
  expressUnavailable,
  fastifyDatabase,
  honoDatabase,
  withDatabase,
} from '../../src/middleware/index.ts'

declare const pool: Pool
export const fits: RequestPool = pool

declare const db: RequestDatabase<Pool>
export const lease: Promise<PoolLease> = db.lease({ agent: 'a', timeoutMillis: 1_000 })
export const done: Promise<number> = db.transaction(
  async (tx) => {
    const given: Transaction = tx
    return (await given.query<{ n: number }>('SELECT 1')).rows.length
  },
  { isolationLevel: 'Serializable', retries: 3 },
)
interface Memory {
  readonly key: string
}
export const rows: Promise<{ rows: Memory[] }> = db.query<Memory>('SELECT key FROM memory')
export const options: Parameters<typeof db.query>[2] = {} satisfies QueryOptions
// @ts-expect-error an isolation level that does not exist
void db.transaction(async () => 1, { isolationLevel: 'Chaos' })

export const handler: RequestHandler = expressDatabase(pool)
const app = express()
app.use(expressDatabase(pool, { agent: (request: express.Request) => request.get('x-agent') }))
app.get('/', async (request, response) => {
  response.json(await databaseOf<Pool>(request).query('SELECT 1'))
})
app.use(expressUnavailable())

const server = fastify()
void server.register(
  fastifyDatabase(pool, { agent: (request: FastifyRequest) => request.headers['user-agent'] }),
)
server.get('/', (request) => databaseOf<Pool>(request).query('SELECT 1'))

const hono = new Hono()
hono.use(honoDatabase(pool, { hold: 'request' }))
hono.get('/', async (context) => context.json(await databaseOf(context).query('SELECT 1')))

/** A Next route handler: its second argument stays as it is. */
export const GET: (request: Request, context: { params: Promise<{ id: string }> }) => Promise<Response> =
  withDatabase(pool, async (request, { params }: { params: Promise<{ id: string }> }) =>
    Response.json((await databaseOf(request).query('SELECT $1', [(await params).id])).rows),
  )

declare const pools: Pools<'default' | 'analytics'>
export const analytics: Pool = pools.analytics
export const one: Pool = pools.get('default')
// @ts-expect-error a pool that does not exist
pools.get('analytic')
export const made: Pools<'a' | 'b'> = createPools({ a: {}, b: { max: 2 } }, { max: 4 })
export const waiting: number = made.stats().pools.a.waiting
