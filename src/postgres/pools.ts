/** Several pools by name under one cap, with what they have in common said once. */

import type { PoolNumbers } from '../base/errors.ts'
import { messageOf, SluiceError } from '../base/errors.ts'
import type { Given } from '../base/options.ts'
import { readNumber } from '../base/options.ts'
import { busyOf, SLOT_STATES } from '../base/slots.ts'
import { Budget } from '../core/budget.ts'
import type { EndOptions } from '../core/ending.ts'
import { PROFILES } from '../profiles/profiles.ts'
import type { PoolConfig } from './config.ts'
import type { PostgresStats } from './pool.ts'
import { Pool } from './pool.ts'

/** What all pools of a group have in common: {@link PoolConfig}, where each of them may say otherwise, and their cap. */
export interface PoolsOptions extends Omit<PoolConfig, 'max' | 'budget'> {
  /**
   * Connections of all pools together at most, closing ones included. Each pool's `min` is reserved for it; its own `max` is by
   * default this one, or that of its profile. 1 to 10,000.
   */
  readonly max: number
}

/** One immutable picture of all pools: their sums, and each by its name. */
export interface PoolsStats<Name extends string = string> extends PoolNumbers {
  /** The cap. */
  readonly max: number
  /** Slots of all pools, closing ones included. */
  readonly total: number
  /** Connections that any pool could still open: neither in use nor reserved. */
  readonly room: number
  /** Busy slots (leased, shared, checking, cancelling) ÷ max, in percent. */
  readonly utilization: number
  readonly pools: Readonly<Record<Name, PostgresStats>>
}

/** The pools of a group, each also as a property under its name: `pools.analytics`. */
export type Pools<Name extends string = string> = PoolGroup<Name> & { readonly [N in Name]: Pool }

const COUNTED = [...SLOT_STATES, 'waiting'] as const

/** Pools by name under one cap. Made by {@link createPools}. */
export class PoolGroup<Name extends string = string> {
  readonly #budget: Budget
  readonly #pools: ReadonlyMap<string, Pool>

  /** Use {@link createPools}. */
  constructor(budget: Budget, pools: ReadonlyMap<string, Pool>) {
    this.#budget = budget
    this.#pools = pools
  }

  /** The cap: what is used of it, and what is left. */
  get budget(): Budget {
    return this.#budget
  }

