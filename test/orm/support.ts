// What every ORM's test asks of the pool it was given: that it was used, within its bounds, and got everything back.
import type { EventEmitter } from 'node:events'
import { expect } from 'vitest'
import type { Peer } from '../dropin/peers.ts'
import type { OpenPool } from '../dropin/support.ts'
import { until } from '../dropin/support.ts'

export const max = 3

/** A name for this peer's table or schema: the same in every run, so that what a broken run left is taken away. */
export function nameFor(peer: Peer, orm: string): string {
  return `orm_${orm}_${peer.name.toLowerCase().replaceAll(/\W/g, '_')}`
}

export interface Watch {
  /** How many leases there were up to now. */
  readonly leases: number
  /** The most connections there were at once. */
  readonly peak: number
}

/** Counts the leases of a pool from now on. */
export function watch(pool: EventEmitter & { readonly totalCount: number }): Watch {
  const seen = { leases: 0, peak: 0 }
  pool.on('acquire', () => {
    seen.leases += 1
    seen.peak = Math.max(seen.peak, pool.totalCount)
  })
  return seen
}

/** Nothing is leased, nobody waits, and there were never more than max connections. */
export async function expectSettled(
  pool: Pick<OpenPool, 'totalCount' | 'idleCount' | 'waitingCount'>,
  seen: Watch,
): Promise<void> {
  await until(() => expect([pool.idleCount, pool.waitingCount]).toEqual([pool.totalCount, 0]))
  expect(seen.leases).toBeGreaterThan(0)
  expect(seen.peak).toBeGreaterThan(0)
  expect(seen.peak).toBeLessThanOrEqual(max)
}
