/** The engine: callers on one side, slots on the other, and one synchronous pump where they meet. It knows no SQL. */
import { Alarm } from '../base/alarm.ts'
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import type { PoolNumbers } from '../base/errors.ts'
import { readMillis } from '../base/options.ts'
import { Agents } from './agents.ts'
import type { BudgetView } from './budget.ts'
import { Callers } from './callers.ts'
import type { CloseReason, Driver } from './driver.ts'
import type { EndOptions } from './ending.ts'
import { Ending } from './ending.ts'
import type { Hooks } from './hooks.ts'
import { HookList } from './hooks.ts'
import { Leaks } from './leaks.ts'
import type { Lender } from './lease.ts'
import { Lease } from './lease.ts'
import { Lifecycle } from './lifecycle.ts'
import { Opens } from './opens.ts'
import { Operations } from './operations.ts'
import type { AcquireOptions, PoolOptions, PoolSurroundings, RequestOptions, Settings } from './options.ts'
import { capacityOf, checkAcquire, levelOf, readPoolOptions, readSize } from './options.ts'
import { leaseTakenAway } from './refusals.ts'
import { Sharing } from './sharing.ts'
import type { Slot } from './slot.ts'
import { idleConnection, Slots } from './slot.ts'
import type { ConnectionRow, PoolStats, QueueRow } from './stats.ts'
import { describeSlot, Tally, takeStats } from './stats.ts'
import { Supply } from './supply.ts'
import { Trust } from './trust.ts'
import { Upkeep } from './upkeep.ts'
import type { Settle, Taker } from './waiter.ts'
import { Waiter } from './waiter.ts'

type Mode = PoolStats['state']

const NO_WISHES: AcquireOptions = Object.freeze({})

