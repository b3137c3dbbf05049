/** Which idle connections are believed to work. What happens to one says something of the others, and so does a standstill of the process. */
import type { Clock } from '../base/clock.ts'
import { Heart } from './heart.ts'
import type { HookList } from './hooks.ts'
import type { Lifecycle } from './lifecycle.ts'
import { Losses } from './losses.ts'
import type { Opens } from './opens.ts'
import type { Settings } from './options.ts'
import type { Connection, Slot, Slots } from './slot.ts'
import { idleConnection } from './slot.ts'

/** What trust works with; the pool owns all of it. */
export interface TrustParts<T extends object> {
  readonly clock: Clock
  readonly settings: Settings
  readonly slots: Slots<T>
  readonly hooks: HookList<T>
  readonly opens: Opens
  readonly lifecycle: Lifecycle<T>
}

export class Trust<T extends object> {
  readonly #parts: TrustParts<T>
  readonly #losses = new Losses()
  readonly #heart: Heart
  /** Nothing that is idle for less is due to close. */
  readonly #soonDueMillis: number
  /** What was idle before is to be asked whether it still answers. */
  #doubtedAt = Number.NEGATIVE_INFINITY
  /** What was asked something before is too: its answer may have come with the end of its session right behind it. */
  #stalledAt = Number.NEGATIVE_INFINITY

  constructor(parts: TrustParts<T>) {
    this.#parts = parts
    const { idleTimeoutMillis, softIdleTimeoutMillis } = parts.settings
    this.#soonDueMillis = Math.min(idleTimeoutMillis, softIdleTimeoutMillis)
    this.#heart = new Heart(parts.clock, {
      beat: (now) => {
        parts.hooks.emit('beat', now)
        return parts.slots.total > 0
      },
      stalled: (now) => {
        this.#stalledAt = now
        this.doubt(now)
      },
    })
  }

  /** There are connections from now on. */
  begin(now: number): void {
    if (this.#parts.slots.total > 0) this.#heart.start(now)
  }

  /** Somebody asks for a connection: the first one after a standstill may come before the timers do. */
  look(now: number): void {
    this.#heart.look(now)
  }

  stop(): void {
    this.#heart.stop()
  }

  /** Whether an idle connection may be lent as it is. */
  isFresh(slot: Slot<T>, now: number): boolean {
    const { prePingMillis } = this.#parts.settings
    const { since } = slot.state
    const idle = now - since
    const isKept = idle < this.#soonDueMillis || !this.#isOverdue(idle)
    const trusted = idle < prePingMillis && since >= this.#doubtedAt && isKept
    const connection = idleConnection(slot)
    // A connection that came to rest in this very moment was just asked, even where every idle one is.
    const answered = (now <= since || trusted) && connection.askedAt >= this.#stalledAt
    return (answered || prePingMillis === Number.POSITIVE_INFINITY) && connection.expiresAt > now
  }

  /** Whether upkeep would have closed a connection that was idle for so long, had it had its turn. */
  #isOverdue(idle: number): boolean {
    const { settings, slots } = this.#parts
    const { idleTimeoutMillis, min, softIdleTimeoutMillis } = settings
    if (idle >= idleTimeoutMillis) return slots.live > min
    return idle >= softIdleTimeoutMillis && slots.counts.idle > min
  }

  /** From now on every connection that is idle is asked before it is lent. */
  doubt(now: number): void {
    this.#doubtedAt = now
  }

  /** A connection is lost. @returns whether it was idle, and closes therefore */
  lost(resource: T, whole: boolean, now: number): boolean {
    const { lifecycle } = this.#parts
    const slot = lifecycle.slotOf(resource)
    if (slot === undefined || slot.state.kind === 'opening' || slot.state.kind === 'closing') return false
    const { connection, kind } = slot.state
    if (kind === 'idle') lifecycle.close(slot, connection, 'lost', now)
    this.#conclude(connection, whole, now)
    return kind === 'idle'
  }

  #conclude(connection: Connection<T>, whole: boolean, now: number): void {
    const { lifecycle, slots } = this.#parts
    let left = 0
    for (const { state } of slots)
      if (state.kind !== 'opening' && state.kind !== 'closing')
        if (state.connection.generation === lifecycle.generation) left += 1
    const outlook = this.#losses.note(connection, lifecycle.generation, left, whole, now)
    if (outlook === 'gone') lifecycle.renew('lost', now)
    else if (outlook === 'doubtful') this.doubt(now)
  }

  /** The server can be reached again. */
  reachable(now: number): void {
    const { lifecycle, opens } = this.#parts
    // Their first packets are lost, and the network would take its time to send them again.
    lifecycle.callOffAll()
    opens.forgive()
    this.doubt(now)
  }
}
