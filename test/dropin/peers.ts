// The pools the behaviour suite runs against: pg's own first, so that every expectation is proven there, then Sluice's.
import { existsSync } from 'node:fs'
import pg from 'pg'
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

const home = new URL('../../src/postgres/pool.ts', import.meta.url)

async function sluice(): Promise<Peer[]> {
  if (!existsSync(home)) return []
  const { Pool } = (await import(home.href)) as { Pool: typeof pg.Pool }
  return [{ name: 'Sluice', Pool, module: 'sluice' }]
}

export const peers: readonly Peer[] = [{ name: 'pg.Pool', Pool: PgPool, module: 'pg' }, ...(await sluice())]

/** Sluice alone, for what pg-pool does not do: empty until there is one. */
export const sluiceOnly: readonly Peer[] = peers.filter((peer) => peer.name === 'Sluice')

/** The expectation of this peer where the two differ on purpose; the key leads to the reason in `differences.ts`. */
export function differ<T>(peer: Peer, key: DifferenceKey, expected: { pgPool: T; sluice: T }): T {
  if (!(key in differences)) throw new Error(`no such difference: ${key}`)
  return peer.name === 'Sluice' ? expected.sluice : expected.pgPool
}
