/** When connections are opened: how many callers need, how many there is room for, and whether they would come in time. */
import type { Alarm } from '../base/alarm.ts'
import type { Callers } from './callers.ts'
import { CHECK_PATIENCE_MILLIS, OPEN_PATIENCE_MILLIS } from './callers.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Opens } from './opens.ts'
import type { Settings } from './options.ts'
import { capacityOf } from './options.ts'
import type { Slots } from './slot.ts'

/** What supply works with; the pool owns all of it. */
export interface SupplyParts<T extends object> {
  readonly settings: Settings
  readonly slots: Slots<T>
  readonly callers: Callers<T>
  readonly opens: Opens
  readonly lifecycle: Lifecycle<T>
  readonly alarm: Alarm
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

  constructor(parts: SupplyParts<T>) {
    this.#parts = parts
  }

  /** Slots that could still be taken for callers who wait; below zero after the pool was made smaller. */
  get room(): number {
    const { settings, slots } = this.#parts
    return capacityOf(settings) - slots.total
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
    const { alarm, callers, lifecycle, opens } = this.#parts
    const { room } = this
    // A full pool is asked at every release: what callers need is counted only where it matters.
    if (room <= 0) return
    const unmet = serving ? this.unmet : 0
    if (Math.max(unmet, missing) <= 0) return
    if (now < opens.retryAt) alarm.by(opens.retryAt, now)
    const wanted = Math.max(this.#inTime(unmet, now), missing)
    const starts = Math.min(wanted, room, opens.allowance(callers.promptOpens, now))
    for (let n = 0; n < starts; n++) lifecycle.open(now)
    this.#started += Math.max(0, starts)
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
    if (idle === 0 && this.room <= 0) return
    if (checking > 0) alarm.by(now + CHECK_PATIENCE_MILLIS, now)
    else if (opening > 0) alarm.by(now + OPEN_PATIENCE_MILLIS, now)
  }
}
