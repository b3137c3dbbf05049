/** The places for connections. Each state owns its data; one function moves a slot, and a table says which moves exist. */
import { Link, List } from '../base/list.ts'
import type { Agents } from './agents.ts'
import type { CloseReason } from './driver.ts'

/**
 * What a caller wants of a connection: all of it (`exclusive`), all of it as one of those who may only hold a share of the pool
 * (`limited`), or a place on one that many use at once (`shared`).
 */
export type Use = 'exclusive' | 'limited' | 'shared'

/** A connection and what the pool knows of it. */
export interface Connection<T> {
  readonly resource: T
  readonly openedAt: number
  /** Wall-clock milliseconds, for people. */
  readonly createdAt: number
  /** When its lifetime ends; infinite without one. */
  readonly expiresAt: number
  /** The generation of the pool in which it was opened: `clear()` begins a new one. */
  readonly generation: number
  /** How often it was lent. */
  uses: number
  /** When the last exchange with the other side began that has gone well so far: an open, a check, a loan. */
  askedAt: number
}

export interface Opening<T> {
  readonly kind: 'opening'
  readonly since: number
  readonly controller: AbortController
  /** What the driver has promised. */
  readonly pending: Promise<T>
}

export interface Idle<T> {
  readonly kind: 'idle'
  readonly since: number
  readonly connection: Connection<T>
}

/** Pinged before use, or coming to rest after a release. */
export interface Checking<T> {
  readonly kind: 'checking'
  readonly since: number
  readonly connection: Connection<T>
  readonly limited: boolean
}

/** Lent to one caller, or `shared` by many; the lease itself is the state (see lease.ts). */
export interface Leased<T> {
  readonly kind: 'leased' | 'shared'
  readonly since: number
  readonly connection: Connection<T>
  /** Counts against the share of the pool that such work may hold. */
  readonly limited: boolean
  readonly agent: string | undefined
  readonly longLived: boolean
  /** Where it was taken; only with leak detection. */
  readonly origin: Error | undefined
}

export interface Cancelling<T> {
  readonly kind: 'cancelling'
  readonly since: number
  readonly connection: Connection<T>
  readonly limited: boolean
}

/** Counted until the other side has let go. Without a connection while an open that was called off has not ended yet. */
export interface Closing<T> {
  readonly kind: 'closing'
  readonly since: number
  readonly reason: CloseReason
  readonly connection: Connection<T> | undefined
  readonly limited: boolean
}

export type SlotState<T> = Opening<T> | Idle<T> | Checking<T> | Leased<T> | Cancelling<T> | Closing<T>
export type SlotKind = SlotState<unknown>['kind']

/** The table of moves. It and the counters are switches: looked up by name they made up a fifth of an acquire and its release. */
function mayMove(from: SlotKind, to: SlotKind): boolean {
  switch (from) {
    case 'opening':
      return to === 'idle' || to === 'closing'
    case 'idle':
      return to === 'leased' || to === 'shared' || to === 'checking' || to === 'closing'
    case 'checking':
      return to === 'idle' || to === 'closing'
    case 'leased':
    case 'shared':
      return to === 'idle' || to === 'checking' || to === 'cancelling' || to === 'closing'
    case 'cancelling':
      return to === 'idle' || to === 'checking' || to === 'closing'
    case 'closing':
      return false
  }
}

let lastId = 0

/** A place for one connection. */
export class Slot<T> {
  readonly id: number = ++lastId
  /** Only {@link Slots} writes it. */
  state: SlotState<T>
  /** The agent that has it to itself, until what it did there has ended; only {@link Slots} writes it. */
  holder: string | undefined = undefined
  readonly link: Link<Slot<T>> = new Link<Slot<T>>(this)

  constructor(state: Opening<T>) {
    this.state = state
  }
}

