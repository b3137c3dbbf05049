/** The lanes of a pool: which statement joins which, when another connection becomes one, and when one is given back. */
import type { Clock } from '../../base/clock.ts'
import type { Lease } from '../../core/lease.ts'
import type { Pool as Engine } from '../../core/pool.ts'
import type { Client } from '../driver.ts'
import { canPipeline, isBusy } from '../driver.ts'
import type { LaneOwner } from './lane.ts'
import { Lane } from './lane.ts'
import type { Names } from './names.ts'
import { Watch } from './watch.ts'

/** What lanes work with. */
export interface LanesParts {
  readonly engine: Engine<Client>
  readonly clock: Clock
  /** Statements under way on one lane at most. */
  readonly depth: number
  /** Milliseconds that a statement may keep those behind it waiting. */
  readonly stallMillis: number
  readonly roundTrip: () => number
  readonly namesOf: (client: Client) => Names
  /** Asks the server once to cancel what a client runs. Resolves when no late cancellation can arrive any more. */
  readonly cancelOnce: (client: Client) => Promise<void>
  /** Whether nothing was said on a client's connection that speaks against using it. */
  readonly isFit: (client: Client) => boolean
  /** Whether the endpoint is known to carry lanes. */
  readonly mayBegin: () => boolean
}

/**
 * The wait that a lane may promise before another connection becomes a lane: half a millisecond while few statements are under
 * way, and more with their number's square root. Few lanes are faster than many where the server has few cores, many lanes
 * where it has many; docs/lanes.md has the measurements. In milliseconds, and statements.
 */
const WAIT_MILLIS = 0.5
const FEW = 16

/**
 * The wait that a lane may promise when no other connection is to be had, beside two round trips' worth of work under way. Who
 * comes after that waits for a turn of its agent: on a lane there are none.
 */
const LONGEST_WAIT_MILLIS = 10

export class Lanes {
  readonly #parts: LanesParts
  readonly #lanes: Lane[] = []
  readonly #byLease = new Map<Lease<Client>, Lane>()
  readonly #owner: LaneOwner
  /** Statements are timed by it, on lanes and elsewhere. */
  readonly watch: Watch
  /** The lanes that hold something for the end of this turn. */
  #writing: Lane[] = []
  #current: Lane | undefined
  #filling: Lane | undefined

  constructor(parts: LanesParts) {
    this.#parts = parts
    this.watch = new Watch(parts.clock, (seenAt) => {
      for (const lane of [...this.#lanes]) lane.tick(seenAt)
    })
    const { watch } = this
    const { cancelOnce, isFit, stallMillis } = parts
    this.#owner = {
      watch,
      stallMillis,
      cancelOnce,
      isFit,
      get roundTripMillis() {
        return parts.roundTrip()
      },
      get isRunning() {
        return parts.engine.sharing.isRunning
      },
      wrote: (lane) => this.#wrote(lane),
      emptied: (lane) => this.#emptied(lane),
    }
  }

  /** The lane that a statement should join now; undefined where it should ask the engine for a place. */
  find(now: number): Lane | undefined {
    const most = this.#longestWait()
    if (this.#current !== undefined && this.#fits(this.#current, most, now)) return this.#current
    const lane = this.#lanes.find((other) => this.#fits(other, most, now))
    if (lane !== undefined) return lane
    const { engine } = this.#parts
    if (engine.sharing.mayLend || engine.sharing.waiting > 0) return undefined
    const least = this.#leastLoaded(now)
    if (least !== undefined) engine.sharing.grow()
    return least
  }

  #longestWait(): number {
    let underWay = 0
    for (const lane of this.#lanes) underWay += lane.depth
    return underWay <= FEW ? WAIT_MILLIS : WAIT_MILLIS * Math.sqrt(underWay / FEW)
  }

  #fits(lane: Lane, most: number, now: number): boolean {
    const { depth, engine } = this.#parts
    return (
      lane.isOpen && lane.expected <= most && lane.depth < depth && engine.sharing.mayJoin(lane.lease, now)
    )
  }

  get #mostWait(): number {
    return LONGEST_WAIT_MILLIS + 2 * this.#parts.roundTrip()
  }

