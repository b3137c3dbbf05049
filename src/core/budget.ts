/** One cap over the connections of several pools: who may open one, who goes first, and who gives one up for another pool. */
import { SluiceError } from '../base/errors.ts'
import type { Given } from '../base/options.ts'
import { readNumber } from '../base/options.ts'

/** Options of {@link Budget}. */
export interface BudgetOptions {
  /** Connections of all its pools together at most. 1 to 10,000. */
  readonly max: number
}

/** The budget as one pool sees it. */
export interface BudgetView {
  /** Connections of all its pools together at most. */
  readonly max: number
  /** Slots of all its pools now, closing ones included. */
  readonly used: number
  /** Connections that this pool could open now, as far as the budget goes. */
  readonly room: number
  /** The most connections that this pool can ever have: `max` without what is reserved for the others (their `min`). */
  readonly limit: number
}

/** A pool, as its budget needs it. */
export interface Member {
  /** All slots, closing ones included. */
  readonly total: number
  /** Slots that are not on their way out. */
  readonly live: number
  /** Connections that are reserved for it. */
  readonly min: number
  /** Idle connections that none of its callers waits for. */
  readonly spare: number
  /** Since when the one that has been idle for longest is idle; undefined where none is. */
  readonly idleSince: number | undefined
  /** Opens what it needs, as far as it may claim slots, and says with `want` what is missing then. */
  pump(now: number): void
  /** Closes the connection that has been idle for longest. */
  giveUp(now: number): void
  /** Pumps by then. */
  lookBy(at: number, now: number): void
}

/**
 * Pools that are about equal leave each other connections that were idle for less, and a pool that has only one keeps it for as
 * long before one that has none: shorter turns would cost more opens than work.
 */
const TURN_MILLIS = 100

/** The place of one pool in its budget. */
export class Seat {
  readonly #budget: Budget
  readonly member: Member
  #wanted = 0
  /** When it last took a slot, in the order of the budget. */
  tookAt = 0
  /** The same in milliseconds. */
  tookSince: number = Number.NEGATIVE_INFINITY

  /** Only {@link Budget.join} makes one. */
  constructor(budget: Budget, member: Member) {
    this.#budget = budget
    this.member = member
  }

  /** Connections that it would open now if the budget had room. */
  get wanted(): number {
    return this.#wanted
  }

  /** Says how many connections it would open now if there were room. */
  want(count: number): void {
    if (count === this.#wanted) return
    this.#wanted = count
    this.#budget.moved()
  }

  /** Claims a slot, to be taken at once: false where there is none for it, or where somebody else's turn comes first. */
  claim(now: number): boolean {
    return this.#budget.grants(this, now)
  }

  /** Whether it should give up the connection that it has just got back, although its own callers wait. */
  owes(now: number): boolean {
    return this.#budget.asks(this, now)
  }

  /** Slots that it could get for callers without waiting for anybody: free ones, and idle ones that other pools would give up. */
  get reach(): number {
    return this.#budget.reachOf(this)
  }

  /** The budget as this pool sees it. */
  view(): BudgetView {
    return this.#budget.viewOf(this)
  }

  /** Checks a size that the pool is to have. @throws SLUICE_BAD_OPTION */
  check(size: { readonly max: number; readonly min: number }): void {
    this.#budget.check(size, this)
  }

  /** Something has changed: serves whoever can be served. */
  settle(now: number): void {
    this.#budget.settle(now)
  }

  /** The pool has ended. */
  leave(now: number): void {
    this.#budget.leave(this, now)
  }
}

/**
 * A cap over several pools. All their slots together, closing ones included, never exceed it. Each pool's `min` is reserved for
 * it; what is left goes to whoever needs it. When it is used up, an idle connection of one pool closes for a caller of another
 * (reason `yielded`), and where all pools are busy the larger ones give up connections as they come back, until the pools that
 * have callers waiting are equal.
 */
export class Budget {
  readonly #max: number
  readonly #seats = new Set<Seat>()
  /** How often anything has changed: a round that leaves it as it was has done nothing. */
  #moves = 0
  #settling = false

