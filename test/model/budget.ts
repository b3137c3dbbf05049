// Plays random histories on two or three pools under one budget, and looks after every step whether the cap holds, whether anybody
// waits beside room, and in the end whether every caller was answered.
import fc from 'fast-check'
import { Budget } from '../../src/core/budget.ts'
import type { Lease } from '../../src/core/lease.ts'
import type { PoolOptions } from '../../src/core/options.ts'
import type { Use } from '../../src/core/slot.ts'
import type { PoolStats } from '../../src/core/stats.ts'
import type { FakeConnection, FakePool, Operation } from '../support/fake-driver.ts'
import { fakePool, OUTCOMES } from '../support/fake-driver.ts'
import { ManualClock, settle } from '../support/manual-clock.ts'
import { randomOf } from '../support/random.ts'

type Act =
  | { readonly do: 'acquire'; readonly timeout: number | undefined; readonly use: Use }
  | { readonly do: 'release'; readonly who: number; readonly how: 'plain' | 'error' | 'cancel' }
  | { readonly do: 'abort'; readonly who: number }
  | { readonly do: 'script'; readonly operation: Operation; readonly outcome: (typeof OUTCOMES)[number] }
  | { readonly do: 'kill'; readonly who: number }
  | { readonly do: 'resize'; readonly max: number; readonly min: number }
  | { readonly do: 'pause' | 'resume' | 'clear' | 'grow' | 'end' | 'heal' }
  | { readonly do: 'advance'; readonly millis: number }

interface Step {
  /** Which pool. */
  readonly at: number
  readonly act: Act
  readonly until: 'at once' | 'microtask' | 'settled'
}

export interface BudgetScenario {
  readonly max: number
  readonly seed: number
  readonly pools: readonly PoolOptions[]
  readonly steps: readonly Step[]
}

const who = fc.nat(20)

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 90,
    arbitrary: fc.record({
      do: fc.constant('acquire' as const),
      timeout: fc.constantFrom(undefined, undefined, 40, 500),
      use: fc.constantFrom<Use>('exclusive', 'exclusive', 'exclusive', 'shared', 'limited'),
    }),
  },
  {
    weight: 70,
    arbitrary: fc.record({
      do: fc.constant('release' as const),
      who,
      how: fc.constantFrom('plain', 'plain', 'plain', 'error', 'cancel'),
    }),
  },
  {
    weight: 50,
    arbitrary: fc.record({ do: fc.constant('advance' as const), millis: fc.constantFrom(0, 1, 20, 99, 101) }),
  },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('abort' as const), who }) },
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constant('script' as const),
      operation: fc.constantFrom<Operation>('open', 'check', 'cancel', 'settle', 'close', 'close'),
      outcome: fc.constantFrom(...OUTCOMES),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('kill' as const), who }) },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('resize' as const),
      max: fc.integer({ min: 1, max: 5 }),
      min: fc.integer({ min: 0, max: 2 }),
    }),
  },
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constantFrom('pause', 'resume', 'resume', 'clear', 'grow', 'grow', 'heal'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const) }) },
)

const pool = fc.record({
  max: fc.integer({ min: 1, max: 5 }),
  min: fc.constantFrom(0, 0, 1),
  maxOverflow: fc.constantFrom(0, 0, 1),
  acquireTimeoutMillis: fc.constant(1_000),
  connectionTimeoutMillis: fc.constant(100),
  checkTimeoutMillis: fc.constant(50),
  cancelTimeoutMillis: fc.constant(50),
  closeTimeoutMillis: fc.constantFrom(50, 10),
  endTimeoutMillis: fc.constant(300),
  idleTimeoutMillis: fc.constantFrom(0, 150),
  prePing: fc.constantFrom(false, true),
  queueLimit: fc.constantFrom(undefined, undefined, 2),
})

/** Two or three pools under a cap of two to five, and what happens to them. */
export const budgetScenario: fc.Arbitrary<BudgetScenario> = fc
  .record({
    max: fc.integer({ min: 2, max: 5 }),
    seed: fc.nat(),
    pools: fc.array(pool, { minLength: 2, maxLength: 3 }),
    steps: fc.array(
      fc.record({
        at: fc.nat(2),
        act,
        until: fc.constantFrom('settled', 'settled', 'microtask', 'at once'),
      }),
      { minLength: 40, maxLength: 70 },
    ),
  })
  .map(({ max, pools, ...rest }) => ({
    ...rest,
    max,
    pools: pools.map((options, index) => ({
      ...options,
      max: Math.min(options.max, max),
      // The first two at most reserve one each, which every cap here has.
      min: index < 2 ? options.min : 0,
    })),
  }))

