/** The pool that takes the place of `pg.Pool`: its methods, properties, events and errors, and what it lacks. */
import type {
  QueryArrayConfig,
  QueryArrayResult,
  QueryConfig,
  QueryConfigValues,
  QueryResult,
  QueryResultRow,
  Submittable,
} from 'pg'
import { systemClock } from '../base/clock.ts'
import { SluiceError } from '../base/errors.ts'
import type { Given } from '../base/options.ts'
import { readMillis, readNumber } from '../base/options.ts'
import type { BudgetView } from '../core/budget.ts'
import type { EndOptions } from '../core/ending.ts'
import type { Hooks } from '../core/hooks.ts'
import type { ConnectionRow, PoolStats, QueueRow } from '../core/stats.ts'
import type { BreakerStats } from '../resilience/breaker.ts'
import type { Assembly, AssemblyOwner } from './assembly.ts'
import { assemble } from './assembly.ts'
import type { BatchQuery } from './batch.ts'
import type { CacheStats } from './cache/cache.ts'
import type { CachedResult } from './cache/kept.ts'
import type { CacheOptions } from './cache/rule.ts'
import type { QueryOptions } from './call.ts'
import type { PoolConfig, ReadConfig } from './config.ts'
import { readConfig } from './config.ts'
import type { Client, ClientClass } from './driver.ts'
import { PgClient, PgPool, processIdOf } from './driver.ts'
import { eventHooks } from './events.ts'
import type { ConnectCallback, QueryCallback } from './forms.ts'
import { readQuery } from './forms.ts'
import { ownCopy, refuseInside } from './heritage.ts'
import type { EndpointFacts } from './knowledge.ts'
import type { LearnedStatement } from './lanes/learned.ts'
import type { PoolLease } from './lease.ts'
import type { ListenOptions, NotificationHandler } from './listen.ts'
import type { LeasedClient, LeaseOptions } from './loans.ts'
import { Loans } from './loans.ts'
import { parallel } from './parallel.ts'
import { detached, traced } from './promises.ts'
import type { PoolSettings } from './settings.ts'
import { settingsOf } from './settings.ts'
import type { Transaction, TransactionOptions } from './transaction.ts'
import { transaction } from './transaction.ts'

/** One slot of a Postgres pool. */
export interface PostgresConnection extends ConnectionRow {
  /** The server process, where the connection has one. */
  readonly processId: number | undefined
  /** Statements of callers that are under way on it together; undefined where it is not shared. */
  readonly depth: number | undefined
}

/** One immutable picture of a Postgres pool. */
export interface PostgresStats extends PoolStats {
  /** Calls that were run again (`retry`). */
  readonly retries: number
  /** Undefined without `circuitBreaker`. */
  readonly breaker: BreakerStats | undefined
  readonly cache: CacheStats
}

/** The pool. Takes the place of `pg.Pool`; the differences are listed in docs/drop-in.md. */
export class Pool extends PgPool {
  /** True from `end()` on. */
  ending = false
  /** True when the last connection is closed after `end()`. */
  ended = false
  readonly #config: ReadConfig
  readonly #parts: Assembly
  readonly #loans: Loans

  /** @throws SLUICE_BAD_OPTION naming the option, its value and its range */
  constructor(config: PoolConfig = {}, Client?: ClientClass) {
    const read = readConfig(config)
    super(ownCopy(config))
    this.#config = read
    this.Client = config.Client ?? Client ?? PgClient
    const hasLog = typeof config.log === 'function'
    const owner: AssemblyOwner = {
      Client: () => this.Client,
      options: () => this.options,
      failed: (error, client, wasIdle) => this.#clientFailed(error, client, wasIdle),
      listens: () => this.listenerCount('acquire') > 0,
      isPgs: () => this.Client === PgClient || this.Client.prototype instanceof PgClient,
      // In a turn of its own: what a listener throws or asks for must not come in between.
      breakerChanged: (state, reason) =>
        queueMicrotask(() => this.emit('breaker', Object.freeze({ state, reason }))),
      echoed: (line) => (hasLog ? this.log(line) : process.stderr.write(`${line}\n`)),
    }
    this.#parts = assemble(owner, read)
    this.#loans = new Loans(this.#parts, read)
    const { engine, gate, rounds, sessions } = this.#parts
    const { allowExitOnIdle, max, min } = read.settings
    Object.assign(this.options, read.client, { max, min, allowExitOnIdle })
    if (config.idleTimeoutMillis === undefined)
      this.options.idleTimeoutMillis = read.settings.idleTimeoutMillis
    // Own, as in pg-pool, because code that looks inside finds the clients here.
    Object.defineProperty(this, '_clients', { get: () => sessions.clients })
    const resting = (client: Client) => rounds.restingMillis(client, systemClock.now())
    engine.attach(eventHooks(this, allowExitOnIdle, resting))
    engine.attach(rounds.hooks)
    if (gate !== undefined) engine.attach(gate.hooks)
  }

