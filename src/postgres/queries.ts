/** How a statement travels: over a lane with others, or on a connection of its own; sent under its bounds, and its caller told. */
import type { Lease } from '../core/lease.ts'
import type { Operation } from '../core/operation.ts'
import type { RequestOptions } from '../core/options.ts'
import type { Use } from '../core/slot.ts'
import type { Attempts } from './attempts.ts'
import type { BatchQuery } from './batch.ts'
import { readBatch, runBatch, survivesFailure } from './batch.ts'
import { Cache } from './cache/cache.ts'
import type { Call, QueryOptions, Told } from './call.ts'
import { least, NO_OPTIONS, readCall } from './call.ts'
import type { Checkout } from './checkout.ts'
import type { ReadConfig, StatementClass } from './config.ts'
import type { Client, QueryResult } from './driver.ts'
import { isBusy, isDead } from './driver.ts'
import type { QueryArguments } from './forms.ts'
import type { Knowledge } from './knowledge.ts'
import { withoutName } from './knowledge.ts'
import type { AloneParts } from './lanes/alone.ts'
import { flyAlone, timed } from './lanes/alone.ts'
import { isSeveral } from './lanes/flight.ts'
import type { LearnedStatement } from './lanes/learned.ts'
import { learnedFrom } from './lanes/learned.ts'
import { readStatement } from './lanes/statement.ts'
import type { Pace } from './lanes/texts.ts'
import type { Times } from './lanes/times.ts'
import type { Cargo, TripParts } from './lanes/trip.ts'
import { Trip } from './lanes/trip.ts'
import type { StatementOperations } from './operations.ts'
import type { Answer, Bounds, Statements } from './statement.ts'
import { isSubmittable, neverSent, READ_TIMEOUT, send } from './statement.ts'

/** What queries work with. */
export interface QueriesParts extends Omit<TripParts, 'alone' | 'knowledge'>, Omit<AloneParts, 'knowledge'> {
  readonly knowledge: Knowledge
  readonly checkout: Checkout
  readonly statements: Statements
  readonly config: ReadConfig
  readonly attempts: Attempts
  readonly operations: StatementOperations
  /** Whether the clients are pg's. */
  readonly isPgs: () => boolean
  /** Whether statements may share connections now. */
  readonly mayShare: () => boolean
}

const NO_BOUNDS: Bounds = Object.freeze({ millis: undefined, signal: undefined })

export class Queries {
  /** For calls with `cache`. */
  readonly cache: Cache
  readonly #parts: QueriesParts
  readonly #trips: TripParts
  /** What a call without options asks for. */
  readonly #plainCall: Call

  constructor(parts: QueriesParts) {
    this.#parts = parts
    this.cache = new Cache({ ...parts, run: (given, told) => this.query(given, told) })
    this.#plainCall = readCall(NO_OPTIONS, parts.config)
    this.#trips = { ...parts, alone: (lease, cargo, answer) => this.#aloneOn(lease, cargo, answer) }
  }

