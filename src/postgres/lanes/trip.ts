/** One call's statement on lanes: over which one it goes, what is done when the connection has forgotten it, what its caller is told. */
import type { Clock } from '../../base/clock.ts'
import type { PoolNumbers } from '../../base/errors.ts'
import { codeOf, SluiceError } from '../../base/errors.ts'
import type { Lease } from '../../core/lease.ts'
import type { RequestOptions } from '../../core/options.ts'
import type { Checkout } from '../checkout.ts'
import type { Client, QueryResult } from '../driver.ts'
import { isDead } from '../driver.ts'
import type { Knowledge } from '../knowledge.ts'
import type { Answer } from '../statement.ts'
import { READ_TIMEOUT } from '../statement.ts'
import type { Owner, Passenger, Statement } from './flight.ts'
import { Flight, isSeveral } from './flight.ts'
import type { Lane } from './lane.ts'
import type { Lanes } from './lanes.ts'
import type { Names } from './names.ts'
import type { Pace, Text, Texts } from './texts.ts'
import { SHORT_MILLIS } from './times.ts'

/** What is on the way. */
export interface Cargo {
  readonly statement: Statement
  readonly text: Text
  /** What its times go by. */
  readonly pace: Pace
  /** Whether it may be prepared under a name of its text. */
  readonly prepare: boolean
  /** Whether running it twice does no harm. */
  readonly idempotent: boolean
  /** Its caller says that it is short. */
  readonly isSimple: boolean
}

/** What trips share. */
export interface TripParts {
  readonly clock: Clock
  readonly lanes: Lanes
  readonly texts: Texts
  readonly checkout: Checkout
  readonly stallMillis: number
  readonly numbers: () => PoolNumbers
  readonly knowledge: Pick<Knowledge, 'isRecognised' | 'recognise'>
  /** Runs a statement on a connection that cannot carry a lane, and gives that back. */
  readonly alone: (lease: Lease<Client>, cargo: Cargo, answer: Answer<QueryResult>) => void
}

/** How often a statement may be hit by a cancel request meant for another before its caller is told. */
const MOST_HITS = 3

/** Nothing is free, however fast it was measured. In milliseconds. */
const LEAST_COST_MILLIS = 0.01

/** A statement as it is sent: under its name where it has come before, and plainly where it needs no values and no name. */
export function takeOff<O extends Owner>(
  { statement, text, prepare }: Cargo,
  names: Names,
  owner: O,
  unnamed = false,
): Flight<O> {
  const repeated = prepare && text.seen > 1 && !text.isSeveral
  const name = unnamed ? undefined : (statement.name ?? (repeated ? text.name : undefined))
  return new Flight(statement, name, name === undefined && !statement.values?.length, names, owner)
}

export class Trip implements Passenger {
  readonly #parts: TripParts
  readonly #cargo: Cargo
  readonly #options: RequestOptions
  readonly #answer: Answer<QueryResult>
  #lane: Lane | undefined
  #flight: Flight<Trip> | undefined
  /** Takes back the wait for another place. */
  #waiting: AbortController | undefined
  /** The connection that turned out not to carry a lane, while the statement has it to itself. */
  #own: Lease<Client> | undefined
  /** The connection that it waits with for what the endpoint is: the question may be under way on it. */
  #asking: Lease<Client> | undefined
  #hits = 0
  #unnamed = false
  #over = false

  constructor(parts: TripParts, cargo: Cargo, options: RequestOptions, answer: Answer<QueryResult>) {
    this.#parts = parts
    this.#cargo = cargo
    this.#options = options
    this.#answer = answer
  }

  get isSent(): boolean {
    return this.#flight?.sent === true || this.#own !== undefined
  }

