/** Hono, Next route handlers, and whatever else turns a Request into a Response. */
import { SluiceError } from '../base/errors.ts'
import type { DatabaseOptions, RequestDatabase, Rules } from './database.ts'
import { begin, readRules } from './database.ts'
import { CLIENT_CLOSED_REQUEST, comesOfHangUp } from './hang-up.ts'
import type { RequestPool } from './pool.ts'
import { unavailable } from './unavailable.ts'

/** Follows the client's disconnect, as far as the server tells it. */
function endWith(signal: AbortSignal, database: RequestDatabase): void {
  const gone = () => database.disconnect()
  if (signal.aborted) gone()
  else signal.addEventListener('abort', gone, { once: true })
}

/** What a request is answered that failed, where that is known here. */
function answerTo(error: unknown, database: RequestDatabase): Response | undefined {
  if (comesOfHangUp(error, database.signal)) return new Response(null, { status: CLIENT_CLOSED_REQUEST })
  const answer = unavailable(error)
  return answer && new Response(answer.body, { status: answer.status, headers: answer.headers })
}

/**
 * Ends the database with the answer: with the last of its body where the request holds a connection, or will, which the body may
 * read from. Nobody reads the body of an answer to HEAD.
 */
function endAfter(response: Response, { method }: Request, database: RequestDatabase): Response {
  const { body } = response
  if (body === null || method === 'HEAD' || !(database.isHolding || database.holds)) {
    database.end()
    return response
  }
  const reader = body.getReader()
  const watched = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (!done) return controller.enqueue(value)
        database.end()
        controller.close()
      } catch (error) {
        database.end()
        controller.error(error)
      }
    },
    async cancel(reason) {
      database.disconnect()
      await reader.cancel(reason)
    },
  })
  return new Response(watched, response)
}

/**
 * Wraps a handler of Requests, such as a Next route: `databaseOf(request)` is the request's database. 503 with Retry-After is the
 * answer where no connection was to be had, 499 where the client has hung up meanwhile. @throws SLUICE_BAD_OPTION
 */
export function withDatabase<Rest extends readonly unknown[]>(
  pool: RequestPool,
  handler: (request: Request, ...rest: Rest) => Response | Promise<Response>,
  options: DatabaseOptions<Request> = {},
): (request: Request, ...rest: Rest) => Promise<Response> {
  const rules: Rules<Request> = readRules('withDatabase()', pool, options)
  if (typeof handler !== 'function')
    throw new SluiceError(
      'SLUICE_BAD_OPTION',
      'withDatabase() takes a pool and a handler, which is a function',
    )
  return async (request, ...rest) => {
    const database = begin(pool, rules, request)
    // Somebody around this handler has begun, and will end it.
    if (database === undefined) return handler(request, ...rest)
    endWith(request.signal, database)
    try {
      return endAfter(await handler(request, ...rest), request, database)
    } catch (error) {
      database.end()
      const answer = answerTo(error, database)
      if (answer === undefined) throw error
      return answer
    }
  }
}

/** What is needed of Hono's context. */
export interface HonoContext {
  readonly req: { readonly raw: Request }
  readonly error: Error | undefined
  res: Response
}

/**
 * Hono hands what a handler throws to its error handler at once, and its own one prints whatever brings no answer along. So an
 * error that is answered here gets one, as Hono's HTTPException has it, when Hono notes the error in its context.
 */
function bringAnswers(context: HonoContext, database: RequestDatabase): void {
  let noted = context.error
  Object.defineProperty(context, 'error', {
    configurable: true,
    enumerable: true,
    get: () => noted,
    set: (error: Error | undefined) => {
      noted = error
      if (error === undefined || 'getResponse' in error || !Object.isExtensible(error)) return
      if (answerTo(error, database) === undefined) return
      Object.defineProperty(error, 'getResponse', {
        configurable: true,
        value: () => answerTo(error, database),
      })
    },
  })
}

/**
 * Middleware for Hono: `databaseOf(c)` is the request's database. 503 with Retry-After is the answer where no connection was to be
 * had, 499 where the client has hung up meanwhile. @throws SLUICE_BAD_OPTION
 */
export function honoDatabase<Context extends HonoContext>(
  pool: RequestPool,
  options: DatabaseOptions<Context> = {},
): (context: Context, next: () => Promise<void>) => Promise<void> {
  const rules = readRules('honoDatabase()', pool, options)
  return async (context, next) => {
    const { raw } = context.req
    const database = begin(pool, rules, context, raw)
    if (database === undefined) return next()
    endWith(raw.signal, database)
    bringAnswers(context, database)
    try {
      await next()
      // Hono hands what a handler throws to its error handler, and goes on; one that knows better has another status.
      const answer =
        context.error && context.res.status === 500 ? answerTo(context.error, database) : undefined
      if (answer !== undefined) context.res = answer
      const watched = endAfter(context.res, raw, database)
      if (watched !== context.res) context.res = watched
    } catch (error) {
      database.end()
      throw error
    }
  }
}
