// A driver without a server: every operation does what its script says, and sessions are counted as a server would count them.
import type { CloseReason, Driver, OpenFault, Reusable } from '../../src/core/driver.ts'
import type { Hooks } from '../../src/core/hooks.ts'
import type { Lease } from '../../src/core/lease.ts'
import type { PoolOptions, RequestOptions } from '../../src/core/options.ts'
import { Pool } from '../../src/core/pool.ts'
import { ManualClock, settle } from './manual-clock.ts'

/** What can be scripted. `init` is the second half of an open, `settle` is what `reusable` says. */
export type Operation = 'open' | 'init' | 'check' | 'cancel' | 'settle' | 'close'

export const OUTCOMES = ['ok', 'error', 'slow', 'never'] as const

/** A word, a gate that the test works by hand, an error to fail with, or (for `settle`) a reason against lending it again. */
export type Script = (typeof OUTCOMES)[number] | Gate | Error | { readonly verdict: CloseReason }

/** An operation that ends when the test says so. */
export class Gate {
  /** Whether an operation waits at it, or has passed. */
  reached = false
  readonly passed: Promise<void>
  #settlers: { resolve: () => void; reject: (error: unknown) => void } | undefined

  constructor() {
    this.passed = new Promise((resolve, reject) => {
      this.#settlers = { resolve, reject }
    })
    this.passed.catch(() => undefined)
  }

  /** Lets it through and lets what follows happen. */
  pass(): Promise<void> {
    this.#settlers?.resolve()
    return settle()
  }

  fail(error: unknown): Promise<void> {
    this.#settlers?.reject(error)
    return settle()
  }
}

export class FakeConnection {
  readonly id: number
  state: 'opening' | 'open' | 'closing' | 'closed' = 'opening'
  /** The server has ended it. */
  killed = false

  constructor(id: number) {
    this.id = id
  }
}

export class FakeDriver implements Driver<FakeConnection> {
  /** What each operation does unless `next` says otherwise. */
  readonly plan: Record<Operation, Script> = {
    open: 'ok',
    init: 'ok',
    check: 'ok',
    cancel: 'ok',
    settle: 'ok',
    close: 'ok',
  }
  slowMillis = 30
  /** Whether operations end when their signal aborts. */
  honoursAbort = true
  /** What the pool did, in order: `open 1`, `check 1`, … */
  readonly calls: string[] = []
  /** What a pool must never do, as it happened. */
  readonly violations: string[] = []
  /** Sessions at the server, from the begin of an open until a close, or the failed open, has really ended. */
  readonly sessions = new Set<FakeConnection>()
  /** The most sessions there ever were at once. */
  peak = 0
  /** How many sessions there may be; asked at each new one. */
  bound: () => number = () => Number.POSITIVE_INFINITY
  /** Tells the driver who has what; a pool under test attaches it. */
  readonly hooks: Hooks<FakeConnection> = {
    acquired: (lease) => this.#lent(lease),
    released: (lease) => {
      this.#leased.delete(lease.connection.resource)
    },
    closed: (connection) => {
      this.#leased.delete(connection)
    },
  }
  readonly #clock: ManualClock
  readonly #leased = new Set<FakeConnection>()
  readonly #once: Record<Operation, Script[]> = {
    open: [],
    init: [],
    check: [],
    cancel: [],
    settle: [],
    close: [],
  }
  #ids = 0

  constructor(clock: ManualClock) {
    this.#clock = clock
  }

  /** Scripts the next calls of one operation. */
  next(operation: Operation, ...scripts: Script[]): void {
    this.#once[operation].push(...scripts)
  }

  /** Puts a gate in front of the next call of one operation. */
  gate(operation: Operation): Gate {
    const gate = new Gate()
    this.next(operation, gate)
    return gate
  }

  /** Every operation does well from now on. */
  heal(): void {
    for (const operation of Object.keys(this.plan) as Operation[]) {
      this.plan[operation] = 'ok'
      this.#once[operation] = []
    }
  }

  /** The server ends a session by itself. */
  kill(connection: FakeConnection): void {
    connection.killed = true
    this.sessions.delete(connection)
  }

  async open(signal: AbortSignal): Promise<FakeConnection> {
    const connection = new FakeConnection(++this.#ids)
    this.calls.push(`open ${connection.id}`)
    this.sessions.add(connection)
    this.peak = Math.max(this.peak, this.sessions.size)
    if (this.sessions.size > this.bound())
      this.violations.push(`session ${this.sessions.size} begins where ${this.bound()} are allowed`)
    try {
      await this.#run('open', signal)
      await this.#run('init', signal)
    } catch (error) {
      connection.state = 'closed'
      this.sessions.delete(connection)
      throw error
    }
    connection.state = 'open'
    return connection
  }

  async check(connection: FakeConnection, signal: AbortSignal): Promise<void> {
    this.#expectOpen(connection, 'checked')
    if (this.#leased.has(connection)) this.violations.push(`${connection.id} is checked while leased`)
    this.calls.push(`check ${connection.id}`)
    if (connection.killed) throw new Error('the server has ended the session')
    await this.#run('check', signal)
  }

  async cancel(connection: FakeConnection, signal: AbortSignal): Promise<void> {
    this.#expectOpen(connection, 'cancelled')
    this.calls.push(`cancel ${connection.id}`)
    await this.#run('cancel', signal)
  }

  reusable(connection: FakeConnection): Reusable | Promise<Reusable> {
    this.#expectOpen(connection, 'asked for reuse')
    if (connection.killed) return 'lost'
    const script = this.#script('settle')
    if (script === 'ok') return true
    if (typeof script === 'object' && 'verdict' in script) return script.verdict
    this.calls.push(`settle ${connection.id}`)
    return this.#play('settle', script, undefined).then(() => true as const)
  }

  async close(connection: FakeConnection, signal: AbortSignal): Promise<void> {
    this.#expectOpen(connection, 'closed')
    connection.state = 'closing'
    this.calls.push(`close ${connection.id}`)
    if (!connection.killed) {
      try {
        await this.#run('close', signal)
      } catch (error) {
        // Destroyed when given up; a close that merely fails leaves its session behind.
        if (signal.aborted && this.honoursAbort) this.#gone(connection)
        throw error
      }
    }
    this.#gone(connection)
  }

  openFault(error: unknown): OpenFault {
    return (error as { fault?: OpenFault } | undefined)?.fault ?? 'passing'
  }

  #gone(connection: FakeConnection): void {
    connection.state = 'closed'
    this.sessions.delete(connection)
  }

  #lent({ connection: { resource } }: Lease<FakeConnection>): void {
    this.#expectOpen(resource, 'lent')
    if (this.#leased.has(resource)) this.violations.push(`${resource.id} is lent twice`)
    this.#leased.add(resource)
  }

  #expectOpen(connection: FakeConnection, what: string): void {
    if (connection.state !== 'open')
      this.violations.push(`${connection.id} is ${what} while ${connection.state}`)
  }

  #script(operation: Operation): Script {
    return this.#once[operation].shift() ?? this.plan[operation]
  }

  #run(operation: Operation, signal: AbortSignal): Promise<void> {
    return this.#play(operation, this.#script(operation), signal)
  }

  #play(operation: Operation, script: Script, signal: AbortSignal | undefined): Promise<void> {
    if (script === 'ok') return Promise.resolve()
    if (script === 'error') return Promise.reject(new Error(`${operation} failed`))
    if (script instanceof Error) return Promise.reject(script)
    return new Promise((resolve, reject) => {
      if (script === 'slow') this.#clock.setTimeout(resolve, this.slowMillis)
      if (script instanceof Gate) {
        script.reached = true
        script.passed.then(resolve, reject)
      }
      if (signal === undefined || !this.honoursAbort) return
      if (signal.aborted) reject(signal.reason)
      else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  }
}