  /** Puts the statement on a lane. */
  board(lane: Lane): void {
    const { isSimple, pace } = this.#cargo
    const flight = takeOff<Trip>(this.#cargo, lane.names, this, this.#unnamed)
    flight.cost = Math.max(isSimple ? pace.times.mean : pace.times.cost, LEAST_COST_MILLIS)
    this.#lane = lane
    this.#flight = flight
    lane.push(flight)
  }

  landed(flight: Flight, error: Error | undefined, result: QueryResult | undefined): void {
    const { clock, lanes, texts } = this.#parts
    const lane = this.#lane as Lane
    const now = clock.now()
    const { isLost: wasLost, isAimedAt: wasAimedAt } = lane
    const own = lane.land(flight as Flight<Trip>, error, now)
    if (error === undefined || hasRun(error, own)) texts.note(this.#cargo.pace, own, flight.size, now)
    if (error === undefined) this.#tell(undefined, result)
    else if (!this.#over) this.#failed(flight, lane, error, { wasLost, wasAimedAt })
    lanes.landed(lane, now)
  }

  #failed(
    flight: Flight,
    lane: Lane,
    error: Error,
    { wasLost, wasAimedAt }: { readonly wasLost: boolean; readonly wasAimedAt: boolean },
  ): void {
    if (wasLost) return this.#tell(this.#connectionLost(error), undefined)
    if (isDead(lane.client)) return this.#tell(error, undefined)
    const { idempotent, statement, text } = this.#cargo
    if (isSeveral(error, statement)) text.isSeveral = true
    const hitForAnother = codeOf(error) === '57014' && wasAimedAt && idempotent
    const wasForgotten = flight.mayRetry(error)
    if (wasForgotten) this.#unnamed = true
    else if (!hitForAnother || ++this.#hits === MOST_HITS) return this.#tell(error, undefined)
    this.#again(lane)
  }

  #tell(error: Error | undefined, result: QueryResult | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#answer(error, result)
  }

  #connectionLost(cause: Error): SluiceError {
    const text = `the connection was lost with the statement under way on it: ${cause.message}; the statement may have taken effect`
    const { numbers } = this.#parts
    return new SluiceError('SLUICE_CONNECTION_LOST', text, {
      phase: 'query',
      numbers: numbers(),
      outcome: 'unknown',
      cause,
    })
  }

  #again(lane: Lane): void {
    if (lane.isKept) this.board(lane)
    else this.moved()
  }

  moved(): void {
    const { checkout, clock, lanes } = this.#parts
    this.#flight = undefined
    const lane = lanes.find(clock.now())
    if (lane !== undefined) return this.board(lane)
    this.#waiting = new AbortController()
    const { signal } = this.#waiting
    checkout.request({ ...this.#options, signal, use: 'shared' }, (error, lease) => {
      this.#waiting = undefined
      if (lease === undefined) this.#tell(error as Error, undefined)
      else this.boardOn(lease)
    })
  }

  /** Puts the statement on the lane of a shared connection, which may begin with it. */
  boardOn(lease: Lease<Client>): void {
    const { knowledge, lanes } = this.#parts
    if (this.#over) return lanes.decline(lease)
    // No lane begins before it is known that the endpoint carries it.
    if (!knowledge.isRecognised) {
      this.#asking = lease
      return knowledge.recognise(lease.resource, () => this.#decided(lease))
    }
    const lane = lanes.on(lease)
    if (lane === undefined) return this.#alone(lease)
    this.board(lane)
    lanes.fill(lane)
  }

  #decided(lease: Lease<Client>): void {
    this.#asking = undefined
    // It may be lost by now, or given back by others who waited with it.
    if (!lease.released && !isDead(lease.resource)) {
      if (this.#over || this.#parts.knowledge.isRecognised) return this.boardOn(lease)
      // Nobody would say: asking again at once could go on for ever.
      return this.#alone(lease)
    }
    // Nothing but the question was sent on it.
    this.#parts.lanes.decline(lease)
    if (!this.#over) this.moved()
  }

  #alone(lease: Lease<Client>): void {
    this.#own = lease
    this.#parts.alone(lease, this.#cargo, (error, result) => {
      this.#own = undefined
      this.#tell(error, result)
    })
  }

  /** Others of its kind leave the lanes now, not when it has ended. */
  late(millis: number): void {
    this.#cargo.pace.times.atLeast(millis)
  }

  stalled(): void {
    const { numbers, stallMillis } = this.#parts
    const text = `${READ_TIMEOUT}: no answer within ${Math.round(stallMillis).toLocaleString('en-US')} ms (laneStallMillis) while other callers' statements wait behind it on its connection; it is being cancelled and may have taken effect. A statement that may take so long should say so: { class: 'complex' }`
    const details = { phase: 'query', numbers: numbers(), outcome: 'unknown' } as const
    this.#tell(new SluiceError('SLUICE_QUERY_TIMEOUT', text, details), undefined)
    this.abandon()
  }

  /** Its caller has given up, or was told. */
  abandon(): void {
    this.#over = true
    this.#waiting?.abort(new Error('its caller has given up'))
    if (this.#flight !== undefined) this.#lane?.abandon(this.#flight)
    for (const lease of [this.#own, this.#asking]) if (lease?.released === false) lease.cancel()
  }
}

/** Whether the time of a statement that failed says anything: not when it never began, and of one that was ended only that it is slow. */
export function hasRun(error: Error, own: number): boolean {
  const code = codeOf(error)
  if (code === '57014') return own > SHORT_MILLIS
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !/^(?:57|08|26|0A)/.test(code)
}
