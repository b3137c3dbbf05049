/** What happens around the statements of a pool: sessions are killed, tables change, sessions are reset. */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { randomOf } from '../../src/demo/workload/random.ts'
import type { Pool } from '../../src/index.ts'
import { withClient } from '../support/postgres.ts'

const KILL_EVERY_MILLIS = 200
const CHANGE_EVERY_MILLIS = 100

/** What has happened so far. */
export interface Chaos {
  readonly kills: number
  readonly changes: number
  /** Failures of a change that a killed session does not explain. */
  readonly failures: readonly string[]
  stop(): Promise<void>
}

/** Whether an error says that its connection is gone, and so nothing of what became of the statement. */
export function isLost(error: unknown): boolean {
  const { code, message, severity } = error as pg.DatabaseError
  if (severity === 'FATAL') return code === '57P01'
  return (
    code === 'ECONNRESET' ||
    code === 'EPIPE' ||
    code === 'SLUICE_CONNECTION_LOST' ||
    message.startsWith('Connection terminated') ||
    /connection error and is not queryable/.test(message)
  )
}

/** Starts; `name` is the application_name of the pool's sessions. */
export function startChaos(pool: Pool, name: string, schema: string): Chaos {
  const random = randomOf('chaos', name)
  const changes = [
    `ALTER TABLE ${schema}.altered ADD COLUMN IF NOT EXISTS c text DEFAULT 'c'`,
    'DISCARD ALL',
    `CREATE INDEX IF NOT EXISTS altered_a ON ${schema}.altered (a)`,
    `CREATE INDEX IF NOT EXISTS tagged_tag ON ${schema}.tagged (tag)`,
    'DISCARD ALL',
    `ALTER TABLE ${schema}.altered DROP COLUMN IF EXISTS c`,
    `DROP INDEX IF EXISTS ${schema}.altered_a`,
    'DISCARD ALL',
    `DROP INDEX IF EXISTS ${schema}.tagged_tag`,
  ]
  const seen = { kills: 0, changes: 0, failures: [] as string[] }
  const stopping = new AbortController()
  const change = async (client: pg.Client): Promise<void> => {
    const text = changes[seen.changes++ % changes.length] as string
    try {
      // A reset is for a session of the pool; the rest comes from inside and outside alike.
      if (text === 'DISCARD ALL' || random.chance(0.5)) await pool.query(text)
      else await client.query(text)
    } catch (error) {
      if (!isLost(error)) seen.failures.push(`${text}: ${String(error)}`)
    }
  }
  const kill = async (client: pg.Client): Promise<void> => {
    const { rowCount } = await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = $1 AND backend_type = 'client backend' ORDER BY random() LIMIT 1`,
      [name],
    )
    seen.kills += rowCount ?? 0
  }
  const { signal } = stopping
  const running = Promise.all([
    every(KILL_EVERY_MILLIS, kill, signal),
    every(CHANGE_EVERY_MILLIS, change, signal),
  ])
  // Whoever stops it hears of its failure; until then it must not count as unhandled.
  running.catch(() => undefined)
  return {
    get kills() {
      return seen.kills
    },
    get changes() {
      return seen.changes
    },
    get failures() {
      return seen.failures
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}

/** Does something again and again, with a client of its own. */
function every(
  millis: number,
  act: (client: pg.Client) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  return withClient(async (client) => {
    while (!signal.aborted) {
      await act(client)
      await sleep(millis, undefined, { signal }).catch(() => undefined)
    }
  })
}