  /** What was learned of statements. */
  learned(limit: number): readonly LearnedStatement[] {
    return learnedFrom(this.#parts.texts.families(), limit)
  }

  /** Runs one statement. */
  query(given: QueryArguments, told: Told<unknown>): void {
    if (given.options.cache !== undefined) return this.cache.query(given, told)
    const { operations } = this.#parts
    // Nothing is made for those who are not there: this is on the way of every statement.
    const operation = operations.isHeard ? operations.begin([given.statement], given.options) : undefined
    this.#query(given, operation === undefined ? told : heard(operations, operation, told))
  }

  #query(given: QueryArguments, told: Told<unknown>): void {
    const { config, isPgs, texts } = this.#parts
    let call: Call
    let statement: Cargo['statement'] | undefined
    try {
      call = given.options === NO_OPTIONS ? this.#plainCall : readCall(given.options, config)
      statement = config.lanes.plain || !isPgs() ? undefined : readStatement(given)
    } catch (error) {
      return told(error, undefined)
    }
    const { attempts } = this.#parts
    if (statement === undefined) {
      // A query object keeps what it has got so far, and may have told its own callback.
      const once = isSubmittable(given.statement) ? { ...call, idempotent: false } : call
      return attempts.run(once, false, (each, done) => this.#plainly(given, each, done), told)
    }
    const text = texts.of(statement.text)
    text.seen += 1
    const prepare = config.lanes.prepared > 0 && call.prepare !== false
    const { idempotent, class: kind } = call
    const pace = texts.paceOf(text, statement.values)
    const cargo: Cargo = { statement, text, pace, prepare, idempotent, isSimple: kind === 'simple' }
    if (!attempts.areKept) return this.#start(given, cargo, call, told)
    // What is neither a read nor a write may commit within itself.
    attempts.run(call, text.kind !== 'other', (each, done) => this.#start(given, cargo, each, done), told)
  }

  #start(given: QueryArguments, cargo: Cargo, call: Call, told: Told<unknown>): void {
    const { pace, statement, text } = cargo
    // Of what may be several statements, or switch the protocol, pg knows more.
    if (text.kind === 'other' && !statement.values?.length && statement.name === undefined)
      this.#plainly(given, call, told, pace)
    else if (this.#shares(cargo, call)) this.#share(cargo, call, told)
    else this.#alone(cargo, call, told)
  }

  // Over a lane --------------------------------------------------------------------------------------------------------

  #shares({ text, pace }: Cargo, { class: kind, lane }: Call): boolean {
    const suits = text.kind === 'read' ? lane !== false : text.kind === 'write' && lane === true
    if (!suits || text.isSeveral) return false
    const short = kind === undefined ? pace.times.isShort : kind === 'simple'
    return short && this.#parts.mayShare()
  }

  #share(cargo: Cargo, call: Call, told: Told<unknown>): void {
    const { checkout, clock, lanes } = this.#parts
    const askedAt = clock.now()
    const lane = lanes.find(askedAt)
    if (lane !== undefined) {
      this.#ride(cargo, call, askedAt, told, (trip) => trip.board(lane))
      return
    }
    checkout.request({ ...call, use: 'shared' }, (error, lease) => {
      if (lease === undefined) return told(error, undefined)
      // Its caller may have given up in this very moment.
      const start = (trip: Trip) => trip.boardOn(lease)
      if (!this.#ride(cargo, call, askedAt, told, start)) lanes.decline(lease)
    })
  }

  /** Returns whether it has started. */
  #ride(
    cargo: Cargo,
    call: Call,
    askedAt: number,
    told: Told<unknown>,
    start: (trip: Trip) => void,
  ): boolean {
    let trip: Trip | undefined
    const begin = (answer: Answer<QueryResult>) => {
      trip = new Trip(this.#trips, cargo, call, answer)
      start(trip)
    }
    this.#parts.statements.run<QueryResult>(begin, this.#boundsOf(call, askedAt), {
      isSent: () => trip?.isSent === true,
      answered: (error, result) => {
        if (error !== undefined && isSeveral(error, cargo.statement)) this.#alone(cargo, call, told)
        else told(error, result)
      },
      abandoned: (error) => {
        told(error, undefined)
        trip?.abandon()
      },
    })
    return trip !== undefined
  }

  // On a connection of its own -----------------------------------------------------------------------------------------

  #alone(cargo: Cargo, call: Call, told: Told<unknown>): void {
    this.#run<unknown>(call, this.#useOf(cargo.pace.times, call.class), told, {
      effect: this.#parts.knowledge.effectOf(cargo.statement.text),
      mustKnow: this.#parts.knowledge.mustKnow(cargo.statement),
      start: (client, answer) => flyAlone(this.#parts, client, cargo, answer as Answer<QueryResult>),
      answered: (lease, error) => this.#takeBack(lease, error),
      abandoned: (lease) => lease.cancel(),
    })
  }

  /** Slow work may only hold a share of the pool, and so may what was never seen once anything was slow. */
  #useOf(times: Times, kind: StatementClass | undefined): Use {
    if (kind !== undefined) return kind === 'simple' ? 'exclusive' : 'limited'
    const { clock, texts } = this.#parts
    if (times.runs === 0) return texts.sawSlow(clock.now()) ? 'limited' : 'exclusive'
    return times.isUsuallySlow ? 'limited' : 'exclusive'
  }

  #aloneOn(lease: Lease<Client>, cargo: Cargo, answer: Answer<QueryResult>): void {
    const told: Answer<QueryResult> = (error, result) => {
      if (!lease.released) this.#takeBack(lease, error)
      answer(error, result)
    }
    flyAlone(this.#parts, lease.resource, cargo, told)
  }

  /** Query objects of other packages, other drivers' clients, and whatever only pg itself knows how to send or to refuse. */
  #plainly({ statement, values }: QueryArguments, call: Call, told: Told<unknown>, pace?: Pace): void {
    const { knowledge } = this.#parts
    const use = pace === undefined ? useOfClass(call.class) : this.#useOf(pace.times, call.class)
    this.#run<unknown>(call, use, told, {
      effect: knowledge.effectOf(statement),
      mustKnow: knowledge.mustKnow(statement),
      start: (client, answer) => {
        const given = knowledge.carriesNames ? statement : withoutName(statement)
        send(client, given, values, pace === undefined ? answer : timed(this.#parts, pace, answer))
      },
      answered: (lease, error) => this.#takeBack(lease, error),
      abandoned: (lease) => lease.cancel(),
    })
  }

  /** Runs statements as one transaction. Nothing is sent when one of them cannot be. */
  batch(queries: readonly (string | BatchQuery)[], options: QueryOptions, told: Told<QueryResult[]>): void {
    let read: BatchQuery[]
    let call: Call
    try {
      read = readBatch(queries)
      call = readCall(options, this.#parts.config)
    } catch (error) {
      return told(error, undefined)
    }
    const { knowledge } = this.#parts
    const refusal = knowledge.transactionRefusal()
    if (refusal !== undefined) return told(refusal, undefined)
    const work: Work<QueryResult[]> = {
      effect: read.map(({ text }) => knowledge.effectOf(text)).find((effect) => effect !== undefined),
      start: (client, answer) => {
        runBatch(client, read).then(
          (results) => answer(undefined, results),
          (error: Error) => answer(error, undefined),
        )
      },
      answered: (lease, error) => lease.release(survivesFailure(lease.resource) ? undefined : error),
      // Cancelling its head would let the rest of a batch run.
      abandoned: (lease, error) => lease.release(error),
    }
    const start = (each: Call, done: Told<QueryResult[]>) =>
      this.#run<QueryResult[]>(each, useOfClass(each.class), done, work)
    const { attempts, operations } = this.#parts
    const operation = operations.begin(read, options)
    attempts.run(call, true, start, operation === undefined ? told : heard(operations, operation, told))
  }

  #run<R>(call: Call, use: Use, told: Told<R>, work: Work<R>): void {
    const askedAt = this.#parts.clock.now()
    this.#take(call, use === 'exclusive' ? call : { ...call, use }, askedAt, told, work)
  }

  #take<R>(call: Call, request: RequestOptions, askedAt: number, told: Told<R>, work: Work<R>): void {
    const { checkout, clock, config } = this.#parts
    checkout.request(request, (error, lease) => {
      if (lease === undefined) return told(error, undefined)
      if (!isDead(lease.resource)) return this.#send(lease, this.#boundsOf(call, askedAt), told, work)
      // It has died on the way here. Nothing was sent, so another connection will do, within the same wait.
      lease.release()
      const most = least(call.timeoutMillis, config.settings.acquireTimeoutMillis) as number
      const timeoutMillis = Math.max(1, most - (clock.now() - askedAt))
      this.#take(call, { ...request, timeoutMillis }, askedAt, told, work)
    })
  }

  #send<R>(lease: Lease<Client>, bounds: Bounds, told: Told<R>, work: Work<R>): void {
    this.#parts.statements.run<R>((answer) => this.#begin(lease, work, answer), bounds, {
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

  /** What leaves something behind in its session, or has a name there, waits until it is known what becomes of that. */
  #begin<R>(lease: Lease<Client>, work: Work<R>, answer: Answer<R>): void {
    const { effect, mustKnow } = work
    if (effect === undefined && mustKnow !== true) return work.start(lease.resource, answer)
    const { knowledge } = this.#parts
    knowledge.decide(
      lease.resource,
      () => {
        if (lease.released) return answer(neverSent(), undefined)
        const refusal = effect === undefined ? undefined : knowledge.refusal(effect)
        if (refusal === undefined) work.start(lease.resource, answer)
        else answer(refusal, undefined)
      },
      () => lease.released,
    )
  }

  /** What is left of a call's time. */
  #boundsOf(call: Call, askedAt: number): Bounds {
    const { askedMillis, signal, timeoutMillis } = call
    const statementMillis = least(call.statementMillis, this.#parts.knowledge.statementMillis)
    if (timeoutMillis === undefined) {
      if (statementMillis === undefined && signal === undefined) return NO_BOUNDS
      return { millis: statementMillis, signal }
    }
    const left = Math.max(1, timeoutMillis - (this.#parts.clock.now() - askedAt))
    if (statementMillis !== undefined && statementMillis < left) return { millis: statementMillis, signal }
    return { millis: left, askedMillis: askedMillis ?? timeoutMillis, signal }
  }

  #takeBack(lease: Lease<Client>, error: Error | undefined): void {
    if (error === undefined) lease.release()
    else if (this.#parts.config.discardOnError) lease.release(error)
    else if (error.message === READ_TIMEOUT && isBusy(lease.resource)) lease.cancel()
    else lease.release()
  }
}

/** What is done with a connection, and how it is given back. */
interface Work<R> {
  /** What it leaves behind in its session, where that may matter. */
  readonly effect: string | undefined
  /** Whether it goes one way or the other by what the endpoint is. */
  readonly mustKnow?: boolean
  start(client: Client, answer: Answer<R>): void
  answered(lease: Lease<Client>, error: Error | undefined): void
  abandoned(lease: Lease<Client>, error: Error): void
}

function useOfClass(kind: StatementClass | undefined): Use {
  return kind === undefined || kind === 'simple' ? 'exclusive' : 'limited'
}

/** An answer that others hear of too, before it is told. */
function heard<R>(operations: StatementOperations, operation: Operation, told: Told<R>): Told<R> {
  return (error, result) => {
    operations.end(operation, error)
    told(error, result)
  }
}
