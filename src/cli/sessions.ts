/** How many connections a pool really had: as the server counts them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { PgClient } from '../postgres/driver.ts'

/** Counts sessions by application name, over a connection of its own. */
export interface SessionWatch {
  /** Looks at the sessions of `applicationName` until `stop`, and remembers the most seen under that name. */
  watch(applicationName: string): () => Promise<void>
  /** The most ever seen. */
  most(applicationName: string): number
  /** Has the server end the sessions of `applicationName`, whatever they do. */
  cut(applicationName: string): Promise<void>
  end(): Promise<void>
}

// Often enough not to miss a peak of a pool that keeps its connections for seconds, rare enough to cost nothing.
const everyMillis = 50

const count = `SELECT count(*)::int AS n FROM pg_stat_activity
  WHERE application_name = $1 AND coalesce(backend_type, 'client backend') = 'client backend'`

const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE application_name = $1 AND usename = current_user AND pid <> pg_backend_pid()`

/** Connects, under an application name of its own. */
export async function openSessionWatch(url: string, ownName: string): Promise<SessionWatch> {
  const client = new PgClient({
    connectionString: url,
    application_name: ownName,
    connectionTimeoutMillis: 10_000,
  })
  client.on('error', () => {})
  await client.connect()
  const seen = new Map<string, number>()
  const look = async (name: string): Promise<void> => {
    const { rows } = await client.query<{ n: number }>(count, [name])
    seen.set(name, Math.max(seen.get(name) ?? 0, rows[0]?.n ?? 0))
  }
  return {
    watch(name) {
      const stopping = new AbortController()
      const watching = (async () => {
        while (!stopping.signal.aborted) {
          await look(name)
          await sleep(everyMillis, undefined, { signal: stopping.signal }).catch(() => {})
        }
      })()
      // Whoever stops the watch hears of its failure; until then it must not count as unhandled.
      watching.catch(() => {})
      return async () => {
        stopping.abort()
        await watching
      }
    },
    most: (name) => seen.get(name) ?? 0,
    cut: async (name) => {
      await client.query(cut, [name])
    },
    end: () => client.end(),
  }
}
