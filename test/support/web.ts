/** The same small application on each framework, with the middleware of sluice/middleware in front, behind a real socket. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import type { Pool } from '../../src/index.ts'
import type { RequestDatabase } from '../../src/middleware/index.ts'
import {
  databaseOf,
  expressDatabase,
  expressUnavailable,
  fastifyDatabase,
  honoDatabase,
  withDatabase,
} from '../../src/middleware/index.ts'

/** What answers a path, with what becomes JSON. */
export type Route = (db: RequestDatabase<Pool>) => unknown

/** How requests are labelled and held. */
export interface WebOptions {
  readonly hold?: 'statement' | 'request'
  /** Takes the agent from the header `x-agent`, and calls with `x-urgent` high. */
  readonly labelled?: boolean
  /** How often the middleware stands before the routes. Default once. */
  readonly times?: number
}

export type Framework = (
  pool: Pool,
  routes: Readonly<Record<string, Route>>,
  options?: WebOptions,
) => Promise<{ url: string; close(): Promise<void> }>

const repeat = (times: number | undefined, use: () => void) => {
  for (let n = 0; n < (times ?? 1); n++) use()
}

function labels<Request>(header: (request: Request, name: string) => string | undefined, on = false) {
  if (!on) return {}
  return {
    agent: (request: Request) => header(request, 'x-agent'),
    priority: (request: Request) =>
      header(request, 'x-urgent') === undefined ? undefined : ('high' as const),
  }
}

async function listen(server: Server): Promise<{ url: string; close(): Promise<void> }> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const onExpress: Framework = (pool, routes, { hold, labelled, times } = {}) => {
  const app = express()
  const own = labels<express.Request>((request, name) => request.get(name), labelled)
  repeat(times, () => app.use(expressDatabase(pool, { hold, ...own })))
  for (const [path, route] of Object.entries(routes))
    app.get(path, async (request, response) => {
      response.json(await route(databaseOf(request)))
    })
  app.use(expressUnavailable())
  return listen(createServer(app))
}

const onFastify: Framework = async (pool, routes, { hold, labelled, times } = {}) => {
  const app = fastify({ forceCloseConnections: true })
  const own = labels<fastify.FastifyRequest>(
    ({ headers }, name) => headers[name] as string | undefined,
    labelled,
  )
  repeat(times, () => void app.register(fastifyDatabase(pool, { hold, ...own })))
  for (const [path, route] of Object.entries(routes)) app.get(path, (request) => route(databaseOf(request)))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { url, close: () => app.close() }
}

/** Hands a request of node:http on as servers for Requests do: its signal aborts when the client has gone. */
async function hand(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (request: Request) => Response | Promise<Response>,
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => {
    if (!response.writableFinished) gone.abort()
  })
  const headers = request.headers as Record<string, string>
  const asked = new Request(`http://127.0.0.1${request.url}`, { headers, signal: gone.signal })
  const found = await Promise.resolve(answer(asked)).catch(() => new Response('failed', { status: 500 }))
  response.writeHead(found.status, Object.fromEntries(found.headers))
  for await (const part of found.body ?? []) response.write(part)
  response.end()
}

const serve = (answer: (request: Request) => Response | Promise<Response>) =>
  listen(createServer((request, response) => void hand(request, response, answer)))

/** A route may also answer with a Response of its own. */
function answerOf(value: unknown): Response {
  return value instanceof Response ? value : Response.json(value ?? null)
}

const onHono: Framework = (pool, routes, { hold, labelled, times } = {}) => {
  const app = new Hono()
  // As an application that logs elsewhere.
  app.onError((_, context) => context.text('failed', 500))
  const own = labels<{ req: { raw: Request } }>(
    ({ req }, name) => req.raw.headers.get(name) ?? undefined,
    labelled,
  )
  repeat(times, () => app.use(honoDatabase(pool, { hold, ...(own as object) })))
  for (const [path, route] of Object.entries(routes))
    app.get(path, async (context) => answerOf(await route(databaseOf(context))))
  return serve((request) => app.fetch(request))
}

const onNext: Framework = (pool, routes, { hold, labelled, times } = {}) => {
  const own = labels<Request>((request, name) => request.headers.get(name) ?? undefined, labelled)
  let handler = async (request: Request) => {
    const route = routes[new URL(request.url).pathname] as Route
    return answerOf(await route(databaseOf(request)))
  }
  repeat(times, () => {
    handler = withDatabase(pool, handler, { hold, ...own })
  })
  return serve(handler)
}

export const FRAMEWORKS: readonly (readonly [string, Framework])[] = [
  ['Express', onExpress],
  ['Fastify', onFastify],
  ['Hono', onHono],
  ['Next', onNext],
]