interface Member extends FakePool {
  readonly held: Lease<FakeConnection>[]
  readonly aborts: AbortController[]
  asked: number
  answered: number
  readonly waiting: Record<Use, number>
  shortSince: number | undefined
}

export class BudgetModel {
  readonly #scenario: BudgetScenario
  readonly #clock = new ManualClock()
  readonly #budget: Budget
  readonly #members: Member[]
  readonly #problems: string[] = []

  constructor(scenario: BudgetScenario) {
    const { max, pools, seed } = scenario
    this.#scenario = scenario
    this.#budget = new Budget({ max })
    this.#members = pools.map((options, index) => ({
      ...fakePool({ ...options, budget: this.#budget }, randomOf(seed + index), this.#clock),
      held: [],
      aborts: [],
      asked: 0,
      answered: 0,
      waiting: { exclusive: 0, limited: 0, shared: 0 },
      shortSince: undefined,
    }))
    for (const { driver } of this.#members) driver.bound = () => this.#bound(driver)
  }

  /** Sessions that one driver may have: what the others leave of the cap, and what was given up. */
  #bound(driver: FakePool['driver']): number {
    let left = this.#scenario.max
    for (const other of this.#members) {
      left += other.pool.stats().lost
      if (other.driver !== driver) left -= other.driver.sessions.size
    }
    return left
  }

  /** throws with everything that was wrong */
  async play(): Promise<void> {
    for (const [index, step] of this.#scenario.steps.entries()) {
      const member = this.#members[step.at % this.#members.length] as Member
      await this.#act(member, step.act)
      if (step.until === 'settled') await settle()
      if (step.until === 'microtask') await Promise.resolve()
      this.#check(`after step ${index} (${JSON.stringify(step)})`, step.until === 'settled')
    }
    await this.#finish()
  }

  async #act(member: Member, action: Act): Promise<void> {
    const { driver, held, pool } = member
    switch (action.do) {
      case 'acquire':
        return this.#acquire(member, action.timeout, action.use)
      case 'release':
        return give(held.splice(action.who % Math.max(1, held.length), 1)[0], action.how)
      case 'abort':
        return member.aborts[action.who % Math.max(1, member.aborts.length)]?.abort()
      case 'script':
        return driver.next(action.operation, action.outcome)
      case 'kill': {
        const alive = [...driver.sessions].filter(({ state }) => state === 'open')
        const victim = alive[action.who % Math.max(1, alive.length)]
        if (victim === undefined) return
        driver.kill(victim)
        pool.lost(victim)
        return
      }
      case 'resize':
        return this.#resize(member, action.max, action.min)
      case 'pause':
        return pool.pause()
      case 'resume':
        return pool.resume()
      case 'clear':
        return pool.clear()
      case 'grow':
        return pool.sharing.grow()
      case 'heal':
        return driver.heal()
      case 'end':
        void pool.end()
        return
      case 'advance':
        return this.#clock.advance(action.millis)
    }
  }

  #acquire(member: Member, timeoutMillis: number | undefined, use: Use): void {
    const abort = new AbortController()
    let answers = 0
    member.asked += 1
    member.waiting[use] += 1
    member.aborts.push(abort)
    member.pool.request({ timeoutMillis, use, signal: abort.signal }, (_, lease) => {
      member.answered += 1
      member.waiting[use] -= 1
      answers += 1
      if (answers > 1) this.#problems.push('a caller is answered twice')
      if (lease !== undefined) member.held.push(lease)
    })
  }

  /** A size that does not fit is refused, and changes nothing. */
  #resize({ pool }: Member, max: number, wished: number): void {
    const { max: before } = pool.stats()
    const min = Math.min(wished, max)
    const others = this.#scenario.max - (pool.budget?.limit ?? this.#scenario.max)
    const fits = max <= this.#scenario.max && min + others <= this.#scenario.max
    try {
      pool.resize({ max, min })
      if (!fits) this.#problems.push(`max ${max} and min ${min} are taken`)
    } catch {
      if (fits) this.#problems.push(`max ${max} and min ${min} are refused`)
      if (pool.stats().max !== before) this.#problems.push('a refused size has changed something')
    }
  }

  // What must hold -----------------------------------------------------------------------------------------------------

  #check(when: string, isSettled: boolean): void {
    const { max } = this.#scenario
    const total = this.#sum(({ pool }) => pool.stats().total)
    this.#expect(total <= max, `${total} slots under a cap of ${max}`)
    this.#expect(total === this.#budget.used, `${total} slots, ${this.#budget.used} said to be used`)
    const reserved = this.#sum(({ pool }) => (isEnding(pool.stats()) ? 0 : pool.stats().min))
    this.#expect(reserved <= max, `${reserved} reserved of ${max}`)
    for (const member of this.#members) {
      this.#problems.push(...member.driver.violations.splice(0))
      const { waiting } = member.pool.stats()
      this.#expect(waiting === member.asked - member.answered, `${waiting} wait, not those who asked`)
      if (isSettled) this.#checkWaits(member)
    }
    if (this.#problems.length > 0) throw new Error(`${when}: ${this.#problems.join('; ')}`)
  }

  /** Nobody waits beside room, nor beside what another pool has had idle for a while. */
  #checkWaits(member: Member): void {
    const { pool } = member
    const stats = pool.stats()
    const now = this.#clock.now()
    const place = stats.max + stats.maxOverflow - stats.total
    const short =
      stats.state !== 'paused' &&
      stats.state !== 'ended' &&
      stats.openFailures === 0 &&
      this.#needed(member) > 0 &&
      stats.idle + stats.shared === 0 &&
      stats.opening < 4 &&
      place > 0
    member.shortSince = short ? (member.shortSince ?? now) : undefined
    // What is lent may serve a burst before an open could; the pool does not hope for longer than an open takes.
    if (!short || (stats.leased > 0 && now - (member.shortSince ?? now) <= stats.open.max)) return
    const room = pool.budget?.room ?? 0
    this.#expect(room === 0, `${this.#needed(member)} are needed beside room for ${room}`)
    const closing = this.#sum(({ pool: other }) => other.stats().closing)
    const donor = this.#members.find((other) => other !== member && hasStaleIdle(other, 102))
    this.#expect(
      closing > 0 || donor === undefined,
      `${this.#needed(member)} are needed beside an idle connection of another pool`,
    )
  }

  /** Connections that its callers need and that are not on their way. */
  #needed({ pool, waiting }: Member): number {
    const { checking, max, opening } = pool.stats()
    const limited = pool.connections().filter((row) => row.limited).length
    const share = Math.max(0, Math.max(1, Math.floor(max * 0.9)) - limited)
    // A shared connection serves a hundred.
    const demand = waiting.exclusive + Math.min(waiting.limited, share) + Math.ceil(waiting.shared / 100)
    return demand - opening - checking
  }

  #sum(of: (member: Member) => number): number {
    return this.#members.reduce((sum, member) => sum + of(member), 0)
  }

  #expect(holds: boolean, otherwise: string): void {
    if (!holds) this.#problems.push(otherwise)
  }

  // The end ------------------------------------------------------------------------------------------------------------

  /** Once the servers are well and everything has come back, everybody is served; then all pools end. */
  async #finish(): Promise<void> {
    for (const { driver, pool } of this.#members) {
      driver.heal()
      pool.resume()
    }
    for (let millis = 0; millis < 1_500; millis += 10) {
      await this.#clock.advance(10)
      for (const { held } of this.#members) for (const lease of held.splice(0)) give(lease, 'plain')
      this.#check(`${millis} ms after the recovery`, false)
    }
    this.#expect(
      this.#members.every(({ asked, answered }) => asked === answered),
      'somebody waits for ever',
    )
    const ended = this.#members.map(({ pool }) => pool.end())
    await this.#clock.advance(2_000)
    await Promise.all(ended)
    this.#expect(this.#budget.used === 0, `${this.#budget.used} slots are left`)
    this.#expect(this.#clock.armed() === 0, `${this.#clock.armed()} timers are armed`)
    this.#check('in the end', false)
  }
}

function isEnding({ state }: PoolStats): boolean {
  return state === 'ending' || state === 'ended'
}

function hasStaleIdle({ pool }: Member, millis: number): boolean {
  const { closing, idle, min, state, total, waiting } = pool.stats()
  if (idle === 0 || total - closing <= min || (waiting > 0 && state !== 'paused')) return false
  return pool.connections().some((row) => row.state === 'idle' && row.sinceMillis >= millis)
}

function give(lease: Lease<FakeConnection> | undefined, how: 'plain' | 'error' | 'cancel'): void {
  if (lease === undefined || lease.released) return
  if (how === 'cancel') lease.cancel()
  else lease.release(how === 'error' ? new Error('broken') : undefined)
}
