/** What one `query()` call asks for besides its statement: read from the call, or from the config object. */

import { SluiceError } from '../base/errors.ts'
import type { Given } from '../base/options.ts'
import { readBoolean, readMillis, readWord } from '../base/options.ts'
import type { Priority } from '../core/options.ts'
import { levelOf } from '../core/options.ts'
import type { CacheOptions } from './cache/rule.ts'
import type { ReadConfig, StatementClass } from './config.ts'

/** Options of one call. */
export interface QueryOptions {
  /** Who goes first among those who wait. Default by `class`, else `'medium'`. */
  readonly priority?: Priority | undefined
  /** The label that the caller works under: waiting callers of one priority take turns by agent. */
  readonly agent?: string | undefined
  /** How heavy the statement is: sets the default priority (simple high, analytical low) and bounds its time by `classTimeouts`. */
  readonly class?: StatementClass | undefined
  /** Milliseconds for the whole call, waiting included. More than 0; default none. */
  readonly timeout?: number | undefined
  /** Ends the call: a waiting one leaves the queue, a running statement is cancelled at the server. */
  readonly signal?: AbortSignal | undefined
  /** Lets a short INSERT, UPDATE, DELETE or MERGE share a connection with others; `false` keeps any statement from it. Default: plain SELECTs share. */
  readonly lane?: boolean | undefined
  /** Whether the statement may be prepared on its connection. `false` has it planned anew, which suits values that differ much. Default: the pool's `prepare`. */
  readonly prepare?: boolean | undefined
  /** Running it twice does no harm: it is run again where the pool has ended it for another's sake. Default false. */
  readonly idempotent?: boolean | undefined
  /**
   * Lets the answer of a plain read be kept for those who ask the same, and has those who ask at the same time wait for one run, which
   * goes by the other options of its first caller. Only in `query()` of the pool. Default: it is run.
   */
  readonly cache?: CacheOptions | undefined
}

/** Called once: with an error, or with a result. */
export type Told<R> = (error: unknown, result: R | undefined) => void

/** A call, ready to run. */
export interface Call {
  readonly priority: Priority | undefined
  readonly agent: string | undefined
  readonly signal: AbortSignal | undefined
  /** Bounds the whole call. */
  readonly timeoutMillis: number | undefined
  /** What the caller asked for, where `timeoutMillis` is what earlier attempts have left of it. */
  readonly askedMillis?: number | undefined
  /** Bounds the statement once it is sent. */
  readonly statementMillis: number | undefined
  readonly class: StatementClass | undefined
  readonly lane: boolean | undefined
  readonly prepare: boolean | undefined
  readonly idempotent: boolean
}

const PRIORITY_OF: Readonly<Record<StatementClass, Priority>> = {
  simple: 'high',
  moderate: 'medium',
  complex: 'medium',
  analytical: 'low',
}
/** The names of {@link QueryOptions}. */
export const QUERY_OPTIONS: readonly (keyof QueryOptions)[] = [
  'priority',
  'agent',
  'class',
  'timeout',
  'signal',
  'lane',
  'prepare',
  'idempotent',
  'cache',
]

/** No options: what most calls come with. */
export const NO_OPTIONS: QueryOptions = Object.freeze({})

/** Every class. */
export const CLASSES: readonly StatementClass[] = Object.keys(PRIORITY_OF) as StatementClass[]

/** @throws SLUICE_BAD_OPTION */
export function readCall(options: QueryOptions, config: ReadConfig): Call {
  const { agent, signal } = options
  refuseCache(options)
  const kind = readWord(options as Given, 'class', CLASSES)
  if (agent !== undefined && typeof agent !== 'string') {
    throw new SluiceError('SLUICE_BAD_OPTION', `agent must be a string; it is of type ${typeof agent}`)
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new SluiceError('SLUICE_BAD_OPTION', 'signal must be an AbortSignal')
  }
  const priority = options.priority ?? (kind && PRIORITY_OF[kind])
  levelOf(priority, config.settings.priorityLevels)
  return {
    priority,
    agent,
    signal,
    timeoutMillis: readMillis(options as Given, 'timeout', 1),
    statementMillis: least(config.queryTimeout, kind && config.classTimeouts[kind]),
    class: kind,
    lane: readBoolean(options as Given, 'lane'),
    prepare: readBoolean(options as Given, 'prepare'),
    idempotent: readBoolean(options as Given, 'idempotent') ?? false,
  }
}

/** What is part of a transaction must see the server itself. @throws SLUICE_BAD_OPTION when `cache` is given */
export function refuseCache(options: unknown): void {
  if ((options as QueryOptions | null | undefined)?.cache === undefined) return
  throw new SluiceError(
    'SLUICE_BAD_OPTION',
    'cache is an option of query() of the pool; a transaction, a batch and a lease ask the server itself',
  )
}

/** The smaller of two bounds, where there is one. */
export function least(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return Math.min(a, b)
}
