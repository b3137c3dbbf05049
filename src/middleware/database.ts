/** The database as one request has it: nothing is held until it is needed, and nothing once the request is over. */
import { SluiceError } from '../base/errors.ts'
import { readFunction, readOptions, readWord, requireMethods } from '../base/options.ts'
import { comesOfHangUp, RequestOver } from './hang-up.ts'
import type {
  Answer,
  CallOptions,
  LeaseOf,
  LeaseOptions,
  RequestLease,
  RequestPool,
  RequestPriority,
  RequestTransaction,
  TransactionOf,
  TransactionOptionsOf,
} from './pool.ts'

/** Options of the middleware; `Request` is what the framework hands to its handlers. */
export interface DatabaseOptions<Request> {
  /**
   * For how long a connection is held. `'statement'`: each statement borrows one and gives it back, so that a request that waits
   * for something else, a model's answer perhaps, holds none. `'request'`: from the first statement to the end of the request
   * all of them run on one connection. Default `'statement'`.
   */
  readonly hold?: 'statement' | 'request' | undefined
  /** The label that the request's calls work under, asked for at its first one. */
  readonly agent?: ((request: Request) => string | undefined) | undefined
  /** How urgent the request's calls are, asked for at its first one. */
  readonly priority?: ((request: Request) => RequestPriority | undefined) | undefined
}

/** {@link DatabaseOptions}, read. */
export interface Rules<Request> {
  readonly hold: 'statement' | 'request'
  readonly agent: ((request: Request) => string | undefined) | undefined
  readonly priority: ((request: Request) => RequestPriority | undefined) | undefined
}

/** @param what the middleware, in an error. @throws SLUICE_BAD_OPTION also for what is no pool */
export function readRules<Request>(
  what: string,
  pool: RequestPool,
  options: DatabaseOptions<Request>,
): Rules<Request> {
  requireMethods(pool, what, ['query', 'lease', 'transaction'])
  const given = readOptions(options, what, ['hold', 'agent', 'priority'])
  return {
    hold: readWord(given, 'hold', ['statement', 'request']) ?? 'statement',
    agent: readFunction(given, 'agent'),
    priority: readFunction(given, 'priority'),
  }
}

/** The database of one request. */
export class RequestDatabase<P extends RequestPool = RequestPool> {
  /** The pool itself, for what must go on when the client has gone: its calls know nothing of the request. */
  readonly pool: P
  /** Whether all its statements run on one connection. */
  readonly holds: boolean
  readonly #labels: () => CallOptions
  readonly #gone = new AbortController()
  /** Leases of this request that are not known to be back. */
  readonly #leases = new Set<RequestLease>()
  #known: CallOptions | undefined
  #held: Promise<RequestLease> | undefined
  #over = false

  /** @param labels what is said of every call, asked for once */
  constructor(pool: P, hold: 'statement' | 'request', labels: () => CallOptions) {
    this.pool = pool
    this.holds = hold === 'request'
    this.#labels = labels
  }

  /** Aborts when the client disconnects. For the model that the handler asks, too. */
  get signal(): AbortSignal {
    return this.#gone.signal
  }

  /** Whether the request holds a connection, or waits for one to hold. */
  get isHolding(): boolean {
    return this.#held !== undefined || [...this.#leases].some(({ released }) => !released)
  }

  /**
   * Runs a statement: on any connection, or on the request's own with `hold: 'request'`. A client that disconnects cancels it.
   * @throws what `query()` of the pool throws
   */
  async query<R extends object = Record<string, unknown>>(
    statement: string | object,
    values?: readonly unknown[],
    options: CallOptions = {},
  ): Promise<Answer<R>> {
    const all = this.#options({ ...inside(statement), ...options })
    const list = values as unknown[] | undefined
    if (!this.holds) return (await this.pool.query(statement, list, all)) as Answer<R>
    const lease = await this.#own()
    return (await lease.query(statement, list, all)) as Answer<R>
  }

