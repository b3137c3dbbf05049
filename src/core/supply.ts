/** When connections are opened: how many callers need, how many there is room for, and whether they would come in time. */
import type { Alarm } from '../base/alarm.ts'
import type { BudgetView, Member, Seat } from './budget.ts'
import type { Callers } from './callers.ts'
import { CHECK_PATIENCE_MILLIS, OPEN_PATIENCE_MILLIS } from './callers.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Opens } from './opens.ts'
import type { Settings } from './options.ts'
import { capacityOf } from './options.ts'
import type { Slots } from './slot.ts'
import { idleConnection } from './slot.ts'
import type { PoolStats } from './stats.ts'

/** What supply works with; the pool owns all of it. */
export interface SupplyParts<T extends object> {
  readonly settings: Settings
  readonly slots: Slots<T>
  readonly callers: Callers<T>
  readonly opens: Opens
  readonly lifecycle: Lifecycle<T>
  readonly alarm: Alarm
  mode(): PoolStats['state']
  /** Something has changed. */
  changed(now: number): void
}

/** So many are opened for a burst whatever is expected of what is lent: most are not larger, and need not wait for an estimate. */
const EAGER = 3
/** How many leases their typical time looks back on. */
const TYPICAL_LEASES = 16
/** The part of an open's time that a burst is given to show how fast it is served, and the most of it in milliseconds. */
const TRIAL_SHARE = 0.1
const TRIAL_MILLIS = 20

export class Supply<T extends object> {
  readonly #parts: SupplyParts<T>
  /** Milliseconds that a lease takes; undefined before the first one has come back. */
  #leaseMillis: number | undefined
  /** Since when no connection was to spare. */
  #pressedSince: number | undefined
  /** Opens that were started since then. */
  #started = 0
  /** The pool's place in the budget that it shares with others. */
  readonly #seat: Seat | undefined

  /** @throws SLUICE_BAD_OPTION when the pool's size does not fit its budget */
  constructor(parts: SupplyParts<T>) {
    this.#parts = parts
    const { settings } = parts
    this.#seat = settings.budget?.join(this.#member(), settings)
  }

  /** Slots that the pool itself has left; below zero after it was made smaller. */
  get place(): number {
    const { settings, slots } = this.#parts
    return capacityOf(settings) - slots.total
  }

  /** Slots that could be taken now for callers who wait; below zero after the pool was made smaller. */
  get room(): number {
    const { place } = this
    return this.#seat === undefined || place <= 0 ? place : Math.min(place, this.#seat.view().room)
  }

  /** The same, with what other pools of the budget would give up. */
  get reach(): number {
    const { place } = this
    return this.#seat === undefined || place <= 0 ? place : Math.min(place, this.#seat.reach)
  }

  /** Connections that callers need beyond those on their way. */
  get unmet(): number {
    const { callers } = this.#parts
    return Math.max(0, callers.demand - callers.promptOpens - callers.promptChecks)
  }

  /** A lease has come back after `millis`. */
  leased(millis: number): void {
    const typical = this.#leaseMillis
    this.#leaseMillis = typical === undefined ? millis : typical + (millis - typical) / TYPICAL_LEASES
  }

