/** The way from a signal to the end of the process: nothing new, what is under way and waits is served, then the pools end. */
import { constants } from 'node:os'
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import type { PoolNumbers } from '../base/errors.ts'
import { describeNumbers, messageOf, SluiceError } from '../base/errors.ts'
import type { Given } from '../base/options.ts'
import { readBoolean, readFunction, readMillis } from '../base/options.ts'
import { DeadlineExceeded, within } from '../base/within.ts'
import type { EndOptions } from './ending.ts'

/** What can be shut down: every pool of Sluice, and whatever drains and ends as they do. */
export interface Drainable {
  /** Takes nobody new; resolves with whether all work has ended in time. */
  drain(timeoutMillis: number): Promise<boolean>
  /** Ends within that time, also where that was begun before. */
  end(options: EndOptions): Promise<void>
  /** For the text of what goes wrong. */
  stats?(): PoolNumbers
}

/** Options of {@link onShutdown}. */
export interface ShutdownOptions {
  /** Default `['SIGTERM', 'SIGINT']`. */
  readonly signals?: readonly NodeJS.Signals[] | undefined
  /**
   * From the signal to the end of the pools, `before` included. The last tenth, at most a second, is kept for cancelling and
   * closing what is not over by then. Milliseconds, 1 or more; default 10,000.
   */
  readonly timeoutMillis?: number | undefined
  /**
   * Ends the process when the pools have ended: with 0, or with 1 when something was cut off or has failed. With `false` the
   * process goes on and keeps its exit code. Default true.
   */
  readonly exit?: boolean | undefined
  /** Stops what brings new work, such as an HTTP server; the pools take callers until it has ended. */
  readonly before?: (() => unknown) | undefined
  /** Told when the pools have ended, before the process does: what was cut off or has failed, nothing where all was served. A second at most is waited for what it returns. */
  readonly after?: ((problems: readonly Error[]) => unknown) | undefined
}

/** Where signals come from and what they end; tests hand in their own. */
export interface ShutdownSurroundings {
  readonly clock?: Clock
  readonly process?: {
    on(signal: NodeJS.Signals, listener: NodeJS.SignalsListener): unknown
    off(signal: NodeJS.Signals, listener: NodeJS.SignalsListener): unknown
    exit(code: number): void
  }
}

interface Plan {
  readonly clock: Clock
  readonly pools: readonly Drainable[]
  readonly before: (() => unknown) | undefined
  readonly timeoutMillis: number
  readonly startedAt: number
}

/** The part of the time that is kept for closing what is cut off, and the most of it in milliseconds. */
const CLOSING_SHARE = 0.1
const CLOSING_MILLIS = 1_000

/** How long the process waits for `after`. */
const AFTER_MILLIS = 1_000

/** Signals that no process can listen for. */
const UNHEARD: readonly string[] = ['SIGKILL', 'SIGSTOP']

/**
 * Shuts pools down when the process is told to end. The first signal: `before`, then newcomers are rejected with
 * SLUICE_POOL_ENDED while what is under way and waits is served, then the pools end. A second signal ends the process at once,
 * with 128 + its number. Call it once, for all pools: whichever call is done first ends the process.
 * @returns the way to take it back, which removes the listeners
 * @throws SLUICE_BAD_OPTION
 */
export function onShutdown(
  pools: Drainable | readonly Drainable[],
  options: ShutdownOptions = {},
  surroundings: ShutdownSurroundings = {},
): () => void {
  const given = options as Given
  const { clock = systemClock, process: host = thisProcess } = surroundings
  const signals = readSignals(options.signals)
  const timeoutMillis = readMillis(given, 'timeoutMillis', 1) ?? 10_000
  const exits = readBoolean(given, 'exit') ?? true
  const before = readFunction<() => unknown>(given, 'before')
  const after = readFunction<(problems: readonly Error[]) => unknown>(given, 'after')
  const all = Array.isArray(pools) ? (pools as readonly Drainable[]) : [pools as Drainable]
  const takeBack = () => {
    for (const signal of signals) host.off(signal, heard)
  }
  const shutDown = async () => {
    const problems = await endAll({ clock, pools: all, before, timeoutMillis, startedAt: clock.now() })
    if (after !== undefined) {
      await within(clock, AFTER_MILLIS, () => after(problems)).catch((error: unknown) => {
        problems.push(new Error(`shutdown: after() failed: ${messageOf(error)}`, { cause: error }))
      })
    }
    takeBack()
    if (exits) host.exit(problems.length === 0 ? 0 : 1)
  }
  let begun = false
  const heard = (signal: NodeJS.Signals) => {
    if (begun) return host.exit(128 + constants.signals[signal])
    begun = true
    void shutDown()
  }
  for (const signal of signals) host.on(signal, heard)
  return takeBack
}

