/** A lease of a Postgres connection: revocable, so that a stale one can never touch the next owner. */
import type { Lease } from '../core/lease.ts'
import type { Call, QueryOptions } from './call.ts'
import { least } from './call.ts'
import type { Client, QueryResult, QueryResultRow } from './driver.ts'
import { processIdOf } from './driver.ts'
import { traced } from './promises.ts'
import type { Answer, Bounds, Ends } from './statement.ts'
import { send } from './statement.ts'

/** What leases need of their pool. */
export interface LeaseParts {
  read(options: QueryOptions): Call
  run<R>(start: (answer: Answer<R>) => void, bounds: Bounds, ends: Ends<R>): void
  /** Cancels what a client runs; resolves when it is at rest, rejects when it does not come to rest in time. */
  cancel(client: Client): Promise<void>
}

/** One exclusive loan of a connection. Once released it refuses everything. */
export class PoolLease {
  readonly #lease: Lease<Client>
  readonly #parts: LeaseParts
  // Statements of one lease run one after another, and the next waits until a cancelled one has really ended.
  #before: Promise<void> = Promise.resolve()
  #broken: Error | undefined

  constructor(lease: Lease<Client>, parts: LeaseParts) {
    this.#lease = lease
    this.#parts = parts
  }

  /** The client itself. @throws once the lease is over */
  get client(): Client {
    return this.#lease.resource
  }

  /** The server process behind it. */
  get processId(): number | undefined {
    return processIdOf(this.client)
  }

  get agent(): string | undefined {
    return this.#lease.agent
  }

  get released(): boolean {
    return this.#lease.released
  }

  /**
   * Runs a statement on this connection, after the ones before it.
   * @throws what the server says; SLUICE_QUERY_TIMEOUT and SLUICE_ABORTED, after which the lease can still be used
   */
  query<R extends QueryResultRow = QueryResultRow>(
    statement: string | object,
    values?: readonly unknown[],
    options: QueryOptions = {},
  ): Promise<QueryResult<R>> {
    const call = this.#parts.read(options)
    const done = this.#before.then(() => this.#run<QueryResult<R>>(statement, values, call))
    return traced(done)
  }

  #run<R>(statement: unknown, values: unknown, call: Call): Promise<R> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken)
    const client = this.client
    const parts = this.#parts
    const bounds = { millis: least(call.statementMillis, call.timeoutMillis), signal: call.signal }
    return new Promise<R>((resolve, reject) => {
      this.#before = new Promise<void>((proceed) => {
        parts.run<R>((answer) => send(client, statement, values, answer), bounds, {
          answered: (error, result) => {
            proceed()
            if (error === undefined) resolve(result as R)
            else reject(error)
          },
          abandoned: (error) => {
            reject(error)
            parts.cancel(client).then(proceed, (failure: Error) => {
              this.#broken = failure
              proceed()
            })
          },
        })
      })
    })
  }

  /**
   * Gives the connection back; with an error, or `true`, it is closed.
   * @throws what pg-pool throws when it is released already
   */
  release(error?: Error | boolean | null): void {
    this.#lease.release(error || this.#broken)
  }

  /** Gives the connection back unless that has happened. */
  [Symbol.asyncDispose](): Promise<void> {
    if (!this.released) this.release()
    return Promise.resolve()
  }
}
