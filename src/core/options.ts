/** The engine's options: read, checked and completed. */
import type { Clock } from '../base/clock.ts'
import { SluiceError } from '../base/errors.ts'
import type { Given } from '../base/options.ts'
import { readBoolean, readMillis, readNumber } from '../base/options.ts'
import type { AgentOptions, AgentSettings } from './agents.ts'
import { readAgents } from './agents.ts'
import { Budget } from './budget.ts'
import type { Use } from './slot.ts'

/** Options of the engine. All times in milliseconds. */
export interface PoolOptions {
  /** Connections at most. 1 to 10,000; default 10. */
  max?: number | undefined
  /** Connections that are opened ahead and kept. 0 to `max`; default 0. */
  min?: number | undefined
  /** Temporary connections above `max` while callers wait, closed after use. 0 to 10,000; default 0. */
  maxOverflow?: number | undefined
  /** How long a caller waits for a connection. 1 or more; default 30,000. */
  acquireTimeoutMillis?: number | undefined
  /** How long one open may take, the whole handshake and the init hook included. 1 or more; default 10,000. */
  connectionTimeoutMillis?: number | undefined
  /** How long a check before use, or the coming to rest after a release, may take. 1 or more; default 5,000. */
  checkTimeoutMillis?: number | undefined
  /** How long a cancelled statement may take to end before its connection is given up. 1 or more; default 5,000. */
  cancelTimeoutMillis?: number | undefined
  /** How long a closing connection is counted while the server has not let go; then it counts as lost. 1 or more; default 5,000. */
  closeTimeoutMillis?: number | undefined
  /** How long `end()` waits for leases before it closes their connections. 0 or more; default 30,000. */
  endTimeoutMillis?: number | undefined
  /** Callers that may wait when no connection is on its way for them. 0 or more; default 100,000. */
  queueLimit?: number | undefined
  /** At the limit: `true` turns the newcomer away; `false` lets it take the place of the youngest waiter of a lower priority. Default false. */
  rejectOnFull?: boolean | undefined
  /** Plain order of arrival: no priorities, no fairness between agents. Default false. */
  fifo?: boolean | undefined
  /** Levels of priority, 1 the most urgent. 1 to 100; default 3. */
  priorityLevels?: number | undefined
  /** What each agent may hold, and how many turns it gets: see {@link AgentOptions}. Not together with `fifo`. */
  agents?: AgentOptions | undefined
  /**
   * From this wait on, or from half its own deadline, a caller of a low priority gets a share of the turns: at least one in
   * eight, in a small pool one connection's worth. 1 or more; default 1,000.
   */
  ageMillis?: number | undefined
  /** Closes connections idle for longer, down to `min` connections. 0 is never; default 10,000. */
  idleTimeoutMillis?: number | undefined
  /** Closes connections idle for longer while more than `min` of them are idle. 0 is never; default 0. */
  softIdleTimeoutMillis?: number | undefined
  /** Closes connections older than that, each up to 10 % earlier so that they do not all go at once. 0 is never; default 0. */
  maxLifetimeMillis?: number | undefined
  /** Closes a connection after so many leases. 1 or more; default without limit. */
  maxUses?: number | undefined
  /** Least time between two rounds of upkeep. 0 looks exactly when something falls due; default 0. */
  evictionRunIntervalMillis?: number | undefined
  /** Checks a connection before use when it was idle for so many milliseconds; `true` always, `false` never. Default 30,000. */
  prePing?: boolean | number | undefined
  /** Reports a lease that is out for longer, with the stack of its acquire, and finds nested acquires. 0 is off; default 0. */
  leakDetectionMillis?: number | undefined
  /** Lets the process end while connections are idle. Default false. */
  allowExitOnIdle?: boolean | undefined
  /** The part of `max` that callers of the use `limited` may hold together, at least one slot. 0.01 to 1; default 0.9. */
  limitedShare?: number | undefined
  /** How many callers one shared connection is expected to serve: decides how many are opened for those who wait to share. 1 to 10,000; default 100. */
  sharedDepth?: number | undefined
  /** A cap that this pool shares with others: see {@link Budget}. Default none. */
  budget?: Budget | undefined
}