/** A failure that trying again will not mend. */
export function permanentError(message: string): Error {
  return Object.assign(new Error(message), { fault: 'permanent' })
}

/** A failure of a server that has no place left. */
export function crowdedError(message: string): Error {
  return Object.assign(new Error(message), { fault: 'crowded' })
}

/** What became of an acquire so far. */
export interface Asked {
  state: 'waiting' | 'lent' | 'refused'
  lease: Lease<FakeConnection> | undefined
  error: (Error & { code?: string }) | undefined
  /** How often it was answered; never more than once. */
  answers: number
}

export interface FakePool {
  readonly clock: ManualClock
  readonly driver: FakeDriver
  readonly pool: Pool<FakeConnection>
  /** Asks for a connection and notes the answer. */
  ask(options?: RequestOptions): Asked
  /** Asks for a connection that must be lent by the time all promises have settled. */
  lend(options?: RequestOptions): Promise<Lease<FakeConnection>>
}

/** A pool over a fake driver on a manual clock, its own unless one is given. `random` is ½ unless said otherwise. */
export function fakePool(
  options: PoolOptions = {},
  random: () => number = () => 0.5,
  clock: ManualClock = new ManualClock(),
): FakePool {
  const driver = new FakeDriver(clock)
  const pool = new Pool(driver, options, { clock, random })
  pool.attach(driver.hooks)
  const ask = (how: RequestOptions = {}): Asked => {
    const asked: Asked = { state: 'waiting', lease: undefined, error: undefined, answers: 0 }
    pool.request(how, (error, lease) => {
      asked.state = lease === undefined ? 'refused' : 'lent'
      asked.lease = lease
      asked.error = error as Error | undefined
      asked.answers += 1
    })
    return asked
  }
  const lend = async (how?: RequestOptions): Promise<Lease<FakeConnection>> => {
    const asked = ask(how)
    await settle()
    if (asked.lease === undefined) throw asked.error ?? new Error('still waiting')
    return asked.lease
  }
  return { clock, driver, pool, ask, lend }
}
