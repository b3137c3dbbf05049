/** The callers who wait: let in or turned away, ended exactly once by a lease, their deadline, their signal or the pool's end. */
import { onAbort } from '../base/aborts.ts'
import type { Clock } from '../base/clock.ts'
import { Deadlines } from '../base/deadlines.ts'
import type { PoolNumbers } from '../base/errors.ts'
import { SluiceError } from '../base/errors.ts'
import type { Agents } from './agents.ts'
import type { HookList } from './hooks.ts'
import { Lines } from './lines.ts'
import type { Opens } from './opens.ts'
import type { Settings } from './options.ts'
import { capacityOf } from './options.ts'
import type { Verdict } from './overload.ts'
import { judgeNewcomer, Throughput } from './overload.ts'
import type { Scene } from './refusals.ts'
import {
  waiterAborted,
  waiterEnded,
  waiterLate,
  waiterRefused,
  waiterShed,
  waiterTimeout,
} from './refusals.ts'
import type { SlotKind, Slots, Use } from './slot.ts'
import type { Tally } from './stats.ts'
import type { Waiter } from './waiter.ts'
import type { Queue } from './waiters.ts'

/** What the callers' side works with; the pool owns all of it. */
export interface CallersParts<T> {
  readonly clock: Clock
  readonly settings: Settings
  readonly slots: Slots<T>
  readonly opens: Opens
  readonly hooks: HookList<T>
  readonly tally: Tally
  /** The accounts of agents, where they are bounded. */
  readonly agents: Agents | undefined
}

/** How long callers are left waiting for a connection that is being checked before another one is checked or opened for them. */
export const CHECK_PATIENCE_MILLIS = 100

/** The same for a connection that is being opened: a handshake over TLS takes tenths of a second at the other end of the world. */
export const OPEN_PATIENCE_MILLIS = 1_000

export class Callers<T> {
  readonly #parts: CallersParts<T>
  readonly #left: () => void
  readonly #queue: Lines<T>
  readonly #deadlines: Deadlines<Waiter<T>>
  readonly #throughput = new Throughput()

  /** @param left called when a waiter has left by itself */
  constructor(parts: CallersParts<T>, left: () => void) {
    this.#parts = parts
    this.#left = left
    const { agents, settings } = parts
    this.#queue = new Lines(settings, (agent) => agents?.fullness(agent) === undefined)
    if (agents !== undefined) agents.onFull = (agent, isFull) => this.#queue.park(agent, isFull)
    this.#deadlines = new Deadlines(parts.clock, (waiter) => this.#expire(waiter))
  }

  get size(): number {
    return this.#queue.size
  }

  get sizes(): number[] {
    return this.#queue.sizes
  }

  /** Who waits, by level and agent. */
  queues(): readonly Queue[] {
    return this.#queue.queues()
  }

  get oldestSince(): number | undefined {
    return this.#queue.oldestSince
  }

  /** The largest part of its deadline that anybody who waits has used up. */
  waitShare(now: number): number {
    return this.#deadlines.share(now)
  }

  /** Callers who wait and could take a connection that becomes free now. */
  get servable(): number {
    return this.#whole + this.#queue.shared.size
  }

