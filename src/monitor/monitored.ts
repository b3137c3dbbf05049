/** What exporters and the dashboard need of a pool: the pools of every room have it, and so has the engine itself. */
import { SluiceError } from '../base/errors.ts'
import { requireMethods } from '../base/options.ts'
import { redact } from '../base/redact.ts'
import type { Hooks } from '../core/hooks.ts'
import type { PoolStats } from '../core/stats.ts'

/** A picture of a pool, with what only some pools have. */
export interface MonitoredStats extends PoolStats {
  /** Calls that were run again. */
  readonly retries?: number | undefined
  /** Undefined without a circuit breaker. */
  readonly breaker?: { readonly state: 'closed' | 'open' | 'half-open' } | undefined
}

/** A pool that can be watched. */
export interface MonitoredPool {
  stats(): MonitoredStats
  attach(hooks: Hooks<object>): () => void
}

/** Several pools by name: what `createPools()` makes, a Map, or an object. */
export type NamedPools<P = MonitoredPool> = Iterable<readonly [string, P]> | Readonly<Record<string, P>>

/** What a pool is called that was handed in without a name. */
const LONE_POOL = 'default'

/**
 * The pools by their names. A pool by itself is called `default`.
 * @param what who asks, for the message
 * @param methods what each must have
 * @throws SLUICE_BAD_OPTION for what is no pool, for no pool at all, for two of one name, and for a name with a password in it
 */
export function readPools<P extends object = MonitoredPool>(
  asked: P | NamedPools<P>,
  what: string,
  methods: readonly (keyof P & string)[],
): ReadonlyMap<string, P> {
  if (isPool(asked, methods)) return new Map([[LONE_POOL, asked]])
  if (!hasNames(asked)) requireMethods(asked, what, [...methods])
  const entries = Symbol.iterator in asked ? [...asked] : Object.entries(asked)
  const pools = new Map<string, P>()
  for (const entry of entries) {
    const [name, pool] = requireNamed<P>(entry, what)
    requireTellable(name, what)
    requireMethods(pool, `${what} under ${JSON.stringify(name)}`, [...methods])
    if (pools.has(name))
      throw new SluiceError('SLUICE_BAD_OPTION', `${what} was given two pools under ${JSON.stringify(name)}`)
    pools.set(name, pool)
  }
  if (pools.size === 0) throw new SluiceError('SLUICE_BAD_OPTION', `${what} was given no pool`)
  return pools
}

/** A list of pools alone is easily written where pairs of name and pool are meant. */
function requireNamed<P>(entry: unknown, what: string): readonly [string, P] {
  if (Array.isArray(entry) && entry.length === 2 && typeof entry[0] === 'string') return [entry[0], entry[1]]
  throw new SluiceError(
    'SLUICE_BAD_OPTION',
    `${what} was given a list in which not each is a pair of name and pool: give an object or a Map of pools by name`,
  )
}

/** Names leave the process. Who keeps pools by their connection strings would show the passwords in them. */
function requireTellable(name: string, what: string): void {
  const told = redact(name)
  if (!name.includes('://') || told === name) return
  throw new SluiceError(
    'SLUICE_BAD_OPTION',
    `${what} was given a pool under ${JSON.stringify(told)}, with a password in it: names are shown, give it another`,
  )
}

/** Pools by name; an object of a class of somebody's is a pool of theirs that lacks something, and is said to be one. */
function hasNames(asked: unknown): asked is NamedPools<never> {
  if (typeof asked !== 'object' || asked === null) return false
  const prototype: unknown = Object.getPrototypeOf(asked)
  return Symbol.iterator in asked || prototype === null || prototype === Object.prototype
}

/**
 * Nothing but a pool has functions of all those names; a pool that is called stats is an object. What can be walked through has pools:
 * the group of `createPools()` has a `stats()` of its own.
 */
function isPool<P extends object>(
  asked: P | NamedPools<P>,
  methods: readonly (keyof P & string)[],
): asked is P {
  if (typeof asked !== 'object' || asked === null || Symbol.iterator in asked) return false
  return methods.every((method) => typeof (asked as Record<string, unknown>)[method] === 'function')
}
