/** The Postgres of the test run, and a view of its sessions from outside the pool under test. */
import pg from 'pg'
import { inject } from 'vitest'
import type {} from './global-postgres.ts'

/** The connection string of the run's server. */
export function databaseUrl(): string {
  return inject('databaseUrl')
}

/** Runs `fn` with a plain client of its own, connected and closed around it. */
export async function withClient<R>(
  fn: (client: pg.Client) => Promise<R>,
  url: string = databaseUrl(),
): Promise<R> {
  const client = new pg.Client({ connectionString: url, application_name: 'sluice-test-admin' })
  await client.connect()
  try {
    return await fn(client)
  } finally {
    await client.end()
  }
}

const countSessions = {
  name: 'count-sessions',
  text: `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = $1 AND backend_type = 'client backend'`,
}

/** How many sessions the server counts under `applicationName` now. */
export function sessions(applicationName: string, url: string = databaseUrl()): Promise<number> {
  return withClient(async (client) => {
    const { rows } = await client.query<{ n: number }>({ ...countSessions, values: [applicationName] })
    return rows[0]?.n ?? 0
  }, url)
}

/** A running watch on the number of sessions. */
export interface SessionWatch {
  /** The highest number seen so far. */
  readonly max: number
  /** Ends the watch; `samples` is how often it looked. */
  stop(): Promise<{ max: number; samples: number }>
}

/**
 * Counts the sessions under `applicationName` as fast as one connection can, and keeps the maximum; resolves
 * after the first sample.
 */
export async function watchSessions(
  applicationName: string,
  url: string = databaseUrl(),
): Promise<SessionWatch> {
  const monitor = new pg.Client({ connectionString: url, application_name: 'sluice-test-monitor' })
  await monitor.connect()
  const seen = { max: 0, samples: 0 }
  let stopping = false
  const sample = async (): Promise<void> => {
    const { rows } = await monitor.query<{ n: number }>({ ...countSessions, values: [applicationName] })
    seen.max = Math.max(seen.max, rows[0]?.n ?? 0)
    seen.samples++
  }
  await sample()
  const watching = (async () => {
    while (!stopping) await sample()
  })()
  // Whoever stops the watch hears of its failure; until then it must not count as unhandled.
  watching.catch(() => {})
  return {
    get max() {
      return seen.max
    },
    async stop() {
      stopping = true
      try {
        await watching
      } finally {
        await monitor.end()
      }
      return { ...seen }
    },
  }
}
