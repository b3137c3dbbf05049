/** Pools that outlive the modules that ask for them: a development server that loads code anew must not connect anew each time. */
import { SluiceError } from '../base/errors.ts'
import type { PoolConfig } from './config.ts'
import type { Pools, PoolsOptions } from './pools.ts'
import { createPools } from './pools.ts'

type Made = Parameters<typeof createPools>

interface Kept {
  readonly made: Made
  readonly pools: Pools
}

/** Symbol.for, so that two copies of this module find the same pools. */
const REGISTRY: unique symbol = Symbol.for('sluice.pools') as never

function registry(): Map<string, Kept> {
  const place = globalThis as { [REGISTRY]?: Map<string, Kept> }
  place[REGISTRY] ??= new Map()
  return place[REGISTRY]
}

/**
 * As `createPools`, but the same `key` gives the same pools, however often and from however many copies of a module it is
 * called. With other options the old pools end, serving what they have under way, and new ones take their place; so do they
 * after an `end()`. Functions count as the same while their text is.
 * @throws SLUICE_BAD_OPTION naming the pool and the option; then the old pools stay
 */
export function globalPools<const Name extends string>(
  key: string,
  configs: Readonly<Record<Name, PoolConfig>>,
  options: PoolsOptions,
): Pools<Name> {
  if (typeof key !== 'string' || key === '')
    throw new SluiceError('SLUICE_BAD_OPTION', 'globalPools needs a key, which is a string that is not empty')
  const all = registry()
  const kept = all.get(key)
  const made: Made = [configs, options]
  if (kept !== undefined && !kept.pools.ending && isSame(kept.made, made)) return kept.pools as Pools<Name>
  const pools = createPools(configs, options)
  all.set(key, { made: copyOf(made) as Made, pools: pools as Pools })
  // Nothing can be wrong with its end, and whoever is under way there is served.
  void kept?.pools.end()
  return pools
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === Object.prototype || prototype === null
}

/** The caller may change its objects later. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf)
  if (!isPlain(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, copyOf(part)]))
}

function isSame(a: unknown, b: unknown): boolean {
  if (typeof a === 'function' && typeof b === 'function') return a === b || String(a) === String(b)
  if (!isPlain(a) || !isPlain(b)) return Object.is(a, b)
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...names].every((name) => isSame(a[name], b[name]))
}
