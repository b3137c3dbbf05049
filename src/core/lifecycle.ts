/** The life of a connection: opened, parked, checked, cancelled, closed. Every await has a deadline, and an answer that comes after it finds another state and changes nothing. */
import type { Clock } from '../base/clock.ts'
import type { PoolNumbers } from '../base/errors.ts'
import { DeadlineExceeded, within } from '../base/within.ts'
import type { CloseReason, Driver, Reusable } from './driver.ts'
import type { HookList } from './hooks.ts'
import type { Lease } from './lease.ts'
import type { Opens } from './opens.ts'
import type { Settings } from './options.ts'
import { openCalledOff, openTimeout } from './refusals.ts'
import type { Connection, Opening, Slot, SlotState, Slots } from './slot.ts'
import { isLimited } from './slot.ts'
import type { Tally } from './stats.ts'

/** What the lifecycle works with; the pool owns all of it. */
export interface LifecycleParts<T extends object> {
  readonly driver: Driver<T>
  readonly clock: Clock
  readonly random: () => number
  readonly settings: Settings
  readonly slots: Slots<T>
  readonly opens: Opens
  readonly hooks: HookList<T>
  readonly tally: Tally
}

/** Whom the lifecycle tells, after it has changed a slot. */
export interface LifecycleOwner<T> {
  /** The pool as it is. */
  numbers(): PoolNumbers
  /** A slot has changed by itself. */
  changed(now: number): void
  /** An open has failed; its slot is free, or will be. */
  openFailed(error: unknown, now: number): void
  /** A connection is idle from now on and falls due by itself at `at`. */
  parked(connection: Connection<T>, now: number): void
}

export class Lifecycle<T extends object> {
  readonly #parts: LifecycleParts<T>
  readonly #owner: LifecycleOwner<T>
  readonly #byResource = new Map<T, Slot<T>>()
  #generation = 0

  /** The generation that new connections belong to. */
  get generation(): number {
    return this.#generation
  }

  constructor(parts: LifecycleParts<T>, owner: LifecycleOwner<T>) {
    this.#parts = parts
    this.#owner = owner
  }

  // Opening ------------------------------------------------------------------------------------------------------------

  /** Starts an open; its slot is taken and the driver's client made in this turn. */
  open(now: number): void {
    const { clock, driver, settings, slots } = this.#parts
    const controller = new AbortController()
    const pending = new Promise<T>((resolve) => resolve(driver.open(controller.signal)))
    const opening: Opening<T> = { kind: 'opening', since: now, controller, pending }
    const slot = slots.take(opening)
    const timer = clock.setTimeout(() => this.#openExpired(slot, opening), settings.connectionTimeoutMillis)
    const ended = () => {
      clock.clearTimeout(timer)
      return slot.state === opening
    }
    // An open that was called off may go on for longer than its time.
    controller.signal.addEventListener('abort', () => clock.clearTimeout(timer), { once: true })
    pending.then(
      (resource) => ended() && this.#opened(slot, resource, opening.since),
      (error: unknown) => ended() && this.#openFailed(slot, error, opening.since),
    )
  }

  #opened(slot: Slot<T>, resource: T, since: number): void {
    const { clock, hooks, opens, random, settings, tally } = this.#parts
    const now = clock.now()
    const connection: Connection<T> = {
      resource,
      openedAt: now,
      createdAt: clock.epoch(),
      // Up to a tenth earlier, so that connections that were opened together do not expire together.
      expiresAt: now + settings.maxLifetimeMillis * (1 - 0.1 * random()),
      generation: this.#generation,
      uses: 0,
      askedAt: since,
    }
    opens.succeed(now - since)
    tally.opened += 1
    tally.open.record(now - since)
    this.#byResource.set(resource, slot)
    this.#park(slot, connection, now)
    hooks.emit('opened', resource, now - since)
    this.#owner.changed(now)
  }