  #leastLoaded(now: number): Lane | undefined {
    let least: Lane | undefined
    const most = this.#mostWait
    for (const lane of this.#lanes) {
      if (!this.#fits(lane, most, now)) continue
      if (least === undefined || lane.expected < least.expected) least = lane
    }
    return least
  }

  /** The lane on a shared connection; it begins with the first call. Undefined where the connection cannot carry one. */
  on(lease: Lease<Client>): Lane | undefined {
    const known = this.#byLease.get(lease)
    if (known !== undefined) return known
    const client = lease.resource
    if (!this.#parts.mayBegin() || !canPipeline(client) || isBusy(client)) return undefined
    const lane = new Lane(lease, this.#parts.namesOf(client), this.#owner)
    this.#byLease.set(lease, lane)
    this.#lanes.push(lane)
    return lane
  }

  /** Gives a connection back that was lent for a lane, where nobody has begun one. */
  decline(lease: Lease<Client>): void {
    if (!this.#byLease.has(lease) && !lease.released) lease.release()
  }

  /** Lets those who wait to share join a lane, while it fits. Each of them asks for it again: thousands deep without the loop. */
  fill(lane: Lane): void {
    if (this.#filling === lane) return
    const { depth, engine } = this.#parts
    const most = this.#mostWait
    const outer = this.#filling
    this.#filling = lane
    while (engine.sharing.waiting > 0 && lane.isOpen && lane.expected <= most && lane.depth < depth)
      if (!engine.sharing.admit(lane.lease)) break
    this.#filling = outer
  }

  // What a turn has gathered -------------------------------------------------------------------------------------------

  #wrote(lane: Lane): void {
    if (this.#current !== lane) {
      this.#current = lane
      if (this.#writing.length === 0) this.#parts.clock.endOfTurn(this.#flush)
      if (!this.#writing.includes(lane)) this.#writing.push(lane)
    }
  }

  readonly #flush = (): void => {
    const writing = this.#writing
    this.#writing = []
    this.#current = undefined
    const now = this.#parts.clock.now()
    for (const lane of writing) lane.flush(now)
  }

  // What lanes tell ----------------------------------------------------------------------------------------------------

  /** An answer has come over a lane, and was told. */
  landed(lane: Lane, now: number): void {
    if (!this.#parts.engine.sharing.mayJoin(lane.lease, now)) lane.retire()
    this.#yield()
    if (lane.isKept) this.fill(lane)
    lane.settle()
  }

  /** Gives lanes back to those who need a whole connection and came first: the emptiest ones take no more. */
  #yield(): void {
    const wanted = this.#parts.engine.sharing.wholeWanted
    if (wanted === 0) return
    const leaving = this.#lanes.filter(({ isKept, isLate }) => !isKept && !isLate).length
    for (let n = leaving; n < wanted; n++) {
      // One with a late head may be the emptiest, and the last to be empty.
      let emptiest: Lane | undefined
      for (const lane of this.#lanes)
        if (lane.isOpen && (emptiest === undefined || lane.depth < emptiest.depth)) emptiest = lane
      if (emptiest === undefined) return
      emptiest.retire()
    }
  }

  #emptied(lane: Lane): void {
    this.#lanes.splice(this.#lanes.indexOf(lane), 1)
    this.#byLease.delete(lane.lease)
    if (this.#current === lane) this.#current = undefined
    if (lane.lease.released) return
    if (lane.depth > 0) lane.lease.cancel()
    else lane.lease.release()
  }

  /** How many statements are under way on each. */
  depths(): ReadonlyMap<Client, number> {
    return new Map(this.#lanes.map(({ client, depth }) => [client, depth]))
  }

  stop(): void {
    this.watch.stop()
  }
}
