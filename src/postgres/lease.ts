/** A lease of a Postgres connection: revocable, so that a stale one can never touch the next owner. */
import type { Lease } from '../core/lease.ts'
import { RELEASED_TWICE } from '../core/lease.ts'
import type { Call, QueryOptions } from './call.ts'
import { least, refuseCache } from './call.ts'
import type { Client, QueryResult, QueryResultRow } from './driver.ts'
import { processIdOf } from './driver.ts'
import type { Knowledge } from './knowledge.ts'
import { withoutName } from './knowledge.ts'
import type { StatementOperations } from './operations.ts'
import { traced } from './promises.ts'
import type { Answer, Bounds, Ends } from './statement.ts'
import { neverSent, send } from './statement.ts'

/** What leases need of their pool. */
export interface LeaseParts {
  read(options: QueryOptions): Call
  run<R>(start: (answer: Answer<R>) => void, bounds: Bounds, ends: Ends<R>): void
  /** Of the way that the lease goes; undefined for one that is direct. */
  readonly knowledge:
    | Pick<Knowledge, 'carriesNames' | 'decide' | 'effectOf' | 'mustKnow' | 'refusal'>
    | undefined
  /** Cancels what a client runs; resolves when it is at rest, rejects when it does not come to rest in time. */
  cancel(client: Client): Promise<void>
  readonly operations: StatementOperations
}

/** A statement of a lease: it waits for the ones before it, then runs, and is over when its connection can take the next one. */
interface Turn {
  begin(): void
}

/** One exclusive loan of a connection. Once released it refuses everything. */
export class PoolLease {
  readonly #lease: Lease<Client>
  readonly #parts: LeaseParts
  readonly #waiting: Turn[] = []
  #running: Turn | undefined
  /** What runs is not sent yet: it waits for what the endpoint is. */
  #isUndecided = false
  /** How it was released, while statements of before the release still wait for their turn. */
  #leaving: { error: unknown } | undefined
  #broken: Error | undefined

  constructor(lease: Lease<Client>, parts: LeaseParts) {
    this.#lease = lease
    this.#parts = parts
  }

  /** The client itself. @throws once the lease is over */
  get client(): Client {
    if (this.#leaving !== undefined) throw new Error(OVER)
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
    return this.#leaving !== undefined || this.#lease.released
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
    return this.queryWithin(undefined, statement, values, options)
  }

  /** As `query`, ended by a second signal too: that of the transaction around it. */
  queryWithin<R extends QueryResultRow = QueryResultRow>(
    outer: AbortSignal | undefined,
    statement: string | object,
    values: readonly unknown[] | undefined,
    options: QueryOptions,
  ): Promise<QueryResult<R>> {
    return traced(
      new Promise<QueryResult<R>>((resolve, reject) => {
        const { client } = this
        if (this.#broken !== undefined) throw this.#broken
        const { statementMillis, timeoutMillis, signal } = this.#parts.read(options)
        refuseCache(statement)
        const bounds = { millis: least(statementMillis, timeoutMillis), signal, outer }
        const { operations } = this.#parts
        const operation = operations.begin([statement], {
          agent: options.agent ?? this.agent,
          class: options.class,
        })
        this.#run<QueryResult<R>>(client, statement, values, bounds, (error, result) => {
          if (operation !== undefined) operations.end(operation, error)
          if (error === undefined) resolve(result as QueryResult<R>)
          else reject(error)
        })
      }),
    )
  }

  #run<R>(client: Client, statement: unknown, values: unknown, bounds: Bounds, told: Answer<R>): void {
    let turn: Turn | undefined
    let isAbandoned = false
    const begin = (answer: Answer<R>) => {
      this.#send(client, statement, values, answer, () => isAbandoned || this.#lease.released)
    }
    const start = (answer: Answer<R>) => {
      turn = { begin: () => begin(answer) }
      this.#waiting.push(turn)
      this.#next()
    }
    this.#parts.run<R>(start, bounds, {
      isSent: () => turn !== undefined && this.#running === turn,
      answered: (error, result) => {
        told(error, result)
        this.#over(turn)
      },
      abandoned: (error) => {
        isAbandoned = true
        told(error, undefined)
        this.#abandon(client, turn)
      },
    })
  }

  /** What leaves something behind in its session, or has a name there, waits until it is known what becomes of that. */
  #send<R>(
    client: Client,
    statement: unknown,
    values: unknown,
    answer: Answer<R>,
    isOver: () => boolean,
  ): void {
    const { knowledge } = this.#parts
    const go = () => {
      const isPlain = knowledge === undefined || knowledge.carriesNames
      send(client, isPlain ? statement : withoutName(statement), values, answer)
    }
    const effect = knowledge?.effectOf(statement)
    if (knowledge === undefined || (effect === undefined && !knowledge.mustKnow(statement))) return go()
    this.#isUndecided = true
    knowledge.decide(
      client,
      () => {
        this.#isUndecided = false
        if (isOver()) return answer(neverSent(), undefined)
        const refusal = effect === undefined ? undefined : knowledge.refusal(effect)
        if (refusal === undefined) go()
        else answer(refusal, undefined)
      },
      isOver,
    )
  }

  #next(): void {
    if (this.#running !== undefined) return
    this.#running = this.#waiting.shift()
    if (this.#running !== undefined) this.#running.begin()
    else if (this.#leaving !== undefined) this.#giveBack(this.#leaving.error)
  }

  #over(turn: Turn | undefined): void {
    if (turn === undefined || this.#running !== turn) return
    this.#running = undefined
    this.#next()
  }

  /** Nobody waits for this statement any more. The next one starts when the server has really stopped. */
  #abandon(client: Client, turn: Turn | undefined): void {
    if (turn === undefined || this.#running !== turn) {
      const place = turn === undefined ? -1 : this.#waiting.indexOf(turn)
      if (place >= 0) this.#waiting.splice(place, 1)
      return
    }
    // Once given back, the connection is no longer ours to cancel on.
    if (this.#lease.released) return
    this.#parts.cancel(client).then(
      () => this.#over(turn),
      (failure: Error) => {
        this.#broken = failure
        this.#over(turn)
      },
    )
  }

  /**
   * Gives the connection back; with an error, or `true`, it is closed. Statements that were not awaited still run.
   * @throws what pg-pool throws when it is released already
   */
  release(error?: Error | boolean | null): void {
    if (this.#leaving !== undefined) throw new Error(RELEASED_TWICE)
    if (!error && (this.#waiting.length > 0 || this.#isUndecided)) this.#leaving = { error }
    else this.#giveBack(error)
  }

  #giveBack(error: unknown): void {
    this.#lease.release(error || this.#broken)
  }

  /** Gives the connection back unless that has happened. */
  [Symbol.asyncDispose](): Promise<void> {
    if (!this.released) this.release()
    return Promise.resolve()
  }
}

const OVER = 'This lease is over: its connection may belong to somebody else by now.'
