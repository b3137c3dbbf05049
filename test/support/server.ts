/** A Postgres of a test's own, to be ended, frozen and brought back on the same port and data. */
import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { startPostgres } from '../../src/demo/embedded.ts'

/** How a server ends: letting sessions hear of it (SIGINT), cutting them (SIGQUIT), or as in a crash (SIGKILL). */
export type Ending = 'fast' | 'immediate' | 'kill'

/** A running server, and what can happen to it. */
export interface OwnServer {
  /** As the superuser. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** Ends it; resolves when its postmaster is gone. */
  down(how: Ending): Promise<void>
  /** Starts it again on the same port and data; resolves when it takes connections. */
  up(): Promise<void>
  /** Stops every process of it where it stands (SIGSTOP): sockets stay, nobody answers. Lasts until `thaw()`. */
  freeze(): void
  thaw(): void
  /** Runs a statement as the superuser, in a session of its own. */
  admin<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<R[]>
  stop(): Promise<void>
}

const SIGNALS: Readonly<Record<Ending, NodeJS.Signals>> = {
  fast: 'SIGINT',
  immediate: 'SIGQUIT',
  kill: 'SIGKILL',
}
const GONE_WITHIN_MILLIS = 15_000

/** Starts one; `settings` as in postgresql.conf (`max_connections`, …). */
export async function startServer(
  settings: Readonly<Record<string, string | number>> = {},
): Promise<OwnServer> {
  const embedded = await startPostgres({ settings })
  let frozen: number[] = []
  const thaw = (): void => {
    for (const pid of frozen.splice(0).reverse()) signal(pid, 'SIGCONT')
  }
  return {
    url: embedded.url,
    host: embedded.host,
    port: embedded.port,
    async down(how) {
      const { processId } = embedded
      signal(processId, SIGNALS[how])
      await gone(processId)
    },
    up: () => embedded.restart(),
    freeze() {
      // The postmaster first: once it stands still there are no new children.
      signal(embedded.processId, 'SIGSTOP')
      frozen = [embedded.processId, ...childrenOf(embedded.processId)]
      for (const pid of frozen) signal(pid, 'SIGSTOP')
    },
    thaw,
    async admin<R extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<R[]> {
      const client = new pg.Client({ connectionString: embedded.url, application_name: 'chaos-admin' })
      client.on('error', () => undefined)
      await client.connect()
      try {
        const { rows } = await client.query<R>(text, [...values])
        return rows
      } finally {
        await client.end()
      }
    },
    stop() {
      thaw()
      return embedded.stop()
    },
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    // A process that is gone has nothing left to be told.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function gone(pid: number): Promise<void> {
  for (const until = performance.now() + GONE_WITHIN_MILLIS; performance.now() < until; await sleep(5)) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
  }
  throw new Error(
    `The server's process ${pid} is still there ${GONE_WITHIN_MILLIS} ms after it was told to end.`,
  )
}

/** Each backend is a child of the postmaster, in a process group of its own. */
function childrenOf(parent: number): number[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, ppid]) => ppid === parent)
    .map(([pid]) => pid as number)
}
