import type { PoolNumbers } from '../../src/base/errors.ts'

/** Numbers of a pool in which nobody is but those who are named. */
export function numbersWith(some: Partial<PoolNumbers>): PoolNumbers {
  return {
    max: 10,
    opening: 0,
    idle: 0,
    checking: 0,
    leased: 0,
    shared: 0,
    cancelling: 0,
    closing: 0,
    waiting: 0,
    ...some,
  }
}
