/** What a network has taken and not yet delivered. */
import type { Socket } from 'node:net'

/** One direction of one connection. */
export interface Way {
  readonly from: Socket
  readonly to: Socket
  readonly direction: 'up' | 'down'
  /** When the last of what is on its way arrives: nothing later may overtake it. */
  lastDueAt: number
  underway: number
  /** Nothing goes this way any more: its end has been said already, or it was forgotten. */
  over: boolean
}

interface Parcel {
  readonly way: Way
  readonly dueAt: number
  readonly deliver: () => void
}

/** What is on its way, the next to arrive first, behind one timer. */
export class Underway {
  #parcels: Parcel[] = []
  #timer: NodeJS.Timeout | undefined
  #held = false

  /** Delivers after `delayMillis` and after everything before it on this way; `lengthMillis` is how long it takes to pass. */
  send(way: Way, delayMillis: number, lengthMillis: number, deliver: () => void): void {
    if (!this.#held && delayMillis + lengthMillis === 0 && way.underway === 0) return deliver()
    const dueAt = Math.max(performance.now() + delayMillis, way.lastDueAt) + lengthMillis
    way.lastDueAt = dueAt
    way.underway += 1
    // Almost always at the end: only a changed latency lets parcels of other ways pass.
    let at = this.#parcels.length
    while (at > 0 && (this.#parcels[at - 1]?.dueAt ?? 0) > dueAt) at -= 1
    this.#parcels.splice(at, 0, { way, dueAt, deliver })
    if (at === 0) this.#arm()
  }

  /** Forgets what is on its way where `lost` says so. */
  lose(lost: (way: Way) => boolean): void {
    const kept = this.#parcels.filter(({ way }) => !lost(way))
    for (const { way } of this.#parcels) if (lost(way)) way.underway -= 1
    this.#parcels = kept
    this.#arm()
  }

  /** Delivers nothing until `resume`. */
  hold(): void {
    this.#held = true
    this.#arm()
  }

  resume(): void {
    this.#held = false
    this.#arm()
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const next = this.#parcels[0]
    if (next === undefined || this.#held) return
    // Node may fire a timer a little early; what is not due then waits for another millisecond.
    const wait = Math.max(1, Math.ceil(next.dueAt - performance.now()))
    this.#timer = setTimeout(() => this.#deliver(), wait)
  }

  #deliver(): void {
    const now = performance.now()
    const due = this.#parcels.findIndex(({ dueAt }) => dueAt > now)
    for (const { way, deliver } of this.#parcels.splice(0, due === -1 ? this.#parcels.length : due)) {
      way.underway -= 1
      deliver()
    }
    this.#arm()
  }
}