  /** Starts the opens that are needed now. @param serving whether callers count, @param missing connections that the pool should have anyway */
  open(serving: boolean, missing: number, now: number): void {
    // A full pool is asked at every release: what callers need is counted only where it matters.
    if (this.#seat === undefined && this.place <= 0) return
    const starts = this.#due(serving, missing, now)
    let started = 0
    while (started < starts && this.#seat?.claim(now) !== false) {
      this.#parts.lifecycle.open(now)
      started += 1
    }
    this.#started += started
    // A server that lets nobody in is asked for with one connection that another pool could use, not with many.
    const more = this.#parts.opens.failures > 0 ? 1 : starts
    this.#seat?.want(Math.min(more, starts - started))
  }

  /** Starts one open that no caller waits for, where there is room. */
  add(now: number): void {
    if (this.place > 0 && this.#seat?.claim(now) !== false) this.#parts.lifecycle.open(now)
  }

  /** Nobody needs a connection. */
  rest(): void {
    this.#seat?.want(0)
  }

  /** The opens that should start now, as far as the pool itself goes. */
  #due(serving: boolean, missing: number, now: number): number {
    const { alarm, callers, opens } = this.#parts
    const { place } = this
    if (place <= 0) return 0
    const unmet = serving ? this.unmet : 0
    if (Math.max(unmet, missing) <= 0) return 0
    if (now < opens.retryAt) alarm.by(opens.retryAt, now)
    const wanted = Math.max(this.#inTime(unmet, now), missing)
    return Math.max(0, Math.min(wanted, place, opens.allowance(callers.promptOpens, now)))
  }

  /**
   * Of the connections that callers need, those to be opened now: only a few for a burst that what is lent will have served
   * before an open could. More would cost the server sessions and come too late. A pool that has been short for as long as an
   * open takes does not wait any more, whatever the estimate says.
   */
  #inTime(unmet: number, now: number): number {
    const { alarm, callers, opens, slots } = this.#parts
    const { typicalMillis: openMillis } = opens
    const { leased } = slots.counts
    if (unmet === 0) return 0
    this.#pressedSince ??= now
    if (openMillis === undefined || leased === 0) return unmet
    const trial = Math.min(TRIAL_MILLIS, TRIAL_SHARE * openMillis)
    const leaseMillis = this.#leaseMillis
    const servedIn = leaseMillis === undefined ? 0 : (callers.demand * leaseMillis) / leased
    const patience = servedIn >= openMillis ? 0 : leaseMillis === undefined ? trial : openMillis
    const lookAt = this.#pressedSince + patience
    if (now >= lookAt) return unmet
    alarm.by(lookAt, now)
    return Math.min(unmet, Math.max(0, EAGER - this.#started))
  }

  /** A connection is to spare. */
  relieved(): void {
    this.#pressedSince = undefined
    this.#started = 0
  }

  /** Looks again where a check or an open takes long: it must not hold up the callers who count on it. */
  lookAgain(now: number): void {
    const { alarm, slots } = this.#parts
    const { checking, idle, opening } = slots.counts
    if (idle === 0 && this.place <= 0) return
    if (checking > 0) alarm.by(now + CHECK_PATIENCE_MILLIS, now)
    else if (opening > 0) alarm.by(now + OPEN_PATIENCE_MILLIS, now)
  }

  // The budget ---------------------------------------------------------------------------------------------------------

  /** The pool as its budget sees it. */
  #member(): Member {
    const { alarm, callers, changed, lifecycle, mode, settings, slots } = this.#parts
    return {
      get total() {
        return slots.total
      },
      get live() {
        return slots.live
      },
      get min() {
        return mode() === 'ending' ? 0 : settings.min
      },
      get spare() {
        return mode() === 'paused' || callers.servable === 0 ? slots.counts.idle : 0
      },
      get idleSince() {
        return slots.idle.first?.state.since
      },
      pump: changed,
      lookBy: (at, now) => alarm.by(at, now),
      giveUp: (now) => {
        const slot = slots.idle.first
        if (slot !== undefined) lifecycle.close(slot, idleConnection(slot), 'yielded', now)
      },
    }
  }

  /** Whether the connection that has come back should go to another pool of the budget, although callers wait. */
  owes(now: number): boolean {
    return this.#seat?.owes(now) === true
  }

  /** The pool has changed: what it has left, or does not need any more, may serve another one. */
  settle(now: number): void {
    this.#seat?.settle(now)
  }

  /** Checks a new size against the budget. @throws SLUICE_BAD_OPTION */
  check(size: { readonly max: number; readonly min: number }): void {
    this.#seat?.check(size)
  }

  /** The budget as this pool sees it. */
  get budget(): BudgetView | undefined {
    return this.#seat?.view()
  }

  /** The pool has ended. */
  leave(now: number): void {
    this.#seat?.leave(now)
  }
}
