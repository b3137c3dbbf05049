/** How a statement travels: a connection is asked for, the statement sent under its bounds, the connection given back, the caller told. */
import { systemClock } from '../base/clock.ts'
import type { Lease } from '../core/lease.ts'
import type { BatchQuery } from './batch.ts'
import { readBatch, runBatch, survivesFailure } from './batch.ts'
import type { Call, QueryOptions } from './call.ts'
import { readCall } from './call.ts'
import type { Checkout } from './checkout.ts'
import type { ReadConfig } from './config.ts'
import type { Client, QueryResult } from './driver.ts'
import { isBusy } from './driver.ts'
import type { QueryArguments } from './forms.ts'
import type { Answer, Bounds, Statements } from './statement.ts'
import { READ_TIMEOUT, send } from './statement.ts'

/** Called once: with an error, or with a result. */
export type Told<R> = (error: unknown, result: R | undefined) => void

export class Queries {
  readonly #checkout: Checkout
  readonly #statements: Statements
  readonly #config: ReadConfig

  constructor(checkout: Checkout, statements: Statements, config: ReadConfig) {
    this.#checkout = checkout
    this.#statements = statements
    this.#config = config
  }

  /** Runs one statement. */
  query({ statement, values, options }: QueryArguments, told: Told<unknown>): void {
    this.#run<unknown>(options, told, {
      start: (client, answer) => send(client, statement, values, answer),
      answered: (lease, error) => this.#takeBack(lease, error),
      abandoned: (lease) => lease.cancel(),
    })
  }

  /** Runs statements as one transaction. Nothing is sent when one of them cannot be. */
  batch(queries: readonly (string | BatchQuery)[], options: QueryOptions, told: Told<QueryResult[]>): void {
    let read: BatchQuery[]
    try {
      read = readBatch(queries)
    } catch (error) {
      return told(error, undefined)
    }
    this.#run<QueryResult[]>(options, told, {
      start: (client, answer) => {
        runBatch(client, read).then(
          (results) => answer(undefined, results),
          (error: Error) => answer(error, undefined),
        )
      },
      answered: (lease, error) => lease.release(survivesFailure(lease.resource) ? undefined : error),
      // Cancelling its head would let the rest of a batch run.
      abandoned: (lease, error) => lease.release(error),
    })
  }

  #run<R>(options: QueryOptions, told: Told<R>, work: Work<R>): void {
    let call: Call
    try {
      call = readCall(options, this.#config)
    } catch (error) {
      return told(error, undefined)
    }
    const askedAt = call.timeoutMillis === undefined ? 0 : systemClock.now()
    this.#checkout.request(call, (error, lease) => {
      if (lease === undefined) told(error, undefined)
      else this.#send(lease, boundsOf(call, askedAt), told, work)
    })
  }

  #send<R>(lease: Lease<Client>, bounds: Bounds, told: Told<R>, work: Work<R>): void {
    this.#statements.run<R>((answer) => work.start(lease.resource, answer), bounds, {
      answered: (error, result) => {
        // `end()` may have closed the connection under a statement that took too long.
        if (!lease.released) work.answered(lease, error)
        told(error, result)
      },
      abandoned: (error) => {
        if (!lease.released) work.abandoned(lease, error)
        told(error, undefined)
      },
    })
  }

  #takeBack(lease: Lease<Client>, error: Error | undefined): void {
    if (error === undefined) lease.release()
    else if (this.#config.discardOnError) lease.release(error)
    else if (error.message === READ_TIMEOUT && isBusy(lease.resource)) lease.cancel()
    else lease.release()
  }
}

/** What is done with a connection, and how it is given back. */
interface Work<R> {
  start(client: Client, answer: Answer<R>): void
  answered(lease: Lease<Client>, error: Error | undefined): void
  abandoned(lease: Lease<Client>, error: Error): void
}

function boundsOf(call: Call, askedAt: number): Bounds {
  if (call.timeoutMillis === undefined) return { millis: call.statementMillis, signal: call.signal }
  const left = Math.max(1, call.timeoutMillis - (systemClock.now() - askedAt))
  if (call.statementMillis !== undefined && call.statementMillis < left) {
    return { millis: call.statementMillis, signal: call.signal }
  }
  return { millis: left, askedMillis: call.timeoutMillis, signal: call.signal }
}
