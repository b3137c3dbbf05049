/** A connection in state `shared`: the statements of many callers on one wire, answered in the order in which they were sent. */
import { codeOf } from '../../base/errors.ts'
import type { Lease } from '../../core/lease.ts'
import type { Client } from '../driver.ts'
import { connectionOf, isDead, isInTransaction, plainQuery, setPipeline } from '../driver.ts'
import type { Flight, Passenger } from './flight.ts'
import { together } from './flight.ts'
import type { Names } from './names.ts'
import { SHORT_MILLIS } from './times.ts'
import type { Watch } from './watch.ts'

/** What a lane needs of whoever packs it. */
export interface LaneOwner {
  readonly watch: Watch
  /** Milliseconds that an answer is on its way without the server doing anything. */
  readonly roundTripMillis: number
  /** Milliseconds that a statement may keep those behind it waiting. */
  readonly stallMillis: number
  /** Asks the server once to cancel what a client runs. Resolves when no late cancellation can arrive any more. */
  cancelOnce(client: Client): Promise<void>
  /** There is something to be flushed at the end of this turn. */
  wrote(lane: Lane): void
  /** Whether nothing was said on a client's connection that speaks against using it. */
  isFit(client: Client): boolean
  /** Whether the pool takes callers, so that what is held would find another place. */
  readonly isRunning: boolean
  /** Nothing is under way any more, or nothing that anybody waits for. The lane is over. */
  emptied(lane: Lane): void
}

/** From so long at the head on, a statement keeps others from joining. Milliseconds. */
const LATE_MILLIS = 8

/** The statement that the server works on, and for how long it certainly has. */
export interface Head {
  readonly flight: Flight<Passenger>
  readonly millis: number
}

/** Sent flights before this place are gone; the array is cut when so many are. */
const CUT = 1_024

export class Lane {
  readonly lease: Lease<Client>
  readonly client: Client
  readonly names: Names
  readonly #owner: LaneOwner
  #held: Flight<Passenger>[] = []
  #sent: Flight<Passenger>[] = []
  #first = 0
  #cost = 0
  #open = true
  #late = false
  #over = false
  #headSince = 0
  #lost = false
  /** How long the head may take while others wait, in milliseconds. */
  #patience: number
  /** A cancel request is under way, which might hit another statement than the one it is meant for. */
  #cancelling = false
  /** Cancellations that were asked for and not seen yet: one that came too late for its statement may hit the next one. */
  #strays = 0

  constructor(lease: Lease<Client>, names: Names, owner: LaneOwner) {
    this.lease = lease
    this.client = lease.resource
    this.names = names
    this.#owner = owner
    this.#patience = owner.stallMillis
    setPipeline(this.client, true)
  }

  /** Statements held and sent. */
  get depth(): number {
    return this.#held.length + this.#sent.length - this.#first
  }

  /** Milliseconds until what is under way should be answered. */
  get expected(): number {
    return this.#cost
  }

  /** Whether it takes more, as far as it can tell by itself. */
  get isOpen(): boolean {
    return this.#open && !this.#late
  }

  /** Whether its head takes long, so that nobody can tell when the lane will be empty. */
  get isLate(): boolean {
    return this.#late
  }

  /** False from the moment on from which it only empties itself. */
  get isKept(): boolean {
    return this.#open
  }

  /** Takes a statement; it goes out at the end of this turn of the event loop. */
  push(flight: Flight<Passenger>): void {
    this.#held.push(flight)
    this.#cost += flight.cost
    this.#owner.wrote(this)
  }