  /** pg-pool ends the process when nobody listens for errors of idle clients; here they are logged. */
  #clientFailed(error: Error, client: Client, wasIdle: boolean): void {
    if (!wasIdle) return this.log('additional client error after disconnection due to error', error)
    Object.assign(error, { client })
    if (this.listenerCount('error') > 0) this.emit('error', error, client)
    else this.log('idle client failed', error)
  }

  // Getting a connection -----------------------------------------------------------------------------------------------

  /** Borrows a client, as pg-pool does: the same object lease after lease; `client.release()` gives it back. */
  connect(): Promise<LeasedClient>
  connect(callback: ConnectCallback): void
  connect(callback?: ConnectCallback): Promise<LeasedClient> | undefined {
    if (typeof callback === 'function') {
      const answer = detached(callback)
      this.#loans.client((error, client, done) => answer(error as Error | undefined, client, done))
      return undefined
    }
    return this.#promise((resolve, reject) => {
      this.#loans.client((error, client) => (client === undefined ? reject(error) : resolve(client)))
    })
  }

  /**
   * Borrows a connection as a revocable lease: once released it refuses everything, so a stale one can never touch the next owner.
   * @throws SLUICE_UNSUPPORTED_ON_ENDPOINT with `endpoint: 'direct'` through a transaction pooler without `directConnectionString`
   */
  lease(options: LeaseOptions = {}): Promise<PoolLease> {
    return this.#promise((resolve, reject) => {
      this.#loans.lease(options, (error, lease) => (lease === undefined ? reject(error) : resolve(lease)))
    })
  }

  // Statements ---------------------------------------------------------------------------------------------------------

  /**
   * Runs a statement on any connection: in all of pg-pool's forms, and with {@link QueryOptions} as the third argument or
   * inside the config object.
   * @throws what the server says; SLUICE_QUERY_TIMEOUT, SLUICE_ABORTED; what `connect()` throws
   */
  // biome-ignore-start lint/suspicious/noExplicitAny: the type parameters and their defaults are those of @types/pg, so that code that swaps the import type-checks
  query<T extends Submittable>(queryStream: T): T
  query<R extends QueryResultRow = any, I = any[]>(
    textOrConfig: string | (QueryConfig<I> & QueryOptions),
    values: QueryConfigValues<I> | undefined,
    options: QueryOptions & { readonly cache: CacheOptions },
  ): Promise<CachedResult<R>>
  query<R extends QueryResultRow = any, I = any[]>(
    config: QueryConfig<I> & QueryOptions & { readonly cache: CacheOptions },
  ): Promise<CachedResult<R>>
  query<R extends any[] = any[], I = any[]>(
    config: QueryArrayConfig<I> & QueryOptions,
    values?: QueryConfigValues<I>,
    options?: QueryOptions,
  ): Promise<QueryArrayResult<R>>
  query<R extends QueryResultRow = any, I = any[]>(
    config: QueryConfig<I> & QueryOptions,
  ): Promise<QueryResult<R>>
  query<R extends QueryResultRow = any, I = any[]>(
    textOrConfig: string | (QueryConfig<I> & QueryOptions),
    values?: QueryConfigValues<I>,
    options?: QueryOptions,
  ): Promise<QueryResult<R>>
  query<R extends any[] = any[], I = any[]>(
    config: QueryArrayConfig<I> & QueryOptions,
    callback: (error: Error, result: QueryArrayResult<R>) => void,
  ): void
  query<R extends QueryResultRow = any, I = any[]>(
    textOrConfig: string | (QueryConfig<I> & QueryOptions),
    callback: (error: Error, result: QueryResult<R>) => void,
  ): void
  query<R extends QueryResultRow = any, I = any[]>(
    text: string,
    values: QueryConfigValues<I>,
    callback: (error: Error, result: QueryResult<R>) => void,
  ): void
  // biome-ignore-end lint/suspicious/noExplicitAny: as above
  query(statement: unknown, second?: unknown, third?: unknown): unknown {
    if (typeof statement === 'function') return refuseFunction(statement as QueryCallback)
    const given = readQuery(statement, second, third)
    if (given.callback === undefined) {
      return this.#promise((resolve, reject) => {
        this.#parts.traffic.queries.query(given, (error, result) =>
          error === undefined ? resolve(result) : reject(error),
        )
      })
    }
    const answer = detached(given.callback as (error: unknown, result?: unknown) => void)
    this.#parts.traffic.queries.query(given, (error, result) =>
      error === undefined ? answer(undefined, result) : answer(error),
    )
    return undefined
  }

  /**
   * Runs `fn` between BEGIN and COMMIT on one connection; what it throws rolls back. A transaction that takes too long is
   * cancelled and rolled back.
   * @throws SLUICE_TRANSACTION_TIMEOUT, SLUICE_UNSUPPORTED_ON_ENDPOINT with `transactions: false`, what `fn` throws, what `connect()` throws
   */
  transaction<R>(
    fn: (transaction: Transaction) => Promise<R> | R,
    options: TransactionOptions = {},
  ): Promise<R> {
    const refusal = this.#refusal('transaction()')
    if (refusal !== undefined) return this.#promise((_, reject) => reject(refusal))
    return transaction(fn, options, {
      clock: systemClock,
      random: Math.random,
      numbers: () => this.#parts.engine.numbers(),
      lease: (acquire) =>
        this.#promise((resolve, reject) => {
          this.#loans.own(acquire, (error, lease) => (lease === undefined ? reject(error) : resolve(lease)))
        }),
      settings: () => this.#parts.knowledge.transactionSettings(),
      refusal: () => this.#parts.knowledge.transactionRefusal(),
    })
  }

  /**
   * Runs statements as one transaction in one round trip: all of them take effect, or none.
   * @returns a result a statement, in their order
   * @throws the first error
   */
  batch(queries: readonly (string | BatchQuery)[], options: QueryOptions = {}): Promise<QueryResult[]> {
    return this.#promise((resolve, reject) => {
      const refusal = this.#refusal('batch()')
      if (refusal !== undefined) return reject(refusal)
      this.#parts.traffic.queries.batch(queries, options, (error, results) =>
        results === undefined ? reject(error) : resolve(results),
      )
    })
  }

  /** What `transactions: false` says to those who ask for one. */
  #refusal(call: string): SluiceError | undefined {
    if (this.#config.transactions) return undefined
    return new SluiceError(
      'SLUICE_UNSUPPORTED_ON_ENDPOINT',
      `${call} needs a session for more than one statement, and this pool's endpoint lends them by the statement (transactions: false, POOL_MODE=statement); connect through a pooler in transaction or session mode`,
    )
  }

  /**
   * Runs statements side by side, at most `concurrency` at once (default `parallelQueries`, else `max`).
   * @returns their results in the order of the statements
   * @throws the first error; nothing more is started then
   */
  parallel(
    queries: readonly (string | BatchQuery)[],
    options: QueryOptions & { readonly concurrency?: number | undefined } = {},
  ): Promise<QueryResult[]> {
    const concurrency =
      readNumber(options as Given, 'concurrency', { min: 1, max: 10_000 }) ??
      this.#config.parallelQueries ??
      this.options.max
    if (options.cache?.key !== undefined)
      throw new SluiceError(
        'SLUICE_BAD_OPTION',
        'parallel() takes cache without a key, which would be one for all of its statements',
      )
    return parallel(queries, concurrency, (query) => {
      const { text, values } = typeof query === 'string' ? { text: query, values: undefined } : query
      return this.query(text, values as unknown[] | undefined, options)
    })
  }

  /**
   * Calls `handler` for every notification on a channel, also after the connection was lost and made anew. Holds one
   * connection for all channels: of this pool, or one of its own where `directConnectionString` is given.
   * @returns the way to stop
   */
  listen(
    channel: string,
    handler: NotificationHandler,
    options: ListenOptions = {},
  ): Promise<() => Promise<void>> {
    if (this.ending) {
      return this.#promise((_, reject) =>
        reject(new Error('Cannot use a pool after calling end on the pool')),
      )
    }
    return this.#parts.listening.listener.listen(channel, handler, options)
  }

  // Verbs --------------------------------------------------------------------------------------------------------------

  /** Changes the size at run time; connections above a smaller `max` close when they come back. @throws SLUICE_BAD_OPTION */
  resize(size: { max?: number | undefined; min?: number | undefined }): void {
    this.#parts.engine.resize(size)
    const { max, min } = this.#parts.engine.stats()
    Object.assign(this.options, { max, min })
  }

  /** Takes no new callers and serves the ones it has; true when all came back in time. `resume()` opens the pool again. */
  drain(timeoutMillis?: number): Promise<boolean> {
    return this.#parts.engine.drain(timeoutMillis)
  }

  /** Replaces every connection: idle ones now, lent ones when they come back. */
  clear(): void {
    this.#parts.engine.clear()
  }

  /** Serves nobody until `resume()`; callers wait, within their deadlines. */
  pause(): void {
    this.#parts.engine.pause()
  }

  /** Takes `pause()` or `drain()` back. */
  resume(): void {
    this.#parts.engine.resume()
  }

  /**
   * Ends the pool; resolves when its last connection is closed. Lent ones have `timeoutMillis` (default `endTimeoutMillis`) to
   * come back. With options it may be called again, which can only shorten that time; without, the second call is an error,
   * as in pg-pool.
   * @throws SLUICE_BAD_OPTION
   */
  end(options?: EndOptions): Promise<void>
  end(callback: () => void): void
  end(given?: EndOptions | ((error?: Error) => void)): Promise<void> | undefined {
    const answer = typeof given === 'function' ? detached(given) : undefined
    const options = typeof given === 'object' ? given : undefined
    if (this.ending && options === undefined) {
      const error = new Error('Called end on pool more than once')
      if (answer === undefined) return this.#promise((_, reject) => reject(error))
      answer(error)
      return undefined
    }
    const done = this.#end(options)
    if (answer === undefined) return this.#promise((resolve, reject) => void done.then(resolve, reject))
    void done.then(() => answer())
    return undefined
  }

  async #end(options?: EndOptions): Promise<void> {
    readMillis({ ...options }, 'timeoutMillis')
    this.ending = true
    const { engine, listening, traffic } = this.#parts
    const closed = Promise.all([listening.end(options), engine.end(options)])
    traffic.attempts.stop()
    await closed
    traffic.stop()
    this.ended = true
  }

  /** Ends the pool unless that has happened. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.ending) await this.end()
  }

  // Questions ----------------------------------------------------------------------------------------------------------

  /** Connections that are open or opening, as pg-pool counts them: closing ones are left out (`stats().total` has them). */
  get totalCount(): number {
    const { opening, idle, checking, leased, shared, cancelling } = this.#parts.engine.numbers()
    return opening + idle + checking + leased + shared + cancelling + this.#parts.engine.planned
  }

  get idleCount(): number {
    return this.#parts.engine.numbers().idle
  }

  /** Callers who wait with no connection on its way for them. */
  get waitingCount(): number {
    return this.#parts.engine.unserved - this.#parts.engine.planned
  }

  /** Lent connections past their lifetime, which close when they come back. */
  get expiredCount(): number {
    return this.#parts.engine.expired
  }

  /** The budget that this pool shares with others, as it sees it; undefined without one. */
  get budget(): BudgetView | undefined {
    return this.#parts.engine.budget
  }

  /** One immutable picture of the pool in numbers. */
  stats(): PostgresStats {
    const { engine, gate, traffic } = this.#parts
    return Object.freeze({
      ...engine.stats(),
      retries: traffic.attempts.retries,
      breaker: gate?.stats(),
      cache: traffic.queries.cache.stats(),
    })
  }

  /** One row a slot: what it does, for whom, since when. */
  connections(): readonly PostgresConnection[] {
    const depths = this.#parts.traffic.depths()
    return this.#parts.engine.connections().map(({ resource, ...row }) => {
      const of = resource && { processId: processIdOf(resource), depth: depths.get(resource) }
      return Object.freeze({ processId: undefined, depth: undefined, ...row, ...of })
    })
  }

  /** Who waits for a connection: one row an agent and priority, the most urgent first. */
  queue(): readonly QueueRow[] {
    return this.#parts.engine.queue()
  }

  /** What the connection string leads to, as far as it is known, and what follows (docs/endpoints.md). */
  endpoint(): EndpointFacts {
    return this.#parts.knowledge.facts()
  }

  /** The options in effect, every default in place: a frozen object without secrets. */
  settings(): PoolSettings {
    const { max, min } = this.#parts.engine.stats()
    const options = this.options as unknown as Given
    return settingsOf({
      config: this.#config,
      options,
      endpoint: this.endpoint(),
      carriesPrepared: this.#parts.knowledge.carriesPrepared,
      size: { max, min },
    })
  }

  /**
   * What was learned of the statements of `query()`, those first that took most time together. Literals are replaced; the values
   * of parameters are not in it.
   * @param limit rows at most; 1 to 10,000
   * @throws SLUICE_BAD_OPTION
   */
  statements(limit = 1_000): readonly LearnedStatement[] {
    return this.#parts.traffic.queries.learned(
      readNumber({ limit }, 'limit', { min: 1, max: 10_000 }) as number,
    )
  }

  /** Tells `hooks` what happens to connections and callers from now on. Returns the way to detach. */
  attach(hooks: Hooks<Client>): () => void {
    return this.#parts.engine.attach(hooks)
  }

  /** A promise of the kind that `options.Promise` asks for, with errors that lead back to the caller. */
  #promise<R>(executor: (resolve: (value: R) => void, reject: (error: unknown) => void) => void): Promise<R> {
    return traced(new this.Promise<R>(executor))
  }

  static {
    refuseInside(Pool.prototype)
  }
}

function refuseFunction(callback: QueryCallback): void {
  const answer = detached(callback as (error: Error) => void)
  answer(new Error('Passing a function as the first parameter to pool.query is not supported'))
}