/** All slots of a pool, counted by state. */
export class Slots<T> {
  readonly #all = new Set<Slot<T>>()
  readonly #counts: Record<SlotKind, number> = {
    opening: 0,
    idle: 0,
    checking: 0,
    leased: 0,
    shared: 0,
    cancelling: 0,
    closing: 0,
  }
  /** Idle slots, the one used last at the end. */
  readonly idle: List<Slot<T>> = new List<Slot<T>>()
  readonly #agents: Agents | undefined
  #limited = 0

  /** @param agents their accounts, where they are bounded */
  constructor(agents?: Agents) {
    this.#agents = agents
  }

  /** Every slot counts, whatever its state. */
  get total(): number {
    return this.#all.size
  }

  /** Slots that are not on their way out. */
  get live(): number {
    return this.#all.size - this.#counts.closing
  }

  get counts(): Readonly<Record<SlotKind, number>> {
    return this.#counts
  }

  /** Slots held by those who may only hold a share of the pool: until what they do has ended, however long that takes. */
  get limited(): number {
    return this.#limited
  }

  /** Takes a new slot, which starts opening. */
  take(state: Opening<T>): Slot<T> {
    const slot = new Slot<T>(state)
    this.#all.add(slot)
    this.#counts.opening += 1
    return slot
  }

  /** The only way from one state to another. @throws BUG for a move that the table does not have */
  move(slot: Slot<T>, to: SlotState<T>): void {
    const from = slot.state.kind
    if (!mayMove(from, to.kind))
      throw new Error(`BUG: slot ${slot.id} cannot move from ${from} to ${to.kind}`)
    if (from === 'idle') this.idle.remove(slot.link)
    this.#count(from, -1)
    this.#count(to.kind, 1)
    if (isLimited(slot.state)) this.#limited -= 1
    if (isLimited(to)) this.#limited += 1
    slot.state = to
    if (to.kind === 'idle') this.idle.push(slot.link)
    if (to.kind === 'leased') this.#hold(slot, to.agent)
    else if (to.kind === 'idle') this.#hold(slot, undefined)
  }

  #hold(slot: Slot<T>, agent: string | undefined): void {
    const { holder } = slot
    if (holder === agent) return
    slot.holder = agent
    if (this.#agents === undefined) return
    if (holder !== undefined) this.#agents.holds(holder, -1)
    if (agent !== undefined) this.#agents.holds(agent, 1)
  }

  /** Gives a slot up: after a close, or after an open that brought nothing. @throws BUG for any other state */
  free(slot: Slot<T>): void {
    const { kind } = slot.state
    if (kind !== 'closing' && kind !== 'opening')
      throw new Error(`BUG: slot ${slot.id} is freed while ${kind}`)
    if (!this.#all.delete(slot)) throw new Error(`BUG: slot ${slot.id} is freed twice`)
    if (isLimited(slot.state)) this.#limited -= 1
    this.#count(kind, -1)
    this.#hold(slot, undefined)
  }

  #count(kind: SlotKind, by: 1 | -1): void {
    switch (kind) {
      case 'opening':
        this.#counts.opening += by
        break
      case 'idle':
        this.#counts.idle += by
        break
      case 'checking':
        this.#counts.checking += by
        break
      case 'leased':
        this.#counts.leased += by
        break
      case 'shared':
        this.#counts.shared += by
        break
      case 'cancelling':
        this.#counts.cancelling += by
        break
      case 'closing':
        this.#counts.closing += by
        break
    }
  }

  /** The lease that is out for longest. */
  get longestLease(): Leased<T> | undefined {
    let longest: Leased<T> | undefined
    for (const { state } of this.#all) {
      if (state.kind === 'leased' && (longest === undefined || state.since < longest.since)) longest = state
    }
    return longest
  }

  [Symbol.iterator](): IterableIterator<Slot<T>> {
    return this.#all.values()
  }
}

/** Whether a slot counts against the share. */
export function isLimited(state: SlotState<unknown>): boolean {
  switch (state.kind) {
    case 'leased':
    case 'shared':
    case 'cancelling':
    case 'checking':
    case 'closing':
      return state.limited
    case 'opening':
    case 'idle':
      return false
  }
}

/** The connection of a slot that is idle. @throws BUG for any other state */
export function idleConnection<T>(slot: Slot<T>): Connection<T> {
  if (slot.state.kind !== 'idle')
    throw new Error(`BUG: slot ${slot.id} counts as idle while ${slot.state.kind}`)
  return slot.state.connection
}
