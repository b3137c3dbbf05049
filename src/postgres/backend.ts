/** Asks the server, on another of the pool's connections, what the session of a client is doing. */
import type { Clock } from '../base/clock.ts'
import { within } from '../base/within.ts'
import type { Lease } from '../core/lease.ts'
import type { Pool as Engine } from '../core/pool.ts'
import type { Client } from './driver.ts'
import { processIdOf } from './driver.ts'

/** What a session is doing: it has a statement under way, or none, or is not there; or that cannot be told. */
export type Doing = 'works' | 'rests' | 'gone' | 'unknown'

interface Row {
  readonly own: number
  readonly pid: number | null
  readonly state: string | null
}

const ASK = `SELECT pg_backend_pid() AS own, pid, state FROM (SELECT) AS one LEFT JOIN pg_stat_activity ON pid = $1`

/** How long it waits for a connection to ask on, and for the answer. */
const WAIT_MILLIS = 1_000
const ANSWER_MILLIS = 2_000

/** Finds out what the session of a client is doing. Never fails: a pool that has no connection to spare cannot tell. */
export function doingOf(client: Client, engine: Engine<Client>, clock: Clock): Promise<Doing> {
  const processId = processIdOf(client)
  if (processId === undefined) return Promise.resolve('unknown')
  return new Promise((resolve) => {
    engine.request({ priority: 'high', timeoutMillis: WAIT_MILLIS, longLived: true }, (_, lease) => {
      if (lease === undefined) resolve('unknown')
      else void ask(lease, processId, clock).then(resolve)
    })
  })
}

async function ask(lease: Lease<Client>, processId: number, clock: Clock): Promise<Doing> {
  const client = lease.resource
  try {
    const { rows } = await within(clock, ANSWER_MILLIS, () => client.query<Row>(ASK, [processId]))
    if (!lease.released) lease.release()
    // The process that a pooler names is not the one that the statement runs in.
    const [row] = rows
    return row !== undefined && row.own === processIdOf(client) ? doingIn(row) : 'unknown'
  } catch (error) {
    if (!lease.released) lease.release(error)
    return 'unknown'
  }
}

function doingIn({ pid, state }: Row): Doing {
  if (pid === null) return 'gone'
  switch (state ?? 'not shown') {
    case 'idle':
    case 'idle in transaction':
    case 'idle in transaction (aborted)':
      return 'rests'
    case 'active':
    case 'fastpath function call':
      return 'works'
    default:
      return 'unknown'
  }
}