/** What a pool takes from outside besides options; tests hand in their own. */
export interface PoolSurroundings {
  readonly clock?: Clock
  /** A number from 0 up to 1, as `Math.random`. */
  readonly random?: () => number
}

/** {@link PoolOptions} with every default in place; "never" and "no limit" are infinite. */
export interface Settings {
  max: number
  min: number
  readonly maxOverflow: number
  readonly acquireTimeoutMillis: number
  readonly connectionTimeoutMillis: number
  readonly checkTimeoutMillis: number
  readonly cancelTimeoutMillis: number
  readonly closeTimeoutMillis: number
  readonly endTimeoutMillis: number
  readonly queueLimit: number
  readonly rejectOnFull: boolean
  readonly fifo: boolean
  readonly priorityLevels: number
  readonly agents: AgentSettings | undefined
  readonly ageMillis: number
  readonly idleTimeoutMillis: number
  readonly softIdleTimeoutMillis: number
  readonly maxLifetimeMillis: number
  readonly maxUses: number
  readonly evictionRunIntervalMillis: number
  readonly prePingMillis: number
  readonly leakDetectionMillis: number
  readonly allowExitOnIdle: boolean
  readonly limitedShare: number
  readonly sharedDepth: number
  readonly budget: Budget | undefined
}

/** Slots that there may be. */
export function capacityOf({ max, maxOverflow }: Pick<Settings, 'max' | 'maxOverflow'>): number {
  return max + maxOverflow
}

const NO_LIMIT = Number.POSITIVE_INFINITY

/** Completes options. @throws SLUICE_BAD_OPTION naming the option, its value and its range */
export function readPoolOptions(options: PoolOptions): Settings {
  const given = options as Given
  const { max, min } = readSize(given, { max: 10, min: 0 })
  const count = (name: string, min: number, fallback: number) =>
    given[name] === NO_LIMIT ? NO_LIMIT : (readNumber(given, name, { min, max: NO_LIMIT }) ?? fallback)
  const limit = (name: string, fallback: number) => readMillis(given, name, 1) ?? fallback
  const orNever = (name: string, fallback: number) => (readMillis(given, name) ?? fallback) || NO_LIMIT
  return {
    max,
    min,
    maxOverflow: readNumber(given, 'maxOverflow', { min: 0, max: 10_000 }) ?? 0,
    acquireTimeoutMillis: limit('acquireTimeoutMillis', 30_000),
    connectionTimeoutMillis: limit('connectionTimeoutMillis', 10_000),
    checkTimeoutMillis: limit('checkTimeoutMillis', 5_000),
    cancelTimeoutMillis: limit('cancelTimeoutMillis', 5_000),
    closeTimeoutMillis: limit('closeTimeoutMillis', 5_000),
    endTimeoutMillis: readMillis(given, 'endTimeoutMillis') ?? 30_000,
    queueLimit: count('queueLimit', 0, 100_000),
    rejectOnFull: readBoolean(given, 'rejectOnFull') ?? false,
    fifo: readBoolean(given, 'fifo') ?? false,
    priorityLevels: readNumber(given, 'priorityLevels', { min: 1, max: 100 }) ?? 3,
    agents: readTurns(given),
    ageMillis: limit('ageMillis', 1_000),
    idleTimeoutMillis: orNever('idleTimeoutMillis', 10_000),
    softIdleTimeoutMillis: orNever('softIdleTimeoutMillis', 0),
    maxLifetimeMillis: orNever('maxLifetimeMillis', 0),
    maxUses: count('maxUses', 1, NO_LIMIT),
    evictionRunIntervalMillis: readMillis(given, 'evictionRunIntervalMillis') ?? 0,
    prePingMillis: readPrePing(given),
    leakDetectionMillis: readMillis(given, 'leakDetectionMillis') ?? 0,
    allowExitOnIdle: readBoolean(given, 'allowExitOnIdle') ?? false,
    limitedShare: readShare(given, 'limitedShare') ?? 0.9,
    sharedDepth: readNumber(given, 'sharedDepth', { min: 1, max: 10_000 }) ?? 100,
    budget: readBudget(given.budget),
  }
}