  /** Sends what it holds, as one packet. */
  flush(now: number): void {
    const held = this.#held
    if (held.length === 0) return
    if (isDead(this.client)) {
      this.close()
      return this.settle()
    }
    this.#held = []
    if (this.#first === this.#sent.length) this.#headSince = now
    const query = plainQuery(this.client)
    const refused: [Flight<Passenger>, Error][] = []
    together(connectionOf(this.client), () => {
      for (const flight of held) {
        flight.sent = true
        flight.sentAt = now
        this.#sent.push(flight)
        this.#owner.watch.begin(now)
        try {
          query.call(this.client, flight)
        } catch (error) {
          // A client of the user's own making; those behind it are sent all the same.
          refused.push([flight, error as Error])
        }
      }
    })
    for (const [flight, error] of refused) flight.handleError(error)
  }

  /** The answer to a statement has come; `now` is the moment. Returns the milliseconds that it kept the server busy. */
  land(flight: Flight<Passenger>, error: Error | undefined, now: number): number {
    const { watch, roundTripMillis } = this.#owner
    const wasHead = this.#take(flight)
    if (this.#strays > 0 && codeOf(error) === '57014') this.#strays -= 1
    watch.end()
    const own = watch.own(Math.max(this.#headSince, flight.sentAt + roundTripMillis), now)
    if (wasHead) {
      this.#headSince = now
      this.#late = false
      this.#patience = this.#owner.stallMillis
    }
    if (error !== undefined && isFatal(error)) this.#lose()
    else if (isDead(this.client) || isInTransaction(this.client)) this.close()
    else if (error !== undefined && !this.#owner.isFit(this.client)) this.close()
    return own
  }

  /** What callers behind the first one are told when the connection is gone: the first one's error is its own. */
  get isLost(): boolean {
    return this.#lost
  }

  #lose(): void {
    this.#lost = true
    this.close()
  }

  /** Returns whether it was the head. */
  #take(flight: Flight<Passenger>): boolean {
    this.#cost = this.depth === 1 ? 0 : this.#cost - flight.cost
    if (this.#sent[this.#first] === flight) {
      this.#first += 1
      if (this.#first === this.#sent.length || this.#first === CUT) {
        this.#sent.splice(0, this.#first)
        this.#first = 0
      }
      return true
    }
    // pg answers out of turn what it has not sent.
    const place = this.#sent.indexOf(flight, this.#first)
    if (place < 0) throw new Error('BUG: an answer came to a statement that its lane does not carry')
    this.#sent.splice(place, 1)
    return false
  }

  /** After an answer was told: whether the lane goes on. */
  settle(): void {
    if (this.#over) return
    if (isDead(this.client)) this.#lost = true
    if (this.depth === 0 || this.#isForsaken) this.#finish()
  }

  /** Whether nobody waits for anything that is under way. */
  get #isForsaken(): boolean {
    if (this.#open || this.#held.length > 0) return false
    for (let place = this.#first; place < this.#sent.length; place++)
      if (this.#sent[place]?.abandoned === false) return false
    return true
  }

  #finish(): void {
    this.#over = true
    this.#open = false
    this.#owner.emptied(this)
  }

  /** A caller has given up. What was sent goes on; the lane takes no more, and nobody is put behind it. */
  abandon(flight: Flight<Passenger>): void {
    flight.abandoned = true
    const place = flight.sent ? -1 : this.#held.indexOf(flight)
    if (place >= 0) {
      this.#held.splice(place, 1)
      this.#cost -= flight.cost
    } else if (this.#owner.isRunning) this.close()
    else this.retire()
    this.settle()
  }

  /** Takes no more; what it holds still goes out. */
  retire(): void {
    this.#open = false
  }

  /** Takes no more; what it holds goes elsewhere. */
  close(): void {
    this.#open = false
    if (this.#held.length === 0) return
    const held = this.#held
    this.#held = []
    for (const flight of held) this.#cost -= flight.cost
    for (const { owner } of held) owner.moved()
  }

  /** Looks after the head: every answer that had come by `seenAt` was read. */
  tick(seenAt: number): void {
    const head = this.head(seenAt)
    if (head === undefined) return
    if (head.millis > SHORT_MILLIS) head.flight.owner.late(head.millis)
    if (head.millis > this.#patience && !this.#cancelling && this.isCrowded) this.#endHead(head)
  }

  /** The head has had its time: it is ended, so that those behind it go on. Once more where that did not help for as long again. */
  #endHead({ flight, millis }: Head): void {
    this.#patience = millis + this.#owner.stallMillis
    if (!flight.abandoned) flight.owner.stalled()
    this.#cancelling = true
    this.#strays += 1
    const over = () => {
      this.#cancelling = false
    }
    this.#owner.cancelOnce(this.client).then(over, over)
  }

  /** The head as it is at `seenAt`. */
  head(seenAt: number): Head | undefined {
    const flight = this.#sent[this.#first]
    if (flight === undefined) return undefined
    const millis = seenAt - Math.max(this.#headSince, flight.sentAt + this.#owner.roundTripMillis)
    this.#late = millis > LATE_MILLIS
    return { flight, millis }
  }

  /** Whether a cancellation of ours may have hit what ends now. */
  get isAimedAt(): boolean {
    return this.#cancelling || this.#strays > 0
  }

  /** Whether anybody waits behind the head. */
  get isCrowded(): boolean {
    for (let place = this.#first + 1; place < this.#sent.length; place++)
      if (this.#sent[place]?.abandoned === false) return true
    return false
  }
}

function isFatal(error: Error): boolean {
  const { severity } = error as { severity?: unknown }
  return severity === 'FATAL' || severity === 'PANIC'
}
