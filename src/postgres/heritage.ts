/** What it takes to be a child of pg's pool without being one inside. */
import type { PoolConfig } from './config.ts'
import { PgPool } from './driver.ts'

/** The options as super() may have them: it writes into `ssl`, and copies only what is enumerable. */
export function ownCopy(config: PoolConfig): PoolConfig {
  const copy: PoolConfig = { ...config }
  if (typeof config.ssl === 'object')
    copy.ssl = Object.defineProperties({}, Object.getOwnPropertyDescriptors(config.ssl))
  if (config.password !== undefined) copy.password = config.password
  return copy
}

/** What pg-pool does inside itself must not run on a pool whose inside is another one. */
export function refuseInside(prototype: object): void {
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(PgPool.prototype))) {
    if (Object.hasOwn(prototype, name)) continue
    const value = () => {
      throw new Error(`${name} belongs to the inside of pg-pool, which Sluice does not have`)
    }
    Object.defineProperty(prototype, name, { value, configurable: true, writable: true })
  }
}
