/** Express and Fastify: requests and responses of node:http, whose end is the `close` of the response. */
import type { DatabaseOptions, RequestDatabase } from './database.ts'
import { begin, failedByHangUp, readRules } from './database.ts'
import type { RequestPool } from './pool.ts'
import { unavailable } from './unavailable.ts'

/** A response of node:http. */
export interface NodeResponse {
  /** HTTP/2 does not say. */
  readonly writableFinished?: boolean | undefined
  readonly writableEnded: boolean
  readonly headersSent: boolean
  readonly destroyed?: boolean | undefined
  once(event: 'close', listener: () => void): unknown
}

/**
 * Ends the database with the response. `finish` alone is not enough: it never comes when the client has gone, `close` always
 * does.
 */
function endWith(response: NodeResponse, database: RequestDatabase): void {
  const over = () => {
    if (response.writableFinished ?? response.writableEnded) database.end()
    else database.disconnect()
  }
  if (response.destroyed === true) over()
  else response.once('close', over)
}

// Express --------------------------------------------------------------------------------------------------------------

/** What Express's response can do besides. */
export interface ExpressResponse extends NodeResponse {
  status(code: number): unknown
  set(headers: Record<string, string>): unknown
  send(body: string): unknown
}

/** Middleware for Express: `databaseOf(request)` is the request's database. @throws SLUICE_BAD_OPTION */
export function expressDatabase<Request extends object>(
  pool: RequestPool,
  options: DatabaseOptions<Request> = {},
): (request: Request, response: NodeResponse, next: (error?: unknown) => void) => void {
  const rules = readRules('expressDatabase()', pool, options)
  return (request, response, next) => {
    const database = begin(pool, rules, request)
    if (database !== undefined) endWith(response, database)
    next()
  }
}

/**
 * Error middleware for Express, behind the routes: 503 with Retry-After where no connection was to be had, nothing where the
 * client has hung up; other errors go on.
 */
export function expressUnavailable(): (
  error: unknown,
  request: object,
  response: ExpressResponse,
  next: (error?: unknown) => void,
) => void {
  // Express tells error middleware by its four parameters.
  return (error, request, response, next) => {
    if (failedByHangUp(error, request)) return
    const answer = unavailable(error)
    if (answer === undefined || response.headersSent) return next(error)
    response.status(answer.status)
    response.set({ ...answer.headers })
    response.send(answer.body)
  }
}

// Fastify --------------------------------------------------------------------------------------------------------------

/** What is needed of Fastify's reply. */
export interface FastifyReply {
  readonly raw: NodeResponse
  code(status: number): unknown
  header(name: string, value: string): unknown
  removeHeader(name: string): unknown
}

/** What is needed of Fastify's instance. */
export interface FastifyHooks<Request extends object> {
  addHook(name: 'onRequest', hook: (request: Request, reply: FastifyReply, done: () => void) => void): unknown
  addHook(
    name: 'onError',
    hook: (request: Request, reply: FastifyReply, error: Error, done: () => void) => void,
  ): unknown
  addHook(
    name: 'onSend',
    hook: (
      request: Request,
      reply: FastifyReply,
      payload: unknown,
      done: (error: null, payload: unknown) => void,
    ) => void,
  ): unknown
}

/**
 * A plugin for Fastify: `databaseOf(request)` is the request's database, and 503 with Retry-After the answer where no connection
 * was to be had, unless an error handler of the application has answered otherwise. @throws SLUICE_BAD_OPTION
 */
export function fastifyDatabase<Request extends object>(
  pool: RequestPool,
  options: DatabaseOptions<Request> = {},
): (instance: FastifyHooks<Request>, options: unknown, done: () => void) => void {
  const rules = readRules('fastifyDatabase()', pool, options)
  const failures = new WeakMap<Request, NonNullable<ReturnType<typeof unavailable>>>()
  const plugin = (instance: FastifyHooks<Request>, _options: unknown, done: () => void) => {
    instance.addHook('onRequest', (request, reply, next) => {
      const database = begin(pool, rules, request)
      if (database !== undefined) endWith(reply.raw, database)
      next()
    })
    instance.addHook('onError', (request, _reply, error, next) => {
      const answer = unavailable(error)
      if (answer !== undefined) failures.set(request, answer)
      next()
    })
    instance.addHook('onSend', (request, reply, payload, next) => {
      const answer = failures.get(request)
      if (answer === undefined) return next(null, payload)
      reply.code(answer.status)
      // It was that of the text which this one takes the place of.
      reply.removeHeader('content-length')
      for (const [name, value] of Object.entries(answer.headers)) reply.header(name, value)
      next(null, answer.body)
    })
    done()
  }
  // As fastify-plugin does: the hooks are for the whole application, not for this plugin's own routes.
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true })
}