/** The two sizes, which must fit each other. @throws SLUICE_BAD_OPTION */
export function readSize(given: Given, current: { max: number; min: number }): { max: number; min: number } {
  const max = readNumber(given, 'max', { min: 1, max: 10_000 }) ?? current.max
  const min = readNumber(given, 'min', { min: 0, max: 10_000 }) ?? current.min
  if (min > max)
    throw new SluiceError('SLUICE_BAD_OPTION', `min must not exceed max; min is ${min} and max is ${max}`)
  return { max, min }
}

function readBudget(budget: unknown): Budget | undefined {
  if (budget === undefined || budget instanceof Budget) return budget
  throw new SluiceError('SLUICE_BAD_OPTION', 'budget must be a Budget: new Budget({ max })')
}

/** Agents take turns, and plain order of arrival has none. */
function readTurns(given: Given): AgentSettings | undefined {
  const agents = readAgents(given)
  if (agents !== undefined && readBoolean(given, 'fifo') === true)
    throw new SluiceError(
      'SLUICE_BAD_OPTION',
      'agents take turns, which fifo switches off; leave one of them out',
    )
  return agents
}

/** A part of a whole. */
function readShare(given: Given, name: string): number | undefined {
  return readNumber(given, name, { min: 0.01, max: 1, whole: false })
}

function readPrePing(given: Given): number {
  const { prePing } = given
  if (prePing === true) return 0
  if (prePing === false) return NO_LIMIT
  return readMillis(given, 'prePing') ?? 30_000
}

/**
 * The level of a priority, 0 the most urgent. `'high'` is the first of n levels, `'low'` the last, `'medium'` the middle.
 * @throws SLUICE_BAD_OPTION
 */
export function levelOf(priority: Priority | undefined, levels: number): number {
  switch (priority) {
    case 'high':
      return 0
    case undefined:
    case 'medium':
      return Math.ceil((levels - 1) / 2)
    case 'low':
      return levels - 1
    default:
      return (readNumber({ priority }, 'priority', { min: 1, max: levels }) as number) - 1
  }
}

/** How urgent a call is: a word, or a level from 1 (the most urgent) to `priorityLevels`. */
export type Priority = 'high' | 'medium' | 'low' | number

/** What a caller may say about one acquire. */
export interface AcquireOptions {
  /** Default `'medium'`. */
  readonly priority?: Priority | undefined
  /** The label that the caller works under: waiting callers of one priority take turns by agent. */
  readonly agent?: string | undefined
  /**
   * How long to wait, in milliseconds; default and at most the pool's `acquireTimeoutMillis`. More than 0. Whoever says it is
   * turned away at once where its turn is certain to come later, and in a standing queue the newest of them have their turns
   * first (docs/overload.md).
   */
  readonly timeoutMillis?: number | undefined
  /** Ends the wait, and only the wait. */
  readonly signal?: AbortSignal | undefined
  /** The lease is meant to be kept: leak detection leaves it alone, and `drain()` does not wait for it. Default false. */
  readonly longLived?: boolean | undefined
}

/** An acquire as those ask for it who know what the connection is for. */
export interface RequestOptions extends AcquireOptions {
  /** Whether `timeoutMillis` is what the caller has said, so that nobody needs an answer after it. Default true. */
  readonly isDeadline?: boolean | undefined
  /** Default `'exclusive'`. */
  readonly use?: Use | undefined
}

/** Refuses options of one acquire that would leave a waiter without an end. @throws SLUICE_BAD_OPTION */
export function checkAcquire({ agent, signal, timeoutMillis }: AcquireOptions): void {
  if (timeoutMillis !== undefined) readMillis({ timeoutMillis }, 'timeoutMillis', Number.MIN_VALUE)
  if (agent !== undefined && typeof agent !== 'string') {
    throw new SluiceError('SLUICE_BAD_OPTION', `agent must be a string; it is of type ${typeof agent}`)
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new SluiceError('SLUICE_BAD_OPTION', 'signal must be an AbortSignal')
  }
}
