/** Transactions: one lease from BEGIN to COMMIT, under a deadline, rolled back however they fail. */
import { onAbort } from '../base/aborts.ts'
import { fullJitter } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import type { PoolNumbers } from '../base/errors.ts'
import { codeOf, messageOf, SluiceError } from '../base/errors.ts'
import type { Given } from '../base/options.ts'
import { readBoolean, readMillis, readNumber, readWord } from '../base/options.ts'
import { pause } from '../base/pause.ts'
import type { Priority, RequestOptions } from '../core/options.ts'
import type { QueryOptions } from './call.ts'
import type { QueryResult, QueryResultRow } from './driver.ts'
import type { PoolLease } from './lease.ts'

/** The isolation levels, in Prisma's spelling. */
export type IsolationLevel = 'ReadUncommitted' | 'ReadCommitted' | 'RepeatableRead' | 'Serializable'

/** Options of one transaction. */
export interface TransactionOptions {
  /** Default: what the server is set to, `ReadCommitted` unless somebody changed it. */
  readonly isolationLevel?: IsolationLevel | undefined
  /** Default false. */
  readonly readOnly?: boolean | undefined
  /** Milliseconds to wait for a connection. More than 0; default 5,000. */
  readonly maxWait?: number | undefined
  /** Milliseconds for the transaction once it has a connection. More than 0; default 10,000. */
  readonly timeout?: number | undefined
  /** How often to run `fn` again after a serialization failure or a deadlock (40001, 40P01). 0 to 100; default 0. */
  readonly retries?: number | undefined
  readonly priority?: Priority | undefined
  readonly agent?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** What runs inside a transaction. It is over when `fn` has returned. */
export interface Transaction {
  /** Runs a statement in the transaction, after the ones before it. */
  query<R extends QueryResultRow = QueryResultRow>(
    statement: string | object,
    values?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<QueryResult<R>>
}

/** What transactions need of their pool. */
export interface TransactionParts {
  readonly clock: Clock
  readonly random: () => number
  readonly numbers: () => PoolNumbers
  readonly lease: (options: RequestOptions) => Promise<PoolLease>
  /** What is said right behind BEGIN: `; SET LOCAL …`, or nothing. */
  readonly settings: () => string
  /** Why there can be no transactions here; asked once a connection is there. */
  readonly refusal: () => SluiceError | undefined
}

const BEGIN: Readonly<Record<IsolationLevel, string>> = {
  ReadUncommitted: 'BEGIN ISOLATION LEVEL READ UNCOMMITTED',
  ReadCommitted: 'BEGIN ISOLATION LEVEL READ COMMITTED',
  RepeatableRead: 'BEGIN ISOLATION LEVEL REPEATABLE READ',
  Serializable: 'BEGIN ISOLATION LEVEL SERIALIZABLE',
}
const LEVELS = Object.keys(BEGIN) as IsolationLevel[]

/** The pause before a retry: two transactions that collided should not meet again at once. */
const RETRY_BASE_MILLIS = 20
const RETRY_CAP_MILLIS = 1_000

/** Runs `fn` in a transaction: commits what it returns, rolls back what it throws. */
export async function transaction<R>(
  fn: (transaction: Transaction) => Promise<R> | R,
  options: TransactionOptions,
  parts: TransactionParts,
): Promise<R> {
  const plan = readPlan(options)
  for (let attempt = 0; ; attempt++) {
    try {
      return await attemptOnce(fn, options, plan, parts)
    } catch (error) {
      if (attempt >= plan.retries || !isCollision(error)) throw error
      const millis = fullJitter(attempt, RETRY_BASE_MILLIS, RETRY_CAP_MILLIS, parts.random)
      await new Promise<void>((resolve) => pause(parts.clock, millis, options.signal, resolve))
    }
  }
}

interface Plan {
  readonly begin: string
  readonly maxWait: number
  readonly timeout: number
  readonly retries: number
}

function readPlan(options: TransactionOptions): Plan {
  const given = options as Given
  const level = readWord(given, 'isolationLevel', LEVELS)
  const readOnly = readBoolean(given, 'readOnly') === true ? ' READ ONLY' : ''
  return {
    begin: `${level === undefined ? 'BEGIN' : BEGIN[level]}${readOnly}`,
    maxWait: readMillis(given, 'maxWait', 1) ?? 5_000,
    timeout: readMillis(given, 'timeout', 1) ?? 10_000,
    retries: readNumber(given, 'retries', { min: 0, max: 100 }) ?? 0,
  }
}

function isCollision(error: unknown): boolean {
  const code = codeOf(error)
  return code === '40001' || code === '40P01'
}

async function attemptOnce<R>(
  fn: (transaction: Transaction) => Promise<R> | R,
  { priority, agent, maxWait, signal }: TransactionOptions,
  plan: Plan,
  parts: TransactionParts,
): Promise<R> {
  const isDeadline = maxWait !== undefined
  const lease = await parts.lease({ priority, agent, signal, timeoutMillis: plan.maxWait, isDeadline })
  const scope = new Scope(lease, parts.numbers)
  const timer = parts.clock.setTimeout(() => scope.stop(timeoutError(plan, parts)), plan.timeout)
  const stopListening = signal && onAbort(signal, () => scope.stop(abortError(signal.reason, parts)))
  try {
    const refusal = parts.refusal()
    if (refusal !== undefined) throw refusal
    await scope.query(plan.begin + parts.settings())
    const result = await scope.race(fn)
    await scope.commit()
    lease.release()
    return result
  } catch (error) {
    const undone = scope.rollBack()
    // Whoever gave up hears of it at once, whatever the server does; who failed may read what was before.
    if (scope.stopped === undefined) await undone
    throw scope.failure(error)
  } finally {
    stopListening?.()
    parts.clock.clearTimeout(timer)
  }
}

const ROLLBACK_MILLIS = 5_000

function timeoutError({ timeout }: Plan, parts: TransactionParts): SluiceError {
  const text = `the transaction was not over after ${timeout.toLocaleString('en-US')} ms (timeout) and is rolled back; shorten it, move waiting for other things out of it, or raise its timeout`
  return new SluiceError('SLUICE_TRANSACTION_TIMEOUT', text, { phase: 'query', numbers: parts.numbers() })
}

function abortError(reason: unknown, parts: TransactionParts): SluiceError {
  const text = `the transaction was aborted by the caller and is rolled back: ${messageOf(reason)}`
  return new SluiceError('SLUICE_ABORTED', text, { phase: 'query', numbers: parts.numbers(), cause: reason })
}

/** The transaction as `fn` sees it, and its end. */
class Scope implements Transaction {
  readonly #lease: PoolLease
  readonly #numbers: () => PoolNumbers
  readonly #controller = new AbortController()
  #over = false
  #committing = false
  /** The error that broke the transaction at the server, until a savepoint undoes it. */
  #broken: unknown

