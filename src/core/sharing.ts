/** Connections that many callers use at once: who may join one, when there should be one more, and when one is given back. */
import type { Clock } from '../base/clock.ts'
import type { Callers } from './callers.ts'
import type { Lease } from './lease.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Opens } from './opens.ts'
import type { Settings } from './options.ts'
import { capacityOf } from './options.ts'
import type { Slots } from './slot.ts'
import type { PoolStats, Tally } from './stats.ts'
import type { Supply } from './supply.ts'

/** What sharing works with; the pool owns all of it. */
export interface SharingParts<T extends object> {
  readonly clock: Clock
  readonly settings: Settings
  readonly slots: Slots<T>
  readonly callers: Callers<T>
  readonly lifecycle: Lifecycle<T>
  readonly opens: Opens
  readonly tally: Tally
  readonly supply: Supply<T>
  mode(): PoolStats['state']
}

export class Sharing<T extends object> {
  readonly #parts: SharingParts<T>

  constructor(parts: SharingParts<T>) {
    this.#parts = parts
  }

  /** Callers who wait to share a connection. */
  get waiting(): number {
    return this.#parts.callers.sharing
  }

  /** Whether callers are taken and served: not while the pool is paused, drains or ends. */
  get isRunning(): boolean {
    return this.#parts.mode() === 'running'
  }

  /** Whether a connection could be lent at once. */
  get mayLend(): boolean {
    const { callers, slots } = this.#parts
    return slots.counts.idle > 0 && this.isRunning && callers.servable === 0
  }

  /** Whether new callers may join a shared connection: the pool runs, and the connection need neither be replaced nor given up. */
  mayJoin(lease: Lease<T>, now: number = this.#parts.clock.now()): boolean {
    const { lifecycle, settings, slots } = this.#parts
    if (!this.isRunning || slots.live > capacityOf(settings)) return false
    return lifecycle.isCurrent(lease.connection, now)
  }

  /**
   * Lets the next of those who wait to share join a shared connection: its `settle` is called with that lease. False when
   * nobody waits, or the pool lets nobody go on.
   */
  admit(lease: Lease<T>): boolean {
    const { callers, clock, mode, tally } = this.#parts
    if (lease.kind !== 'shared') throw new Error('BUG: a caller is to join a connection that is not shared')
    if (mode() === 'paused' || lease.released) return false
    const now = clock.now()
    const waiter = callers.takeShared(now)
    if (waiter === undefined) return false
    if (waiter.holding !== undefined) waiter.holding.over = true
    tally.wait.record(now - waiter.since)
    waiter.settle(undefined, lease)
    return true
  }

  /**
   * How many shared connections should be given back, because callers who came first wait for a whole one, or another pool of
   * the budget has fewer. Room for more is none while the server lets nobody in.
   */
  get wholeWanted(): number {
    const { callers, clock, opens, slots, supply } = this.#parts
    const { idle, opening } = slots.counts
    if (idle > 0) return 0
    const letsIn = opens.failures === 0 && opening <= callers.promptOpens
    const wanted = letsIn && supply.room > 0 ? 0 : callers.wholeWanted
    return wanted + (supply.owes(clock.now()) ? 1 : 0)
  }

  /** Opens one more connection for those who share, where there is room and none is idle or being opened. */
  grow(): void {
    const { clock, opens, settings, slots, supply } = this.#parts
    const now = clock.now()
    const { idle, opening } = slots.counts
    if (!this.isRunning || idle + opening > 0 || slots.total >= settings.max) return
    if (opens.allowance(0, now) > 0) supply.add(now)
  }
}
