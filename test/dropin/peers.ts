// The pools the behaviour suite runs against: pg's own first, so that every expectation is proven there, then Sluice's.
import pg from 'pg'
import { Pool as SluicePool } from '../../src/index.ts'
import type { DifferenceKey } from './differences.ts'
import { differences } from './differences.ts'

export interface Peer {
  readonly name: 'pg.Pool' | 'Sluice'
  readonly Pool: typeof pg.Pool
  /** What a user writes after `import { Pool } from`. */
  readonly module: 'pg' | 'sluice'
}

// Taken before any test puts another class in its place.
const PgPool = pg.Pool

export const peers: readonly Peer[] = [
  { name: 'pg.Pool', Pool: PgPool, module: 'pg' },
  { name: 'Sluice', Pool: SluicePool as unknown as typeof pg.Pool, module: 'sluice' },
]

/** Sluice alone, for what pg-pool does not do. */
export const sluiceOnly: readonly Peer[] = peers.filter((peer) => peer.name === 'Sluice')

/** The expectation of this peer where the two differ on purpose; the key leads to the reason in `differences.ts`. */
export function differ<T>(peer: Peer, key: DifferenceKey, expected: { pgPool: T; sluice: T }): T {
  if (!(key in differences)) throw new Error(`no such difference: ${key}`)
  return peer.name === 'Sluice' ? expected.sluice : expected.pgPool
}
