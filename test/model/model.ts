// Plays a scenario on a pool and on a model of it, and compares the two after every step.
import { CHECK_PATIENCE_MILLIS } from '../../src/core/callers.ts'
import type { Lease } from '../../src/core/lease.ts'
import { RELEASED_TWICE } from '../../src/core/lease.ts'
import { levelOf } from '../../src/core/options.ts'
import type { ConnectionRow, PoolStats } from '../../src/core/stats.ts'
import type { FakeConnection, FakePool } from '../support/fake-driver.ts'
import { fakePool, permanentError } from '../support/fake-driver.ts'
import { settle } from '../support/manual-clock.ts'
import { randomOf } from '../support/random.ts'
import type { Caller } from './caller.ts'
import { judgeRefusal } from './caller.ts'
import type { Action, Command, Scenario } from './commands.ts'
import type { Counts } from './invariants.ts'
import { broken } from './invariants.ts'
import type { OrderRules } from './order.ts'
import { Orders } from './order.ts'
import { promptOf, Share } from './share.ts'

export class PoolModel {
  readonly #house: FakePool
  readonly #scenario: Scenario
  readonly #order: Orders<Caller>
  readonly #share: Share
  readonly #callers: Caller[] = []
  readonly #held = new Set<Caller>()
  /** Connections older than the last clear(), or than the loss of their server. */
  readonly #cleared = new Set<FakeConnection>()
  readonly #returned: Lease<FakeConnection>[] = []
  readonly #problems: string[] = []
  readonly #drains: { done: boolean }[] = []
  readonly #count: Counts = {
    acquired: 0,
    timeouts: 0,
    aborted: 0,
    rejected: 0,
    shed: 0,
    opened: 0,
    openFailures: 0,
    closed: 0,
  }
  #mode: PoolStats['state'] = 'running'
  #max: number
  #min: number
  /** What total may be at most: the size, or what a larger one has left behind. */
  #most: number
  #acquiring: Caller | undefined
  /** The shared lease that somebody is let onto right now. */
  #admitting: Lease<FakeConnection> | undefined
  /** Somebody was, just now. */
  #joined = false
  #growing = false
  #shortSince: number | undefined
  /** Time has jumped and no timer has fired since. */
  #frozen = false
  #forcedAt = Number.POSITIVE_INFINITY
  #ended = false

  constructor(scenario: Scenario) {
    const { options, honoursAbort, seed } = scenario
    this.#scenario = scenario
    this.#house = fakePool(options, randomOf(seed))
    const { agents, ageMillis = 1_000, fifo = false, limitedShare: part, sharedDepth: depth } = options
    this.#max = options.max
    const max = () => this.#max
    const rules: OrderRules = {
      fifo,
      ageMillis,
      weight: agents?.weight,
      get max() {
        return max()
      },
    }
    this.#order = new Orders(rules)
    this.#share = new Share(options.max, rules, { agents: agents?.max, depth, part })
    this.#min = options.min ?? 0
    this.#most = this.#capacity
    const { driver, pool } = this.#house
    driver.honoursAbort = honoursAbort
    driver.bound = () => {
      this.#noteOpen()
      return this.#capacity + pool.stats().lost
    }
    pool.attach({
      acquired: (lease) => this.#noteLent(lease),
      leaked: ({ kind }) => this.#expect(kind === 'leased', 'a shared connection is reported as leaked'),
      opened: () => this.#count.opened++,
      openFailed: () => this.#count.openFailures++,
      closed: () => this.#count.closed++,
      ended: () => this.#endedOnce(),
    })
  }

  /** Plays all commands, then ends the pool. @throws with everything that was wrong */
  async play(): Promise<void> {
    for (const [index, command] of this.#scenario.commands.entries()) {
      await this.#step(command)
      this.#check(`after command ${index} (${JSON.stringify(command)})`)
    }
    await this.#finish()
  }

  async #step({ action, until }: Command): Promise<void> {
    await this.#act(action)
    if (until === 'settled') await settle()
    if (until === 'microtask') await Promise.resolve()
  }

  async #act(action: Action): Promise<void> {
    const { clock, driver, pool } = this.#house
    switch (action.do) {
      case 'nothing':
        return
      case 'acquire':
        return this.#acquire(action)
      case 'release':
        return this.#release(pick([...this.#held], action.who), action.how)
      case 'admit':
        return this.#admit(pick([...this.#held].filter(isSharing), action.who)?.lease, action.most)
      case 'grow':
        return this.#grow()
      case 'release again':
        return this.#releaseAgain(pick(this.#returned, action.who))
      case 'abort':
        return pick(
          this.#callers.filter(({ abort }) => abort !== undefined && !abort.signal.aborted),
          action.who,
        )?.abort?.abort(new Error('changed my mind'))
      case 'script':
        return driver.next(
          action.operation,
          ...action.outcomes.map((word) => (word === 'permanent' ? permanentError('hopeless') : word)),
        )
      case 'verdict':
        return driver.next('settle', { verdict: action.reason })
      case 'plan':
        driver.plan[action.operation] =
          action.outcome === 'permanent' ? permanentError('hopeless') : action.outcome
        return
      case 'heal':
        return driver.heal()
      case 'kill':
        return this.#kill(action.who, action.told)
      case 'resize':
        return this.#resize(action.max, Math.min(action.min, action.max))
      case 'drain':
        return this.#drain()
      case 'clear':
        this.#clear(pool.connections())
        return pool.clear()
      case 'pause':
        if (this.#mode === 'running') this.#mode = 'paused'
        return pool.pause()
      case 'resume':
        if (this.#mode === 'paused' || this.#mode === 'draining') this.#mode = 'running'
        return pool.resume()
      case 'end':
        void this.#end()
        return
      case 'advance':
        await clock.advance(action.millis)
        this.#frozen = false
        return
      case 'jump':
        clock.jump(action.millis)
        this.#frozen ||= action.millis > 0
    }
  }

  // What callers do ----------------------------------------------------------------------------------------------------

  #acquire(how: Action & { do: 'acquire' }): void {
    const { agent, priority, timeout, signal, use } = how
    const { clock, pool } = this.#house
    const { acquireTimeoutMillis = 0 } = this.#scenario.options
    const now = clock.now()
    const abort = signal === 'none' ? undefined : new AbortController()
    if (signal === 'aborted') abort?.abort(new Error('aborted before'))
    const caller: Caller = {
      id: this.#callers.length,
      level: levelOf(priority, 3),
      agent,
      use,
      since: now,
      ownMillis: timeout === undefined ? undefined : Math.min(timeout, acquireTimeoutMillis),
      dueAt: now + Math.min(timeout ?? acquireTimeoutMillis, acquireTimeoutMillis),
      abort,
      answers: 0,
      lease: undefined,
    }
    this.#callers.push(caller)
    this.#order.add(caller)
    const outer = this.#acquiring
    this.#acquiring = caller
    pool.request({ priority, agent, timeoutMillis: timeout, signal: abort?.signal, use }, (error, lease) => {
      this.#answer(caller, error, lease)
      if (how.react === 'admit all' && isSharing(caller)) this.#admit(caller.lease, 100)
      if (how.react === 'release') this.#release(lease && caller, 'plain')
      if (how.react === 'ask again' && lease === undefined) this.#acquire({ ...how, react: 'none' })
    })
    this.#acquiring = outer
    if (signal === 'aborted') this.#expect(caller.answers === 1, 'an aborted caller is refused at once')
    const open = this.#mode === 'running' || this.#mode === 'paused'
    if (!open)
      this.#expect(caller.answers === 1 && caller.lease === undefined, `${this.#mode}, but took a caller`)
  }

  #answer(caller: Caller, error: unknown, lease: Lease<FakeConnection> | undefined): void {
    caller.answers += 1
    this.#expect(caller.answers === 1, `${caller.id} is answered ${caller.answers} times`)
    if (lease === undefined) {
      this.#expect(this.#order.drop(caller), `${caller.id} is refused and does not wait`)
      this.#noteRefused(caller, error)
      return
    }
    if (this.#admitting !== undefined) return this.#join(caller, lease)
    const { clock, pool } = this.#house
    const rows = pool.connections()
    // What its slot was lent for before is over.
    const others = rows.filter(({ id }) => id !== lease.slot.id)
    const { overloaded } = pool.stats()
    const isFull = (agent: string | undefined) => this.#share.room(agent, others) <= 0
    const turn = { now: clock.now(), isFull, overloaded }
    this.#problems.push(...this.#order.serve(caller, turn, this.#share.left(others) > 0))
    this.#order.park((agent) => this.#share.room(agent, rows) <= 0)
    this.#share.lent(lease.slot.id, caller.use)
    this.#expect(
      caller.use !== 'limited' || this.#share.held(rows) <= this.#share.most,
      `${caller.id} is served beyond the share`,
    )
    this.#expect(lease.agent === caller.agent, `${caller.id} has a lease with another agent's name`)
    this.#expect(
      (lease.kind === 'shared') === (caller.use === 'shared') && lease.limited === (caller.use === 'limited'),
      `${caller.id} asked for ${caller.use} and has a lease that is ${lease.kind}`,
    )
    caller.lease = lease
    this.#held.add(caller)
  }

  #join(caller: Caller, lease: Lease<FakeConnection>): void {
    const { clock, pool } = this.#house
    const turn = { now: clock.now(), overloaded: pool.stats().overloaded }
    this.#problems.push(...this.#order.admit(caller, turn))
    this.#expect(
      lease === this.#admitting,
      `${caller.id} joins another connection than the one it is let onto`,
    )
    this.#expect(this.#mode !== 'paused', `${caller.id} joins while the pool is paused`)
    this.#joined = true
  }

  /** Lets so many join, as far as they wait. */
  #admit(lease: Lease<FakeConnection> | undefined, most: number): void {
    if (lease === undefined) return
    for (let n = 0; n < most; n++) {
      const wait = this.#order.all.some(({ use }) => use === 'shared')
      this.#joined = false
      this.#admitting = lease
      const admitted = this.#house.pool.sharing.admit(lease)
      this.#admitting = undefined
      this.#expect(admitted === this.#joined, `admit says ${admitted}, but joined is ${this.#joined}`)
      this.#expect(
        admitted === (wait && this.#mode !== 'paused' && !lease.released),
        `admit says ${admitted} while a sharing one waits: ${wait}`,
      )
      if (!admitted) return
    }
  }

  #grow(): void {
    const { max, idle, opening, total } = this.#house.pool.stats()
    this.#growing = this.#mode === 'running' && idle + opening === 0 && total < max
    this.#house.pool.sharing.grow()
    this.#growing = false
  }

  #noteRefused(caller: Caller, error: unknown): void {
    const { clock, pool } = this.#house
    const rows = pool.connections()
    const { counted, wrong } = judgeRefusal(caller, error, {
      now: clock.now(),
      mode: this.#mode,
      max: this.#max,
      idle: pool.numbers().idle,
      needs: this.#share.needs(this.#order.all, rows, clock.now()),
      shareLeft: this.#share.left(rows),
      agentRoom: this.#share.roomBeyond(caller.agent, this.#order.all, rows),
      checking: rows.filter(
        ({ state, sinceMillis }) => state === 'checking' && sinceMillis < CHECK_PATIENCE_MILLIS,
      ).length,
      frozen: this.#frozen,
      asking: this.#acquiring,
    })
    if (counted !== undefined) this.#count[counted] += 1
    if (wrong !== undefined) this.#problems.push(wrong)
  }

  #release(caller: Caller | undefined, how: 'plain' | 'error' | 'cancel'): void {
    if (caller?.lease === undefined) return
    this.#held.delete(caller)
    if (caller.lease.released) return this.#expectForced(caller)
    this.#returned.push(caller.lease)
    if (how === 'cancel') caller.lease.cancel()
    else caller.lease.release(how === 'error' ? new Error('broken') : undefined)
    this.#expect(caller.lease.released, `${caller.id} has released and still holds`)
  }

  #releaseAgain(lease: Lease<FakeConnection> | undefined): void {
    if (lease === undefined) return
    if (lease.kind === 'shared')
      this.#expect(!this.#house.pool.sharing.admit(lease), 'a lease that is over lets somebody join')
    else
      this.#expect(
        messageOf(() => this.#house.pool.sharing.admit(lease))?.startsWith('BUG: ') === true,
        'it may be joined',
      )
    this.#expect(messageOf(() => lease.release()) === RELEASED_TWICE, 'a second release does not throw')
    this.#expect(messageOf(() => lease.cancel()) === RELEASED_TWICE, 'a cancel after release does not throw')
    this.#expect(messageOf(() => lease.resource) !== undefined, 'a lease that is over gives its resource')
  }

  #clear(rows: ReturnType<FakePool['pool']['connections']>): void {
    for (const { resource } of rows) if (resource !== undefined) this.#cleared.add(resource)
  }

  #kill(who: number, told: boolean): void {
    const { driver, pool } = this.#house
    const connection = pick(
      [...driver.sessions].filter(({ state }) => state === 'open'),
      who,
    )
    if (connection === undefined) return
    driver.kill(connection)
    if (!told) return
    const { generation } = pool.stats()
    const before = pool.connections()
    pool.lost(connection)
    // Many losses at once take the others with them.
    if (pool.stats().generation !== generation) this.#clear(before)
  }

  // What the owner does ------------------------------------------------------------------------------------------------

  get #capacity(): number {
    return this.#max + this.#scenario.options.maxOverflow
  }

  #resize(max: number, min: number): void {
    this.#max = max
    this.#min = min
    this.#share.resize(max)
    this.#most = Math.max(this.#most, this.#capacity)
    this.#house.pool.resize({ max, min })
  }

  #drain(): void {
    if (this.#mode === 'running' || this.#mode === 'paused') this.#mode = 'draining'
    const drain = { done: false }
    this.#drains.push(drain)
    void this.#house.pool.drain().then(() => {
      drain.done = true
    })
  }

  #end(): Promise<void> {
    const { clock, pool } = this.#house
    if (this.#mode !== 'ending' && this.#mode !== 'ended') {
      this.#mode = 'ending'
      this.#forcedAt = clock.now() + (this.#scenario.options.endTimeoutMillis ?? 0)
    }
    const ended = pool.end()
    this.#expect(pool.end() === ended, 'end() makes a second promise')
    return ended
  }

  #endedOnce(): void {
    this.#expect(!this.#ended && this.#mode === 'ending', 'ended is told at the wrong time')
    this.#ended = true
    this.#mode = 'ended'
  }

  #noteLent(lease: Lease<FakeConnection>): void {
    const { total, closing } = this.#house.pool.stats()
    this.#count.acquired += 1
    this.#expect(!this.#cleared.has(lease.connection.resource), 'a cleared connection is lent')
    this.#expect(this.#mode !== 'paused' && this.#mode !== 'ended', `a ${this.#mode} pool lends`)
    this.#expect(
      total - closing <= this.#capacity,
      `connection ${lease.connection.resource.id} is lent again while ${total - closing} live of ${this.#capacity}`,
    )
  }

  /** An open begins: somebody must need it. */
  #noteOpen(): void {
    const { clock, pool } = this.#house
    const rows = pool.connections()
    const { total, closing } = pool.stats()
    const { demand } = this.#share.needs(this.#order.all, rows, clock.now())
    const needed = this.#mode !== 'paused' && demand > promptOf(rows)
    const kept = this.#mode !== 'ending' && this.#mode !== 'ended' && total - closing < this.#min
    this.#expect(needed || kept || this.#growing, 'a connection is opened that nobody needs')
    this.#growing = false
  }

  // What must hold -----------------------------------------------------------------------------------------------------

  #expect(holds: boolean, otherwise: string): void {
    if (!holds) this.#problems.push(otherwise)
  }

  #check(when: string): void {
    const { clock, driver, pool } = this.#house
    for (const caller of [...this.#held]) this.#checkHeld(caller)
    const stats = pool.stats()
    const rows = pool.connections()
    const waiting = this.#order.all
    const needs = this.#share.needs(waiting, rows, clock.now())
    this.#problems.push(
      ...driver.violations.splice(0),
      ...broken({
        stats,
        rows,
        sessions: driver.sessions.size,
        mode: this.#mode,
        max: this.#max,
        capacity: this.#capacity,
        most: this.#most,
        waiting,
        needs,
        shortFor: this.#shortFor(needs.demand, rows),
        wholeWanted: pool.sharing.wholeWanted,
        held: this.#held.size,
        shared: [...this.#held].filter(isSharing).length,
        limited: this.#share.held(rows),
        limitedMost: this.#share.bound,
        overfull: ['a', 'b'].filter((agent) => this.#share.room(agent, rows) < 0),
        counts: this.#count,
        now: this.#frozen ? undefined : clock.now(),
      }),
    )
    this.#most = Math.max(this.#capacity, stats.total)
    this.#share.look(rows)
    if (this.#problems.length > 0) throw new Error(`${when}: ${this.#problems.join('; ')}`)
  }

  #shortFor(demand: number, rows: readonly ConnectionRow[]): number {
    const { clock, pool } = this.#house
    const short = this.#mode !== 'paused' && demand > promptOf(rows) && pool.stats().total < this.#capacity
    this.#shortSince = short ? (this.#shortSince ?? clock.now()) : undefined
    return clock.now() - (this.#shortSince ?? clock.now())
  }

  /** A lease is only taken away by the end of an `end()`. */
  #checkHeld(caller: Caller): void {
    const { lease } = caller
    if (lease?.released !== true) return this.#checkJoin(lease)
    this.#held.delete(caller)
    this.#expectForced(caller)
  }

  #checkJoin(lease: Lease<FakeConnection> | undefined): void {
    if (lease?.kind !== 'shared') return
    const { clock, pool } = this.#house
    const { expiresAt, resource } = lease.connection
    const { closing, total } = pool.stats()
    const lasts = !this.#cleared.has(resource) && clock.now() < expiresAt
    const may = this.#mode === 'running' && lasts && total - closing <= this.#capacity
    this.#expect(pool.sharing.mayJoin(lease) === may, `${resource.id} may ${may ? '' : 'not '}be joined`)
  }

  #expectForced(caller: Caller): void {
    this.#expect(this.#house.clock.now() >= this.#forcedAt, `the lease of ${caller.id} was taken away`)
  }

  // The end ------------------------------------------------------------------------------------------------------------

  async #finish(): Promise<void> {
    const { clock, driver, pool } = this.#house
    for (const caller of [...this.#held]) this.#release(caller, 'plain')
    this.#check('after everything was released')
    await clock.advance(1_000)
    this.#frozen = false
    for (const caller of [...this.#held]) this.#release(caller, 'plain')
    this.#check('a second later')
    if (this.#scenario.seed % 2 === 0) await this.#recover()
    if (this.#mode !== 'paused') this.#expect(this.#order.size === 0, `${this.#order.size} wait for ever`)
    let over = false
    void this.#end().then(() => {
      over = true
    })
    await clock.advance(1_000)
    for (const caller of [...this.#held]) this.#release(caller, 'plain')
    await clock.advance(1_000)
    this.#check('after the end')
    this.#expect(over && this.#ended, `end() does not finish: ${JSON.stringify(pool.numbers())}`)
    this.#expect(clock.armed() === 0, `${clock.armed()} timers are armed`)
    this.#expect(
      this.#callers.every(({ answers }) => answers === 1),
      'a waiter was lost',
    )
    this.#expect(
      this.#drains.every(({ done }) => done),
      'a drain() never ended',
    )
    this.#expect(driver.sessions.size <= pool.stats().lost, `${driver.sessions.size} sessions are left`)
    this.#check('in the end')
  }

  /** Once the server is well again, so is the pool. The back-off is a second at most. */
  async #recover(): Promise<void> {
    const { clock, driver, pool } = this.#house
    driver.heal()
    await clock.advance(1_500)
    for (const caller of [...this.#held]) this.#release(caller, 'plain')
    this.#check('after the recovery')
    if (this.#ended || this.#mode === 'ending') return
    const { total, closing } = pool.stats()
    const live = total - closing
    this.#expect(live >= this.#min || total >= this.#capacity, `${live} are open, fewer than ${this.#min}`)
    const shrinks = this.#scenario.options.idleTimeoutMillis !== 0
    this.#expect(live <= this.#min || !shrinks, `${live} are kept idle, more than ${this.#min}`)
  }
}

function isSharing({ lease }: Caller): boolean {
  return lease?.kind === 'shared'
}

function pick<V>(from: readonly V[], index: number): V | undefined {
  return from.length === 0 ? undefined : from[index % from.length]
}

function messageOf(act: () => unknown): string | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
