/** How many sessions the server counts, seen from outside the pool, through whatever happens to the server. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

export interface Sessions {
  readonly most: number
  stop(): Promise<void>
}

const EVERY_MILLIS = 20
const COUNT = {
  name: 'count',
  text: `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = $1 AND backend_type = 'client backend'`,
}

/** Looks many times a second; while the server does not answer there is nothing to count. */
export function watchSessions(url: string, name: string): Sessions {
  const stopping = new AbortController()
  let most = 0
  let client: pg.Client | undefined
  const look = async (): Promise<void> => {
    if (client === undefined) {
      const fresh = new pg.Client({ connectionString: url, application_name: 'chaos-monitor' })
      fresh.on('error', () => undefined)
      await fresh.connect()
      client = fresh
    }
    const { rows } = await client.query<{ n: number }>({ ...COUNT, values: [name] })
    most = Math.max(most, rows[0]?.n ?? 0)
  }
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      await look().catch(() => {
        client?.end().catch(() => undefined)
        client = undefined
      })
      await sleep(EVERY_MILLIS)
    }
  })()
  return {
    get most() {
      return most
    },
    async stop() {
      stopping.abort()
      // The last look may wait for a server that stands still.
      await Promise.race([watching, sleep(2_000, undefined, { ref: false })])
      await Promise.race([client?.end().catch(() => undefined), sleep(1_000, undefined, { ref: false })])
    },
  }
}