  get names(): readonly Name[] {
    return [...this.#pools.keys()] as Name[]
  }

  /** The pool of that name. @throws SLUICE_BAD_OPTION for a name that is not there */
  get(name: Name): Pool {
    const pool = this.#pools.get(name)
    if (pool !== undefined) return pool
    throw bad(`there is no pool ${JSON.stringify(name)}; there are ${this.names.join(', ')}`)
  }

  /** All of them in numbers. */
  stats(): PoolsStats<Name> {
    const pools: Record<string, PostgresStats> = {}
    for (const [name, pool] of this.#pools) pools[name] = pool.stats()
    const all = Object.values(pools)
    const sum = (of: (stats: PostgresStats) => number) => all.reduce((total, stats) => total + of(stats), 0)
    const counts = Object.fromEntries(COUNTED.map((kind) => [kind, sum((stats) => stats[kind])]))
    const busy = sum(busyOf)
    return Object.freeze({
      ...(counts as Record<(typeof COUNTED)[number], number>),
      max: this.#budget.max,
      total: sum(({ total }) => total),
      room: this.#budget.room,
      utilization: (100 * busy) / this.#budget.max,
      pools: Object.freeze(pools) as PoolsStats<Name>['pools'],
    })
  }

  /** Takes no new callers and serves the ones there are; true when all came back in time. */
  async drain(timeoutMillis?: number): Promise<boolean> {
    const drained = await Promise.all([...this.#pools.values()].map((pool) => pool.drain(timeoutMillis)))
    return !drained.includes(false)
  }

  /** True from `end()` of all pools on. */
  get ending(): boolean {
    return [...this.#pools.values()].every(({ ending }) => ending)
  }

  /**
   * Ends all pools; resolves when their last connection is closed. Idempotent; a second call can only shorten the time.
   * @throws SLUICE_BAD_OPTION
   */
  async end(options: EndOptions = {}): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.end({ ...options })))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
  }

  /** Name and pool, in the order in which they were given. */
  [Symbol.iterator](): IterableIterator<[Name, Pool]> {
    return this.#pools.entries() as IterableIterator<[Name, Pool]>
  }
}

/**
 * Makes pools by name that share one cap and, where they do not say otherwise, the other options.
 * @throws SLUICE_BAD_OPTION naming the pool and the option
 */
export function createPools<const Name extends string>(
  configs: Readonly<Record<Name, PoolConfig>>,
  options: PoolsOptions,
): Pools<Name> {
  const names = readNames(configs)
  const { max, ...shared } = readShared(options)
  const cap = readNumber({ max } as Given, 'max', { min: 1, max: 10_000 })
  if (cap === undefined) throw bad('createPools needs max: how many connections all pools may have together')
  const budget = new Budget({ max: cap })
  const all = withinCap(
    names.map((name) => ({ ...shared, ...said(configs[name]) })),
    cap,
  )
  const pools = new Map<string, Pool>()
  try {
    for (const [n, name] of names.entries()) pools.set(name, poolOf(name, all[n] as PoolConfig, budget))
  } catch (error) {
    for (const pool of pools.values()) void pool.end()
    throw error
  }
  const group = new PoolGroup<Name>(budget, pools)
  for (const [name, value] of pools) Object.defineProperty(group, name, { value, enumerable: true })
  return group as Pools<Name>
}

function readShared(options: unknown): PoolsOptions {
  if (options === undefined) return {} as PoolsOptions
  if (typeof options === 'object' && options !== null) return options as PoolsOptions
  throw bad('createPools needs an object of options for all pools, with max')
}

function readNames<Name extends string>(configs: Readonly<Record<Name, PoolConfig>>): Name[] {
  if (typeof configs !== 'object' || configs === null)
    throw bad('createPools needs an object of pool options by name')
  const names = Object.keys(configs) as Name[]
  if (names.length === 0) throw bad('createPools needs at least one pool')
  for (const name of names) {
    if (name in PoolGroup.prototype)
      throw bad(`a pool cannot be called ${JSON.stringify(name)}, which is a method of all pools`)
    if (typeof configs[name] !== 'object' || configs[name] === null)
      throw bad(`pool ${JSON.stringify(name)} needs an object of options`)
  }
  return names
}

/** What is left undefined does not hide what is said for all. */
function said(config: PoolConfig): PoolConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined))
}

/**
 * What nobody has said fits the cap: a pool's own `max` is the cap, or that of its profile where that is less, and the `min` of
 * profiles is what is left to reserve.
 */
function withinCap(configs: readonly PoolConfig[], cap: number): PoolConfig[] {
  let left = cap - configs.reduce((sum, { min = 0 }) => sum + (Number(min) || 0), 0)
  return configs.map((config) => {
    const { profile } = config
    const options =
      profile !== undefined && Object.hasOwn(PROFILES, profile) ? PROFILES[profile].options : undefined
    const max = config.max ?? Math.min(cap, options?.max ?? cap)
    if (options === undefined || config.min !== undefined) return { ...config, max }
    const min = Math.max(0, Math.min(options.min, Number(max) || 0, left))
    left -= min
    return { ...config, max, min }
  })
}

function poolOf(name: string, config: PoolConfig, budget: Budget): Pool {
  if (config.budget !== undefined) throw bad(`pool ${JSON.stringify(name)} cannot have a budget of its own`)
  try {
    return new Pool({ ...config, budget })
  } catch (error) {
    if (!SluiceError.is(error, 'SLUICE_BAD_OPTION')) throw error
    throw bad(`pool ${JSON.stringify(name)}: ${messageOf(error)}`)
  }
}

function bad(sentence: string): SluiceError {
  return new SluiceError('SLUICE_BAD_OPTION', sentence)
}