  /** Callers who wait for a connection of their own and may have one. */
  get #whole(): number {
    const { exclusive, limited } = this.#queue
    const { agents } = this.#parts
    if (agents === undefined && limited.size === 0) return exclusive.size
    const excess = agents?.excess ?? NO_EXCESS
    return exclusive.size - excess.exclusive + Math.min(limited.size - excess.limited, this.limitedRoom)
  }

  /** Whether any queue stands: see overload.ts. */
  get isStanding(): boolean {
    return this.#queue.isStanding
  }

  /** Whether this caller could take a connection that is idle, if nobody waited. */
  mayHave(agent: string | undefined, use: Use): boolean {
    const { agents } = this.#parts
    if (use === 'shared') return true
    return (use !== 'limited' || this.limitedRoom > 0) && agents?.fullness(agent) === undefined
  }

  /** How many more slots may be held by those who may only hold a share of the pool. */
  get limitedRoom(): number {
    const { settings, slots } = this.#parts
    return Math.max(0, limitedMost(settings) - slots.limited)
  }

  get sharing(): number {
    return this.#queue.shared.size
  }

  /** Connections that would serve everybody who may be served. */
  get demand(): number {
    return this.#whole + Math.ceil(this.#queue.shared.size / this.#parts.settings.sharedDepth)
  }

  /**
   * Shared connections that should be given back, because somebody who waits for a whole one has its turn before those who
   * wait to share, and none is on its way.
   */
  get wholeWanted(): number {
    const whole = this.#whole
    if (whole === 0) return 0
    if (!this.#queue.wholeFirst(this.#parts.clock.now(), this.limitedRoom > 0)) return 0
    return Math.max(0, whole - this.promptOpens - this.promptChecks)
  }

  /** Callers for whom no connection is on its way. */
  get unserved(): number {
    return Math.max(0, this.#queue.size - this.promptOpens - this.promptChecks)
  }

  /** Opens that can still be expected to bring a connection at any moment. */
  get promptOpens(): number {
    return this.#parts.slots.counts.opening === 0 ? 0 : this.#younger('opening', OPEN_PATIENCE_MILLIS)
  }

  /** Checks from which an answer can still be expected at any moment. */
  get promptChecks(): number {
    return this.#parts.slots.counts.checking === 0 ? 0 : this.#younger('checking', CHECK_PATIENCE_MILLIS)
  }

  #younger(kind: SlotKind, millis: number): number {
    const { clock, slots } = this.#parts
    const since = clock.now() - millis
    let count = 0
    for (const { state } of slots) if (state.kind === kind && state.since > since) count += 1
    return count
  }

  /** Lets a caller wait, `millis` at most. */
  add(waiter: Waiter<T>, millis: number, signal: AbortSignal | undefined): void {
    if (this.#whole === 0) this.#throughput.interrupt()
    this.#queue.add(waiter)
    this.#parts.agents?.waits(waiter.agent, waiter.use, 1)
    waiter.deadline = this.#deadlines.add(waiter, millis, waiter.since)
    if (signal !== undefined) waiter.stopListening = onAbort(signal, () => this.#abort(waiter, signal.reason))
  }

  /** Takes the caller whose turn it is; a lease will end it. */
  take(now: number): Waiter<T> | undefined {
    const waiter = this.#taken(this.#queue.take(now, this.#queue.limited.size > 0 && this.limitedRoom > 0))
    if (waiter !== undefined && waiter.use !== 'shared') {
      const { slots } = this.#parts
      this.#throughput.served(now, slots.live - slots.counts.opening)
      if (this.#whole === 0) this.#throughput.interrupt()
    }
    return waiter
  }

  /** Takes the next caller who waits to share a connection. */
  takeShared(now: number): Waiter<T> | undefined {
    return this.#taken(this.#queue.shared.take(now))
  }

  #taken(waiter: Waiter<T> | undefined): Waiter<T> | undefined {
    if (waiter !== undefined) this.#gone(waiter)
    return waiter
  }

  /**
   * Why this caller may not even wait, where that is so. In a full queue it may take the place of somebody less urgent.
   * @param room connections that waiting callers will get without anyone giving one back: idle ones, and slots that can still be taken
   */
  refusal(waiter: Waiter<T>, signal: AbortSignal | undefined, room: number): SluiceError | undefined {
    const { settings, tally } = this.#parts
    if (signal?.aborted === true) {
      tally.aborted += 1
      return waiterAborted(this.#scene(waiter), signal.reason)
    }
    const late = room > 0 ? undefined : this.#late(waiter)
    if (late !== undefined) {
      tally.shed += 1
      return waiterLate(this.#scene(waiter), late, waiter.ownMillis as number)
    }
    const { queueLimit, rejectOnFull } = settings
    if (!this.#isFull(waiter, room)) return undefined
    tally.rejected += 1
    const shed = rejectOnFull ? undefined : this.#queue.evict(waiter.level)
    if (shed === undefined) return waiterRefused(this.#scene(waiter), queueLimit)
    this.#gone(shed)
    this.reject(shed, waiterShed(this.#scene(shed), queueLimit))
    return undefined
  }

  /**
   * Why this caller's turn would come too late, where it has a deadline of its own and that is certain: every slot is in use,
   * none is on its way, and those who wait for a whole connection have been served at a known pace.
   */
  #late(waiter: Waiter<T>): Verdict | undefined {
    const { agents, clock, opens, slots } = this.#parts
    const { ownMillis, use } = waiter
    if (ownMillis === undefined || use === 'shared' || this.#queue[use].size === 0) return undefined
    if (slots.counts.opening > 0 || opens.failures > 0) return undefined
    const perMilli = this.#throughput.perMilli(clock.now())
    if (perMilli === undefined) return undefined
    const ahead = this.#queue[use].ahead(waiter)
    const urgent = Math.max(0, ahead.urgent - (agents?.excess[use] ?? 0))
    return judgeNewcomer({ ...ahead, urgent }, perMilli, ownMillis, this.#queue[use].isStanding)
  }

  /**
   * Those who wait for their share to be free again must not keep others from a connection that they cannot take themselves,
   * and those whose agents may have no more must not keep others out of the queue either.
   */
  #isFull({ agent, use }: Waiter<T>, room: number): boolean {
    const { agents, settings } = this.#parts
    if (this.size < settings.queueLimit) return false
    const { servable } = this
    const competing = Math.max(0, servable - this.promptOpens - this.promptChecks)
    const mayHave = use !== 'limited' || this.#queue.limited.size < this.limitedRoom
    const isBeyond = use !== 'shared' && agents !== undefined && agents.roomBeyond(agent) <= 0
    if (mayHave && !isBeyond && competing < room) return false
    const { exclusive, limited } = (isBeyond ? undefined : agents?.excess) ?? NO_EXCESS
    const aside = this.size - servable - exclusive - limited
    return aside + Math.max(0, competing - room) >= settings.queueLimit
  }

  /** Ends a waiter that is not in the queue. */
  reject(waiter: Waiter<T>, error: unknown): void {
    this.#disarm(waiter)
    if (waiter.holding !== undefined) waiter.holding.over = true
    const { clock, hooks } = this.#parts
    if (SluiceError.is(error)) hooks.emit('rejected', error, clock.now() - waiter.since)
    waiter.settle(error, undefined)
  }

  /** Ends a waiter that is not in the queue, because the pool takes no callers. */
  turnAway(waiter: Waiter<T>, mode: 'draining' | 'ending' | 'ended'): void {
    this.reject(waiter, waiterEnded(this.#scene(waiter), mode))
  }

  /** Ends all waiters but `keep`, the youngest of the lowest priority first. */
  endAllBut(keep: number): void {
    for (const waiter of this.#takeOut(keep)) this.turnAway(waiter, 'ending')
  }

  /** Ends all waiters with one error. */
  rejectAll(error: unknown): void {
    for (const waiter of this.#takeOut(0)) this.reject(waiter, error)
  }

  /** Takes all but `keep` out before anybody is told, because who is told may ask again in the same turn. */
  #takeOut(keep: number): Waiter<T>[] {
    const out: Waiter<T>[] = []
    while (this.#queue.size > keep) {
      const waiter = this.#queue.evict() as Waiter<T>
      this.#gone(waiter)
      out.push(waiter)
    }
    return out
  }

  /** Forgets the timer. Nobody waits any more. */
  stop(): void {
    this.#deadlines.clear()
  }

  #expire(waiter: Waiter<T>): void {
    this.#parts.tally.timeouts += 1
    this.#dropOut(waiter, waiterTimeout)
  }

  #abort(waiter: Waiter<T>, reason: unknown): void {
    this.#parts.tally.aborted += 1
    this.#dropOut(waiter, (scene) => waiterAborted(scene, reason))
  }

  #dropOut(waiter: Waiter<T>, error: (scene: Scene) => SluiceError): void {
    if (!this.#queue.remove(waiter)) throw new Error('BUG: a waiter ends that does not wait any more')
    this.#gone(waiter)
    this.reject(waiter, error(this.#scene(waiter)))
    this.#left()
  }

  /** It has left the queue. */
  #gone(waiter: Waiter<T>): void {
    this.#parts.agents?.waits(waiter.agent, waiter.use, -1)
    this.#disarm(waiter)
  }

  #disarm(waiter: Waiter<T>): void {
    if (waiter.deadline !== undefined) this.#deadlines.remove(waiter.deadline)
    waiter.stopListening?.()
  }

  numbers(): PoolNumbers {
    const { settings, slots } = this.#parts
    return Object.freeze({ max: settings.max, ...slots.counts, waiting: this.#queue.size })
  }

  #fullness(agent: string | undefined): Scene['full'] {
    const full = this.#parts.agents?.fullness(agent)
    return full && { agent: agent as string, held: full.held, max: full.max }
  }

  /** The budget, where that is what keeps the pool from opening another connection. */
  get #spent(): Scene['budget'] {
    const { settings, slots } = this.#parts
    const { budget } = settings
    if (budget === undefined || budget.room > 0 || slots.total >= capacityOf(settings)) return undefined
    return { max: budget.max, others: budget.max - slots.total }
  }

  /** The pool as this caller leaves it. */
  #scene(waiter: Waiter<T>): Scene {
    const { clock, opens, settings, slots } = this.#parts
    const now = clock.now()
    const longest = slots.longestLease
    return {
      numbers: this.numbers(),
      waitedMillis: now - waiter.since,
      capacity: capacityOf(settings),
      openFailures: opens.failures,
      lastOpenFailure: opens.lastFailure(now),
      lastOpenError: opens.lastError,
      longestLease: longest && { millis: now - longest.since, agent: longest.agent },
      full: waiter.use === 'shared' ? undefined : this.#fullness(waiter.agent),
      budget: this.#spent,
      hint: waiter.hint,
    }
  }
}

const NO_EXCESS = Object.freeze({ exclusive: 0, limited: 0 })

/** So many slots may be held by those who may only hold a share. A pool of one cannot be shared out: they have it in turns. */
function limitedMost({ max, limitedShare }: Settings): number {
  // 0.29 of 100 is 28.999… in binary.
  return Math.max(1, Math.floor(max * limitedShare + 1e-9))
}
