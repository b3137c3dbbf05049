/** Closes idle connections when their time has come. What is due is found by a pure function, so that a table of cases proves it. */
import type { Alarm } from '../base/alarm.ts'
import type { CloseReason } from './driver.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Settings } from './options.ts'
import type { Connection, Slot, Slots } from './slot.ts'
import { idleConnection } from './slot.ts'

/** What {@link inspect} found. */
export interface Findings<T> {
  readonly due: readonly { readonly slot: Slot<T>; readonly reason: CloseReason }[]
  /** When the next idle connection falls due; infinite when none will. */
  readonly nextAt: number
}

/**
 * Which idle connections must go now: those past their lifetime, and the ones idle for too long, the longest idle first, down
 * to `min` connections (`idleTimeoutMillis`) or to `min` idle ones (`softIdleTimeoutMillis`).
 */
export function inspect<T>(slots: Slots<T>, settings: Settings, now: number): Findings<T> {
  const due: { slot: Slot<T>; reason: CloseReason }[] = []
  let live = slots.total - slots.counts.closing
  let idle = slots.counts.idle
  let nextAt = Number.POSITIVE_INFINITY
  for (const slot of slots.idle) {
    if (slot.state.kind !== 'idle')
      throw new Error(`BUG: a slot that is ${slot.state.kind} stands among the idle ones`)
    const { since, connection } = slot.state
    const idleAt = live > settings.min ? since + settings.idleTimeoutMillis : Number.POSITIVE_INFINITY
    const softAt = idle > settings.min ? since + settings.softIdleTimeoutMillis : Number.POSITIVE_INFINITY
    const at = Math.min(connection.expiresAt, idleAt, softAt)
    if (at > now) {
      nextAt = Math.min(nextAt, at)
      continue
    }
    due.push({ slot, reason: connection.expiresAt <= now ? 'lifetime' : 'idle' })
    live -= 1
    idle -= 1
  }
  return { due, nextAt }
}

/** What upkeep works with; the pool owns all of it. */
export interface UpkeepParts<T extends object> {
  readonly settings: Settings
  readonly slots: Slots<T>
  readonly lifecycle: Lifecycle<T>
  readonly alarm: Alarm
}

export class Upkeep<T extends object> {
  readonly #parts: UpkeepParts<T>
  #inspectedAt = Number.NEGATIVE_INFINITY

  constructor(parts: UpkeepParts<T>) {
    this.#parts = parts
  }

  /** A connection is idle from now on. */
  parked(connection: Connection<T>, now: number): void {
    const { idleTimeoutMillis, softIdleTimeoutMillis } = this.#parts.settings
    this.#wake(Math.min(now + idleTimeoutMillis, now + softIdleTimeoutMillis, connection.expiresAt), now)
  }

  /** Closes what is due, unless the last round was a short while ago: the alarm also rings for retries and slow checks. */
  look(now: number): void {
    const { alarm, settings, slots } = this.#parts
    const roundAt = this.#inspectedAt + settings.evictionRunIntervalMillis
    if (now >= roundAt) this.#round(now)
    else if (slots.counts.idle > 0) alarm.by(roundAt, now)
  }

  #round(now: number): void {
    const { lifecycle, settings, slots } = this.#parts
    this.#inspectedAt = now
    const { due, nextAt } = inspect(slots, settings, now)
    for (const { slot, reason } of due) lifecycle.close(slot, idleConnection(slot), reason, now)
    this.#wake(nextAt, now)
  }

  #wake(at: number, now: number): void {
    const { alarm, settings } = this.#parts
    if (at === Number.POSITIVE_INFINITY) return
    alarm.by(Math.max(at, this.#inspectedAt + settings.evictionRunIntervalMillis), now)
  }
}