const thisProcess = {
  on: (signal: NodeJS.Signals, listener: NodeJS.SignalsListener) => process.on(signal, listener),
  off: (signal: NodeJS.Signals, listener: NodeJS.SignalsListener) => process.off(signal, listener),
  exit: (code: number): void => process.exit(code),
}

function readSignals(signals: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT']): readonly NodeJS.Signals[] {
  const names: unknown = signals
  const good =
    Array.isArray(names) &&
    names.length > 0 &&
    names.every((name) => name in constants.signals && !UNHEARD.includes(name as string))
  if (good) return [...new Set(signals)]
  const range = 'a list of at least one signal that a process can listen for'
  throw new SluiceError('SLUICE_BAD_OPTION', `signals must be ${range}; it is ${JSON.stringify(names)}`)
}

async function endAll(plan: Plan): Promise<Error[]> {
  const problems: Error[] = []
  await stopTakingWork(plan, problems)
  await Promise.all(plan.pools.map((pool) => endOne(plan, pool, problems)))
  return problems
}

/** What is left of the time, without what is kept for closing. */
function leftToWork({ clock, startedAt, timeoutMillis }: Plan): number {
  const kept = Math.min(CLOSING_MILLIS, timeoutMillis * CLOSING_SHARE)
  return Math.max(0, startedAt + timeoutMillis - kept - clock.now())
}

async function stopTakingWork(plan: Plan, problems: Error[]): Promise<void> {
  const { before, clock } = plan
  if (before === undefined) return
  try {
    await within(clock, leftToWork(plan), before)
  } catch (error) {
    const late = error instanceof DeadlineExceeded
    const how = late ? `had not ended after ${passed(plan)}` : `failed: ${messageOf(error)}`
    problems.push(new Error(`shutdown: before() ${how}; the pools were ended all the same`, { cause: error }))
  }
}

async function endOne(plan: Plan, pool: Drainable, problems: Error[]): Promise<void> {
  const { clock, pools, startedAt, timeoutMillis } = plan
  const name = pools.length === 1 ? 'the pool' : `pool ${pools.indexOf(pool) + 1} of ${pools.length}`
  const numbers = () => (pool.stats === undefined ? '' : `: ${describeNumbers(pool.stats())}`)
  const ended = async () => {
    if (!(await pool.drain(leftToWork(plan)))) {
      const what = `${name} still had work after ${passed(plan)}, which was cut off${numbers()}`
      problems.push(new Error(`shutdown: ${what}; raise timeoutMillis, or shorten what runs`))
    }
    await pool.end({ timeoutMillis: leftToWork(plan) })
  }
  try {
    await within(clock, Math.max(1, startedAt + timeoutMillis - clock.now()), ended)
  } catch (error) {
    const late = error instanceof DeadlineExceeded
    const how = late
      ? `had connections that were not closed after ${passed(plan)}${numbers()}; they may still be open at the server`
      : `failed to end: ${messageOf(error)}`
    problems.push(new Error(`shutdown: ${name} ${how}`, { cause: error }))
  }
}

function passed({ clock, startedAt, timeoutMillis }: Plan): string {
  const millis = Math.round(clock.now() - startedAt).toLocaleString('en-US')
  return `${millis} ms (timeoutMillis ${timeoutMillis.toLocaleString('en-US')})`
}