/** A pool of whatever its driver opens. */
export class Pool<T extends object> {
  readonly #clock: Clock
  readonly #settings: Settings
  readonly #driver: Driver<T>
  readonly #slots: Slots<T>
  readonly #callers: Callers<T>
  readonly #opens: Opens
  readonly #alarm: Alarm
  readonly #leaks: Leaks<T> | undefined
  readonly #hooks = new HookList<T>()
  readonly #tally = new Tally()
  readonly #lifecycle: Lifecycle<T>
  readonly #ending: Ending<T>
  readonly #supply: Supply<T>
  readonly #trust: Trust<T>
  readonly #upkeep: Upkeep<T>
  /** For those who let many callers use one connection. */
  readonly sharing: Sharing<T>
  /** For those who run what callers ask for. */
  readonly operations: Operations<T>
  readonly #lender: Lender<T> = {
    release: (lease, error) => this.#release(lease, error),
    cancel: (lease) => this.#release(lease, undefined, true),
  }
  readonly #madeAt: number
  #mode: Mode = 'running'
  #pumping = false
  #again = false

  /** @throws SLUICE_BAD_OPTION */
  constructor(driver: Driver<T>, options: PoolOptions = {}, surroundings: PoolSurroundings = {}) {
    const { clock = systemClock, random = Math.random } = surroundings
    this.#clock = clock
    this.#madeAt = clock.now()
    this.#settings = readPoolOptions(options)
    this.#driver = driver
    const agents = this.#settings.agents && new Agents(this.#settings.agents)
    this.#slots = new Slots<T>(agents)
    this.#opens = new Opens(random)
    this.#alarm = new Alarm(clock, () => this.#look(), !this.#settings.allowExitOnIdle)
    const changed = (now: number) => this.#pump(now)
    const parts = {
      driver,
      clock,
      random,
      settings: this.#settings,
      slots: this.#slots,
      opens: this.#opens,
      hooks: this.#hooks,
      tally: this.#tally,
      agents,
    }
    if (this.#settings.leakDetectionMillis > 0) this.#leaks = new Leaks<T>(parts)
    this.#callers = new Callers<T>(parts, () => this.#pump(clock.now()))
    this.#lifecycle = new Lifecycle<T>(parts, {
      numbers: () => this.numbers(),
      changed,
      openFailed: (error, now) => this.#openFailed(error, now),
      parked: (connection, now) => this.#upkeep.parked(connection, now),
    })
    const sides = { ...parts, callers: this.#callers, lifecycle: this.#lifecycle }
    this.#ending = new Ending<T>({ ...sides, changed })
    this.#supply = new Supply<T>({
      ...sides,
      alarm: this.#alarm,
      mode: () => this.#mode,
      changed,
    })
    this.#trust = new Trust<T>(sides)
    this.#upkeep = new Upkeep<T>({ ...sides, alarm: this.#alarm })
    this.operations = new Operations(this.#hooks, clock)
    this.sharing = new Sharing<T>({ ...sides, supply: this.#supply, mode: () => this.#mode })
    // Not in this turn: nothing should reach the network before the caller has attached its listeners.
    if (this.#settings.min > 0) this.#alarm.by(clock.now(), clock.now())
  }

  /** Tells `hooks` what happens from now on. Returns the way to detach. */
  attach(hooks: Hooks<T>): () => void {
    return this.#hooks.attach(hooks)
  }

  /**
   * Borrows a connection.
   * @throws SLUICE_ACQUIRE_TIMEOUT, SLUICE_OPEN_FAILED or SLUICE_OPEN_TIMEOUT when the wait is over (pool full, or server out
   * of reach); SLUICE_QUEUE_FULL, SLUICE_SHED, SLUICE_ABORTED, SLUICE_POOL_ENDED; the driver's own error while no open has
   * ever succeeded and trying again will not help
   */
  acquire(options: AcquireOptions = NO_WISHES): Promise<Lease<T>> {
    return new Promise((resolve, reject) => {
      this.request(options, (error, lease) => (lease === undefined ? reject(error) : resolve(lease)))
    })
  }

  /** As `acquire`, for callers who make their own promises: `settle` is called exactly once, in this turn where a connection is free. */
  request(options: RequestOptions, settle: Settle<T>): void {
    const level = levelOf(options.priority, this.#settings.priorityLevels)
    checkAcquire(options)
    const now = this.#clock.now()
    this.#trust.look(now)
    const { agent, use = 'exclusive', longLived = false } = options
    const holding = longLived ? undefined : this.#leaks?.ask()
    const slot = this.#slots.idle.last
    const free =
      slot !== undefined &&
      this.#callers.size === 0 &&
      this.#mode === 'running' &&
      this.#trust.isFresh(slot, now)
    if (free && this.#callers.mayHave(agent, use) && options.signal?.aborted !== true)
      this.#lend(slot, { agent, since: now, settle, use, longLived, holding }, now)
    else this.#wait(new Waiter<T>(level, agent, now, settle, use, holding, longLived), options, now)
  }

  #wait(waiter: Waiter<T>, options: RequestOptions, now: number): void {
    const { holding } = waiter
    const mode = this.#mode
    if (mode === 'draining' || mode === 'ending' || mode === 'ended')
      return this.#callers.turnAway(waiter, mode)
    const ready = mode === 'paused' ? 0 : this.#slots.counts.idle
    const { place } = this.#supply
    const isAlone = this.#settings.budget === undefined
    const room = isAlone ? place : this.#supply.room
    const reach = isAlone ? place : this.#supply.reach
    const millis = Math.min(
      options.timeoutMillis ?? Number.POSITIVE_INFINITY,
      this.#settings.acquireTimeoutMillis,
    )
    if (options.timeoutMillis !== undefined && options.isDeadline !== false) waiter.ownMillis = millis
    const refusal = this.#callers.refusal(waiter, options.signal, Math.max(0, reach) + ready)
    if (refusal !== undefined) return this.#callers.reject(waiter, refusal)
    if (holding !== undefined && room <= 0) waiter.hint = this.#leaks?.waits(holding)
    this.#callers.add(waiter, millis, options.signal)
    // In a full pool a newcomer changes nothing: whatever frees a slot pumps.
    if (place > 0 || this.#slots.counts.idle > 0) this.#pump(now)
  }

  // The pump -----------------------------------------------------------------------------------------------------------

  /** Brings waiters and slots together, starts the opens that are needed, lets go what is too much. Runs after every change. */
  #pump(now: number): void {
    this.#again = true
    if (this.#pumping) return
    this.#pumping = true
    try {
      while (this.#again) {
        this.#again = false
        if (this.#callers.servable > 0 && this.#mode !== 'paused') this.#serve(now)
        this.#startOpens(now)
        if (this.#callers.size > 0) this.#supply.lookAgain(now)
        if (this.#callers.servable === 0 && this.#slots.counts.idle > 0) this.#supply.relieved()
        this.#letGo(now)
      }
    } finally {
      this.#pumping = false
    }
    if (this.#ending.notice() && this.#mode !== 'ended') this.#ended(now)
    if (this.#settings.budget !== undefined) this.#supply.settle(now)
  }

  #serve(now: number): void {
    for (
      let slot = this.#slots.idle.last;
      slot !== undefined && this.#callers.servable > 0;
      slot = this.#slots.idle.last
    ) {
      const connection = idleConnection(slot)
      // The pool was made smaller: handing on what comes back would keep it large for as long as callers queue.
      if (this.#slots.live > capacityOf(this.#settings))
        this.#lifecycle.close(slot, connection, 'above-max', now)
      else if (this.#settings.budget !== undefined && this.#supply.owes(now))
        this.#lifecycle.close(slot, connection, 'yielded', now)
      else if (this.#trust.isFresh(slot, now)) this.#lend(slot, this.#callers.take(now) as Waiter<T>, now)
      else if (connection.expiresAt <= now) this.#lifecycle.close(slot, connection, 'lifetime', now)
      else if (this.#callers.demand > this.#callers.promptChecks) this.#lifecycle.ping(slot, connection, now)
      else return
    }
  }

  #lend(slot: Slot<T>, taker: Taker<T>, now: number): void {
    const { agent, since, settle, holding, use, longLived } = taker
    const connection = idleConnection(slot)
    const lease = new Lease<T>(this.#lender, slot, connection, now, agent, use)
    lease.longLived = longLived
    this.#slots.move(slot, lease)
    connection.askedAt = now
    this.#tally.acquired += 1
    if (connection.uses++ > 0) this.#tally.reused += 1
    this.#tally.wait.record(now - since)
    // A shared connection is nobody's to leak.
    if (holding !== undefined) {
      if (use === 'shared') holding.over = true
      else this.#leaks?.watch(holding, lease)
    }
    this.#hooks.emit('acquired', lease, now - since)
    if (lease.released) settle(leaseTakenAway(), undefined)
    else settle(undefined, lease)
  }

  #startOpens(now: number): void {
    const ending = this.#mode === 'ending' || this.#mode === 'ended'
    const missing = ending ? 0 : this.#settings.min - this.#slots.live
    if (missing <= 0 && this.#callers.size === 0) return this.#supply.rest()
    this.#supply.open(this.#mode !== 'paused', missing, now)
    this.#trust.begin(now)
  }

  /** Closes idle connections that the pool should not keep: all of them when it ends, else the ones above `max`. */
  #letGo(now: number): void {
    const ending = this.#mode === 'ending' || this.#mode === 'ended'
    const keep = ending ? 0 : this.#settings.max
    let slot = this.#slots.idle.first
    while (slot !== undefined && this.#slots.live > keep) {
      this.#lifecycle.close(slot, idleConnection(slot), ending ? 'ended' : 'above-max', now)
      slot = this.#slots.idle.first
    }
  }

  // What the lifecycle tells -------------------------------------------------------------------------------------------

  #openFailed(error: unknown, now: number): void {
    const hopeless =
      this.#ending.promise !== undefined ||
      (!this.#opens.succeeded && this.#driver.openFault(error) === 'permanent')
    if (hopeless && this.#callers.size > 0) {
      // They are told; whoever comes next, perhaps one of them, deserves an answer of its own, at once.
      this.#opens.forgive()
      this.#ending.callOffOpens(this.#slots.counts.opening)
      this.#callers.rejectAll(error)
    }
    this.#pump(now)
  }

  #release(lease: Lease<T>, error: unknown, cancel = false): void {
    if (!lease.finish()) return
    const now = this.#clock.now()
    const held = now - lease.since
    this.#tally.lease.record(held)
    if (lease.kind === 'leased') this.#supply.leased(held)
    this.#leaks?.unwatch(lease, held)
    this.#hooks.emit('released', lease, error, held)
    if (cancel) this.#lifecycle.cancel(lease, now)
    else this.#lifecycle.takeBack(lease, error, now)
    this.#pump(now)
  }

  /**
   * Takes note that a connection is lost. An idle one closes; whoever has another will find out. What it says of the others
   * depends: they are asked before their next use, or all replaced where many go at once, or the server itself goes.
   * @param whole the server has said that it is going down
   * @returns whether it was idle
   */
  lost(resource: T, whole = false): boolean {
    const now = this.#clock.now()
    const wasIdle = this.#trust.lost(resource, whole, now)
    this.#pump(now)
    return wasIdle
  }

  /**
   * Takes a connection back from its holder and closes it: `error` is what the holder is told from then on.
   * @returns whether it was lent
   */
  revoke(resource: T, reason: CloseReason, error: Error): boolean {
    const slot = this.#lifecycle.slotOf(resource)
    const lease = slot?.state
    if (slot === undefined || !(lease instanceof Lease) || lease.kind !== 'leased') return false
    const now = this.#clock.now()
    lease.revoked = error
    this.#leaks?.unwatch(lease, now - lease.since)
    this.#lifecycle.close(slot, lease.connection, reason, now)
    this.#pump(now)
    return true
  }

  /** From now on every connection that is idle is asked whether it still answers before it is lent. */
  doubt(): void {
    this.#trust.doubt(this.#clock.now())
  }

  /** The server can be reached again: opens that began before are begun anew, without waiting for a back-off. */
  reachable(): void {
    const now = this.#clock.now()
    this.#trust.reachable(now)
    this.#pump(now)
  }

  // Upkeep -------------------------------------------------------------------------------------------------------------

  #look(): void {
    const now = this.#clock.now()
    this.#upkeep.look(now)
    this.#pump(now)
  }

  // Verbs --------------------------------------------------------------------------------------------------------------

  /** Changes the size at run time. Idle connections above a smaller `max` close now, lent ones when they come back. @throws SLUICE_BAD_OPTION */
  resize(size: { max?: number | undefined; min?: number | undefined }): void {
    const { max, min } = readSize(size, this.#settings)
    this.#supply.check({ max, min })
    this.#settings.max = max
    this.#settings.min = min
    this.#look()
  }

  /** Replaces every connection: idle ones close now, lent ones when they come back; opens under way are called off. */
  clear(): void {
    const now = this.#clock.now()
    this.#lifecycle.renew('cleared', now)
    this.#lifecycle.callOffAll()
    this.#pump(now)
  }

  /** Serves nobody until `resume()`; callers wait, within their deadlines. */
  pause(): void {
    if (this.#mode === 'running') this.#mode = 'paused'
  }

  /** Takes `pause()` or `drain()` back. */
  resume(): void {
    if (this.#mode !== 'paused' && this.#mode !== 'draining') return
    this.#mode = 'running'
    this.#pump(this.#clock.now())
  }

  /**
   * Takes no new callers, and serves the ones it has. Resolves with true when the last connection has come back, but for
   * those that are `longLived`; with false after `timeoutMillis` (default `endTimeoutMillis`). `resume()` opens the pool again.
   * @throws SLUICE_BAD_OPTION
   */
  drain(timeoutMillis: number = this.#settings.endTimeoutMillis): Promise<boolean> {
    readMillis({ timeoutMillis }, 'timeoutMillis')
    if (this.#mode === 'running' || this.#mode === 'paused') this.#mode = 'draining'
    const rested = this.#ending.rest(timeoutMillis)
    this.#pump(this.#clock.now())
    return rested
  }

  /**
   * Ends the pool for good. Callers with a connection on its way are served, the others rejected; lent connections close when
   * they come back, or when the time is up. Resolves when the last one is closed. Idempotent; a second call can only shorten
   * the time.
   * @throws SLUICE_BAD_OPTION
   */
  end({ timeoutMillis = this.#settings.endTimeoutMillis }: EndOptions = {}): Promise<void> {
    readMillis({ timeoutMillis }, 'timeoutMillis')
    let ended = this.#ending.promise
    if (ended === undefined) {
      this.#mode = 'ending'
      this.#alarm.stop()
      ended = this.#ending.begin(this.#supply.room)
    }
    if (this.#mode === 'ending') this.#ending.cutOffIn(timeoutMillis)
    this.#pump(this.#clock.now())
    return ended
  }

  #ended(now: number): void {
    this.#mode = 'ended'
    this.#supply.leave(now)
    this.#callers.stop()
    this.#alarm.stop()
    this.#trust.stop()
    this.#leaks?.stop()
    this.#hooks.emit('ended')
    this.#ending.finish()
  }

  // Questions ----------------------------------------------------------------------------------------------------------

  /** Callers who wait with no connection on its way for them. */
  get unserved(): number {
    return this.#callers.unserved
  }

  /** Opens that callers need and for which there is room, but which start a moment later, because opens are paced. */
  get planned(): number {
    return Math.max(0, Math.min(this.#supply.unmet, this.#supply.room))
  }

  /** The budget that this pool shares with others, as it sees it; undefined without one. */
  get budget(): BudgetView | undefined {
    return this.#supply.budget
  }

  /** The slots by state, and who waits. */
  numbers(): PoolNumbers {
    return this.#callers.numbers()
  }

  /** One immutable picture of the pool. */
  stats(): PoolStats {
    const now = this.#clock.now()
    return takeStats(this.#settings, this.#tally, {
      numbers: this.numbers(),
      total: this.#slots.total,
      state: this.#mode,
      generation: this.#lifecycle.generation,
      waitingByPriority: this.#callers.sizes,
      overloaded: this.#callers.isStanding,
      oldestWaitMillis: now - (this.#callers.oldestSince ?? now),
      waitShare: this.#callers.waitShare(now),
      ageMillis: now - this.#madeAt,
      lastOpenFailure: this.#opens.lastFailure(now),
      budget: this.#supply.budget,
    })
  }

  /** Who waits: one row an agent and priority, the most urgent first. Takes time with the number of agents, not of callers. */
  queue(): readonly QueueRow[] {
    const now = this.#clock.now()
    return this.#callers
      .queues()
      .map(({ agent, level, since, waiting }) =>
        Object.freeze({ priority: level + 1, agent, waiting, oldestMillis: now - since }),
      )
  }

  /** One row a slot. */
  connections(): readonly (ConnectionRow & { readonly resource: T | undefined })[] {
    const now = this.#clock.now()
    return [...this.#slots].map((slot) => describeSlot(slot, now))
  }

  /** Lent connections that are past their lifetime: they close when they come back. */
  get expired(): number {
    const now = this.#clock.now()
    return [...this.#slots].filter(
      ({ state }) => state.kind === 'leased' && state.connection.expiresAt <= now,
    ).length
  }
}