  /**
   * Runs `fn` in a transaction on one connection, which is held meanwhile: do not wait for anything else in it.
   * @throws what `transaction()` of the pool throws; SLUICE_BAD_OPTION with `hold: 'request'`
   */
  async transaction<R>(
    fn: (transaction: TransactionOf<P>) => Promise<R> | R,
    options?: TransactionOptionsOf<P>,
  ): Promise<R> {
    this.#refuseSecond('transaction()')
    const run = fn as (transaction: RequestTransaction) => Promise<R> | R
    return this.pool.transaction(run, this.#options({ ...options }))
  }

  /**
   * Borrows a connection until it is released, at the latest until the request is over.
   * @throws what `lease()` of the pool throws; SLUICE_BAD_OPTION with `hold: 'request'`
   */
  async lease(options?: LeaseOptions): Promise<LeaseOf<P>> {
    this.#refuseSecond('lease()')
    return (await this.#borrow(options ?? {})) as LeaseOf<P>
  }

  /** Who holds one connection and waits for another may wait for one that everybody holds who waits. */
  #refuseSecond(what: string): void {
    if (!this.holds) return
    throw new SluiceError(
      'SLUICE_BAD_OPTION',
      `${what} takes a connection of its own, and with hold: 'request' the request has one; run BEGIN and COMMIT with query(), or leave hold out`,
    )
  }

  /** The one connection of the request. One that could not be had is asked for again by the next statement. */
  #own(): Promise<RequestLease> {
    if (this.#held !== undefined) return this.#held
    const held = this.#borrow({})
    this.#held = held
    held.catch(() => {
      if (this.#held === held) this.#held = undefined
    })
    return held
  }

  async #borrow(options: LeaseOptions): Promise<RequestLease> {
    if (this.#over) throw new RequestOver('This request is over: it can hold no connection any more.')
    const lease = await this.pool.lease(this.#options(options))
    if (this.#over) {
      lease.release()
      throw new RequestOver('This request was over before it got its connection, which was given back.')
    }
    this.#leases.add(lease)
    return lease
  }

  #options<O extends { readonly signal?: AbortSignal | undefined }>(options: O): O & CallOptions {
    this.#known ??= this.#labels()
    const own = options.signal
    const signal = own === undefined ? this.signal : AbortSignal.any([own, this.signal])
    return { ...this.#known, ...options, signal }
  }

  /** The client has disconnected: ends what waits, cancels what runs, gives back what is held. */
  disconnect(): void {
    if (!this.#over) this.#gone.abort(new Error('the client has disconnected'))
    this.end()
  }

  /** The request is over: gives back what is held. Does nothing the second time. */
  end(): void {
    this.#over = true
    this.#held = undefined
    for (const lease of this.#leases) if (!lease.released) lease.release()
    this.#leases.clear()
  }
}

/** What a config object says of its call: a third argument would hide it. */
function inside(statement: string | object): CallOptions {
  return typeof statement === 'string' || 'submit' in statement ? {} : statement
}

const databases = new WeakMap<object, RequestDatabase>()

/** The database of a request; made at the first time. Undefined where that has happened before: middleware may be used twice. */
export function begin<P extends RequestPool, Request extends object>(
  pool: P,
  rules: Rules<Request>,
  request: Request,
  key: object = request,
): RequestDatabase<P> | undefined {
  if (databases.has(key)) return undefined
  const database = new RequestDatabase(pool, rules.hold, () => labelsOf(rules, request))
  databases.set(key, database as unknown as RequestDatabase)
  return database
}

function labelsOf<Request>(rules: Rules<Request>, request: Request): CallOptions {
  const agent = rules.agent?.(request)
  const priority = rules.priority?.(request)
  return { ...(agent === undefined ? {} : { agent }), ...(priority === undefined ? {} : { priority }) }
}

/** Whether a request failed because its client has hung up; false where it did not come through the middleware. */
export function failedByHangUp(error: unknown, request: object): boolean {
  const database = databases.get(request)
  return database !== undefined && comesOfHangUp(error, database.signal)
}

/** Something that a framework made of the request: its own object, or one that leads to it. */
type AnyRequest = object & { readonly raw?: unknown; readonly req?: unknown }

/**
 * The database of a request that has come through the middleware: takes what the framework hands to handlers (Express's and
 * Fastify's request, Hono's context, the Request of a Next route).
 * @throws when it has not
 */
export function databaseOf<P extends RequestPool = RequestPool>(request: object): RequestDatabase<P> {
  const { raw, req } = request as AnyRequest
  const inner = (req as AnyRequest | undefined)?.raw
  for (const key of [request, inner, raw]) {
    const found = typeof key === 'object' && key !== null ? databases.get(key) : undefined
    if (found !== undefined) return found as unknown as RequestDatabase<P>
  }
  throw new Error(
    'This request has no database: it did not come through the middleware of sluice/middleware.',
  )
}