  constructor(lease: PoolLease, numbers: () => PoolNumbers) {
    this.#lease = lease
    this.#numbers = numbers
  }

  /** Why the transaction was stopped from outside, if it was. */
  get stopped(): SluiceError | undefined {
    return this.#controller.signal.aborted ? (this.#controller.signal.reason as SluiceError) : undefined
  }

  stop(error: SluiceError): void {
    this.#controller.abort(error)
  }

  async query<R extends QueryResultRow = QueryResultRow>(
    statement: string | object,
    values?: readonly unknown[],
    options: QueryOptions = {},
  ): Promise<QueryResult<R>> {
    if (this.#over)
      throw new Error('This transaction is over: its connection may belong to somebody else by now.')
    try {
      const result = await this.#lease.queryWithin<R>(this.#controller.signal, statement, values, options)
      this.#broken = undefined
      return result
    } catch (error) {
      this.#broken ??= error
      throw error
    }
  }

  /** Waits for `fn`, but not longer than the transaction may take: `fn` may be waiting for something that never comes. */
  race<R>(fn: (transaction: Transaction) => Promise<R> | R): Promise<R> {
    const { signal } = this.#controller
    const work = (async () => fn(this))()
    return new Promise<R>((resolve, reject) => {
      const abort = () => reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      if (signal.aborted) abort()
      work.then(resolve, reject)
    })
  }

  /** @throws what made the transaction fail, when the server could only roll it back: `fn` may have caught that error */
  async commit(): Promise<void> {
    // What `fn` left running must not send anything behind the COMMIT, outside the transaction.
    this.#over = true
    this.#committing = true
    const { command } = await this.#lease.queryWithin(this.#controller.signal, 'COMMIT', undefined, {})
    this.#committing = false
    if (command !== 'ROLLBACK') return
    if (this.#broken instanceof Error) throw this.#broken
    throw new Error('the server rolled the transaction back instead of committing it')
  }

  /** Undoes what was begun, and gives the connection back; one that cannot say so is closed. Never fails. */
  async rollBack(): Promise<void> {
    this.#over = true
    if (this.#lease.released) return
    try {
      await this.#lease.query('ROLLBACK', undefined, { timeout: ROLLBACK_MILLIS })
      this.#lease.release()
    } catch (error) {
      if (!this.#lease.released) this.#lease.release(error as Error)
    }
  }

  /** The error to tell: why the transaction was stopped rather than the statement that this cancelled. */
  failure(error: unknown): unknown {
    const told = this.stopped ?? error
    const unsent = SluiceError.is(error) && error.outcome === 'not-sent'
    if (!this.#committing || unsent || isFromServer(told)) return told
    // The COMMIT was sent and not answered.
    const code = this.stopped?.code ?? 'SLUICE_CONNECTION_LOST'
    const text = `COMMIT was sent and its answer never came, so the transaction may have taken effect: ${messageOf(told)}`
    return new SluiceError(code, text, {
      phase: 'query',
      numbers: this.#numbers(),
      outcome: 'unknown',
      cause: told,
    })
  }
}

/** An error that the server gave as its answer; 57P01 to 57P05 and class 08 tell that it is gone instead. */
function isFromServer(error: unknown): boolean {
  const code = codeOf(error) ?? ''
  return /^[0-9A-Z]{5}$/.test(code) && !/^(08|57P)/.test(code)
}
