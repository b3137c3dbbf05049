/** What upkeep finds at one look: pure, so that a table of cases proves it. */
import type { CloseReason } from './driver.ts'
import type { Settings } from './options.ts'
import type { Slot, Slots } from './slot.ts'

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