  /** @throws SLUICE_BAD_OPTION */
  constructor(options: BudgetOptions) {
    const max = readNumber({ 'budget.max': options?.max } as Given, 'budget.max', { min: 1, max: 10_000 })
    if (max === undefined) throw bad('a budget needs max: how many connections its pools may have together')
    this.#max = max
  }

  /** Connections of all its pools together at most. */
  get max(): number {
    return this.#max
  }

  /** Slots of all its pools now, closing ones included. */
  get used(): number {
    return this.#sum(({ member }) => member.total)
  }

  /** Slots that any pool could take now: neither in use nor reserved. */
  get room(): number {
    return Math.max(0, this.#max - this.#sum(({ member }) => Math.max(member.total, member.min)))
  }

  #sum(of: (seat: Seat) => number): number {
    let sum = 0
    for (const seat of this.#seats) sum += of(seat)
    return sum
  }

  /** Takes a pool in. Only the engine calls it. @throws SLUICE_BAD_OPTION when its size does not fit */
  join(member: Member, size: { readonly max: number; readonly min: number }): Seat {
    this.check(size)
    const seat = new Seat(this, member)
    this.#seats.add(seat)
    return seat
  }

  /** @throws SLUICE_BAD_OPTION when `seat`, or a newcomer, cannot have this size */
  check({ max, min }: { readonly max: number; readonly min: number }, seat?: Seat): void {
    if (max > this.#max)
      throw bad(`max must not exceed that of the budget; max is ${max} and budget.max is ${this.#max}`)
    const others = this.#reservedBesides(seat)
    if (min + others > this.#max)
      throw bad(
        `the min of all pools together must not exceed budget.max; min is ${min}, the other pools have ${others}, and budget.max is ${this.#max}`,
      )
  }

  leave(seat: Seat, now: number): void {
    if (this.#seats.delete(seat)) this.settle(now)
  }

  #reservedBesides(seat: Seat | undefined): number {
    return this.#sum((other) => (other === seat ? 0 : other.member.min))
  }

  viewOf(seat: Seat): BudgetView {
    return Object.freeze({
      max: this.#max,
      used: this.used,
      room: this.#roomFor(seat),
      limit: this.#max - this.#reservedBesides(seat),
    })
  }

  /** Slots that it could take now: what is left of its own reserve, and what nobody has reserved. */
  #roomFor({ member }: Seat): number {
    const own = Math.max(0, member.min - member.total)
    return Math.max(0, Math.min(this.#max - this.used, own + this.room))
  }

  reachOf(seat: Seat): number {
    const idle = this.#sum((other) => (other === seat ? 0 : surplusOf(other)))
    return this.#roomFor(seat) + idle
  }

  grants(seat: Seat, now: number): boolean {
    if (this.#roomFor(seat) === 0) return false
    for (const other of this.#seats)
      if (other !== seat && other.wanted > 0 && isBefore(standing(other), standing(seat)))
        if (this.#roomFor(other) > 0) return false
    this.#moves += 1
    seat.tookAt = this.#moves
    seat.tookSince = now
    return true
  }

  /** A pool wants more, or less. */
  moved(): void {
    this.#moves += 1
  }

  /** Deals what is free out to those who want it, in their order; then has idle connections given up for those who got nothing. */
  settle(now: number): void {
    if (this.#settling || !this.#isWanted) return
    this.#settling = true
    try {
      let before: number
      do {
        before = this.#moves
        for (const seat of this.#inOrder())
          if (seat.wanted > 0 && this.#roomFor(seat) > 0) seat.member.pump(now)
        this.#reclaim(now)
      } while (this.#moves !== before && this.#isWanted)
    } finally {
      this.#settling = false
    }
  }

  get #isWanted(): boolean {
    for (const seat of this.#seats) if (seat.wanted > 0) return true
    return false
  }

  #inOrder(): Seat[] {
    return [...this.#seats].sort((a, b) => (isBefore(standing(a), standing(b)) ? -1 : 1))
  }

  #reclaim(now: number): void {
    for (let hungry = this.#hungry(); hungry !== undefined; hungry = this.#hungry()) {
      let donor: Seat | undefined
      let lookAt = Number.POSITIVE_INFINITY
      for (const seat of this.#seats) {
        const surplus = seat === hungry.seat ? 0 : surplusOf(seat)
        if (surplus === 0) continue
        const dueAt = Math.min(dueFrom(seat, hungry), (seat.member.idleSince ?? now) + TURN_MILLIS)
        lookAt = Math.min(lookAt, dueAt)
        if (dueAt <= now && surplus > (donor === undefined ? 0 : surplusOf(donor))) donor = seat
      }
      if (donor === undefined) {
        if (lookAt < Number.POSITIVE_INFINITY) hungry.seat.member.lookBy(lookAt, now)
        return
      }
      this.#moves += 1
      donor.member.giveUp(now)
    }
  }

  /** Whoever comes next and would still want a connection once all slots that are free or closing have been dealt out. */
  #hungry(): Claim | undefined {
    let used = 0
    let kept = 0
    const claims: Claim[] = []
    for (const seat of this.#seats) {
      const { live, min } = seat.member
      used += live
      kept += Math.max(live, min)
      if (seat.wanted > 0) claims.push({ seat, size: live, open: seat.wanted })
    }
    for (;;) {
      let next: Claim | undefined
      for (const claim of claims)
        if (claim.open > 0 && (next === undefined || isBefore(claim, next))) next = claim
      if (next === undefined) return undefined
      const isOwn = next.size < next.seat.member.min
      if (isOwn ? used >= this.#max : kept >= this.#max) return next
      next.open -= 1
      next.size += 1
      used += 1
      if (!isOwn) kept += 1
    }
  }

  asks(seat: Seat, now: number): boolean {
    const { live, min } = seat.member
    if (live <= min || !this.#isWanted) return false
    const hungry = this.#hungry()
    return hungry !== undefined && hungry.seat !== seat && dueFrom(seat, hungry) <= now
  }
}

/** Who stands where when slots are dealt out. */
interface Claim {
  readonly seat: Seat
  /** Connections that it has, or has been promised. */
  size: number
  /** Connections that it still wants. */
  open: number
}

/** Who comes first: a pool below its reserve, then the one with the fewest connections, then the one that took one longest ago. */
function isBefore(a: Pick<Claim, 'seat' | 'size'>, b: Pick<Claim, 'seat' | 'size'>): boolean {
  const [ownA, ownB] = [a.size < a.seat.member.min, b.size < b.seat.member.min]
  if (ownA !== ownB) return ownA
  return a.size === b.size ? a.seat.tookAt < b.seat.tookAt : a.size < b.size
}

function standing(seat: Seat): Pick<Claim, 'seat' | 'size'> {
  return { seat, size: seat.member.live }
}

/** From when on a pool owes another one a connection, whether it uses it or not. A difference of one would only be turned around. */
function dueFrom({ member: { live }, tookSince }: Seat, { seat, size }: Claim): number {
  if (size < seat.member.min || live >= size + 2) return Number.NEGATIVE_INFINITY
  return size === 0 ? tookSince + TURN_MILLIS : Number.POSITIVE_INFINITY
}

/** Idle connections that a pool can do without. */
function surplusOf({ member }: Seat): number {
  return Math.max(0, Math.min(member.spare, member.live - member.min))
}

function bad(sentence: string): SluiceError {
  return new SluiceError('SLUICE_BAD_OPTION', sentence)
}