  #openFailed(slot: Slot<T>, error: unknown, since: number): void {
    this.#parts.slots.free(slot)
    this.#tellFailure(error, since)
  }

  /** The open has had its time. Its slot counts until the driver has let go of what it began. */
  #openExpired(slot: Slot<T>, opening: Opening<T>): void {
    const { settings } = this.#parts
    const error = openTimeout(settings.connectionTimeoutMillis, this.#owner.numbers())
    this.#abandon(slot, opening, error)
    this.#tellFailure(error, opening.since)
  }

  #tellFailure(error: unknown, since: number): void {
    const { clock, driver, hooks, opens, tally } = this.#parts
    const now = clock.now()
    tally.openFailures += 1
    opens.fail(error, driver.openFault(error), since, now)
    hooks.emit('openFailed', error, now - since)
    this.#owner.openFailed(error, now)
  }

  /** Calls an open off that nobody needs any more. Does nothing to a slot that is not opening. */
  callOff(slot: Slot<T>): void {
    if (slot.state.kind === 'opening') this.#abandon(slot, slot.state, openCalledOff())
  }

  #abandon(slot: Slot<T>, opening: Opening<T>, error: Error): void {
    const { clock, driver, settings, slots, tally } = this.#parts
    slots.move(slot, {
      kind: 'closing',
      since: clock.now(),
      reason: 'late',
      connection: undefined,
      limited: false,
    })
    tally.countClose('late')
    opening.controller.abort(error)
    const disposed = (signal: AbortSignal) =>
      opening.pending.then(
        (resource) => driver.close(resource, signal),
        () => undefined,
      )
    this.#awaitClose(slot, undefined, within(clock, settings.closeTimeoutMillis, disposed))
  }

  // At rest ------------------------------------------------------------------------------------------------------------

  #park(slot: Slot<T>, connection: Connection<T>, now: number): void {
    this.#parts.slots.move(slot, { kind: 'idle', since: now, connection })
    this.#owner.parked(connection, now)
  }

  /** Asks an idle connection whether it still answers. */
  ping(slot: Slot<T>, connection: Connection<T>, now: number): void {
    const { clock, driver, settings } = this.#parts
    const checking: SlotState<T> = { kind: 'checking', since: now, connection, limited: false }
    this.#parts.slots.move(slot, checking)
    connection.askedAt = now
    within(clock, settings.checkTimeoutMillis, (signal) => driver.check(connection.resource, signal)).then(
      () => this.#checked(slot, checking, connection, true),
      () => this.#checked(slot, checking, connection, 'check-failed'),
    )
  }

  // Coming back --------------------------------------------------------------------------------------------------------

  /** Takes a lent connection back: to rest, to a check, or to its close. */
  takeBack(lease: Lease<T>, error: unknown, now: number): void {
    const { slot, connection } = lease
    this.#judge(slot, connection, error ? 'destroyed' : this.#verdict(connection, now), now)
  }

  /** Takes a lent connection back whose statement still runs. */
  cancel(lease: Lease<T>, now: number): void {
    const { clock, driver, settings, slots } = this.#parts
    const { slot, connection } = lease
    const cancelling: SlotState<T> = { kind: 'cancelling', since: now, connection, limited: lease.limited }
    slots.move(slot, cancelling)
    within(clock, settings.cancelTimeoutMillis, (signal) => driver.cancel(connection.resource, signal)).then(
      () => {
        if (slot.state !== cancelling) return
        const then = clock.now()
        this.#judge(slot, connection, this.#verdict(connection, then), then)
        this.#owner.changed(then)
      },
      () => this.#checked(slot, cancelling, connection, 'cancel-failed'),
    )
  }

  /** Asks the driver first: a statement that still runs may end, even on a connection that is not kept. */
  #verdict(connection: Connection<T>, now: number): Reusable | Promise<Reusable> {
    const reusable = this.#reusable(connection.resource)
    return reusable === true ? (this.#outdated(connection, now) ?? true) : reusable
  }

  /** A driver that throws knows nothing good of its connection; its slot must go on. */
  #reusable(resource: T): Reusable | Promise<Reusable> {
    try {
      return this.#parts.driver.reusable(resource)
    } catch {
      return 'lost'
    }
  }

  /** Whether a connection may go on carrying callers: neither past its lifetime nor older than the last `renew`. */
  isCurrent(connection: Connection<T>, now: number): boolean {
    return connection.generation === this.#generation && connection.expiresAt > now
  }

  #outdated(connection: Connection<T>, now: number): CloseReason | undefined {
    if (connection.generation !== this.#generation) return 'cleared'
    if (connection.expiresAt <= now) return 'lifetime'
    return connection.uses >= this.#parts.settings.maxUses ? 'max-uses' : undefined
  }

  #judge(slot: Slot<T>, connection: Connection<T>, verdict: Reusable | Promise<Reusable>, now: number): void {
    if (verdict === true) this.#park(slot, connection, now)
    else if (typeof verdict === 'string') this.close(slot, connection, verdict, now)
    else this.#settle(slot, connection, verdict, now)
  }

  #settle(slot: Slot<T>, connection: Connection<T>, verdict: Promise<Reusable>, now: number): void {
    const { clock, settings, slots } = this.#parts
    const limited = isLimited(slot.state)
    const checking: SlotState<T> = { kind: 'checking', since: now, connection, limited }
    slots.move(slot, checking)
    within(clock, settings.checkTimeoutMillis, () => verdict).then(
      (reusable) => this.#checked(slot, checking, connection, reusable),
      (error: unknown) =>
        this.#checked(slot, checking, connection, error instanceof DeadlineExceeded ? 'busy' : 'lost'),
    )
  }

  /** A check is over; `state` is what it began with, and anything else in its place makes this a late answer. */
  #checked(slot: Slot<T>, state: SlotState<T>, connection: Connection<T>, reusable: Reusable): void {
    if (slot.state !== state) return
    const now = this.#parts.clock.now()
    this.#judge(
      slot,
      connection,
      reusable === true ? (this.#outdated(connection, now) ?? true) : reusable,
      now,
    )
    this.#owner.changed(now)
  }

  // Closing ------------------------------------------------------------------------------------------------------------

  /** Closes a connection; its slot counts until the other side has let go, or until that takes too long. */
  close(slot: Slot<T>, connection: Connection<T>, reason: CloseReason, now: number): void {
    const { clock, driver, hooks, settings, slots, tally } = this.#parts
    slots.move(slot, { kind: 'closing', since: now, reason, connection, limited: isLimited(slot.state) })
    tally.countClose(reason)
    hooks.emit('closing', connection.resource, reason)
    const closed = within(clock, settings.closeTimeoutMillis, (signal) =>
      driver.close(connection.resource, signal),
    )
    this.#awaitClose(slot, connection, closed)
  }

  #awaitClose(slot: Slot<T>, connection: Connection<T> | undefined, closed: Promise<void>): void {
    closed.then(
      () => this.#closed(slot, connection),
      () => {
        this.#parts.tally.lost += 1
        if (connection !== undefined) this.#parts.hooks.emit('lost', connection.resource, reasonOf(slot))
        this.#closed(slot, connection)
      },
    )
  }

  #closed(slot: Slot<T>, connection: Connection<T> | undefined): void {
    const { clock, hooks, slots } = this.#parts
    slots.free(slot)
    if (connection !== undefined) {
      this.#byResource.delete(connection.resource)
      hooks.emit('closed', connection.resource, reasonOf(slot))
    }
    this.#owner.changed(clock.now())
  }

  /** The slot of a connection; undefined once it has closed. */
  slotOf(resource: T): Slot<T> | undefined {
    return this.#byResource.get(resource)
  }

  /** Begins a new generation: what is idle closes now for `reason`, what is lent when it comes back. */
  renew(reason: CloseReason, now: number): void {
    this.#generation += 1
    for (const slot of [...this.#parts.slots])
      if (slot.state.kind === 'idle') this.close(slot, slot.state.connection, reason, now)
  }

  /** Calls all opens off. */
  callOffAll(): void {
    for (const slot of [...this.#parts.slots]) this.callOff(slot)
  }
}

function reasonOf(slot: Slot<unknown>): CloseReason {
  if (slot.state.kind !== 'closing')
    throw new Error(`BUG: slot ${slot.id} was closed while ${slot.state.kind}`)
  return slot.state.reason
}
