/** Asks the server, on another connection, what the session of a client is doing. */
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

/** How long it waits for a connection to ask on, for one of its own to open, and for the answer. */
const WAIT_MILLIS = 1_000
const OPEN_MILLIS = 5_000
const ANSWER_MILLIS = 2_000

/** What {@link Backends} work with. */
export interface BackendsParts {
  readonly engine: Engine<Client>
  readonly clock: Clock
  open(signal: AbortSignal): Promise<Client>
  close(client: Client, signal: AbortSignal): Promise<void>
}

export class Backends {
  readonly #parts: BackendsParts
  /** Sessions beside the pool's come one after another. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: BackendsParts) {
    this.#parts = parts
  }

  /**
   * Finds out what the session of a client is doing. Never fails: it may be that nobody can tell.
   * @param isUrgent asks on a session beside the pool's, for a moment, where the pool has no connection to spare
   */
  async doing(client: Client, isUrgent: boolean): Promise<Doing> {
    const processId = processIdOf(client)
    if (processId === undefined) return 'unknown'
    const lease = await this.#lease()
    if (lease !== undefined) return this.#askOn(lease, processId)
    if (!isUrgent) return 'unknown'
    const asked = this.#turn.then(() => this.#askBeside(processId))
    this.#turn = asked
    return asked
  }

  #lease(): Promise<Lease<Client> | undefined> {
    const options = { priority: 'high', timeoutMillis: WAIT_MILLIS, longLived: true } as const
    return new Promise((resolve) => this.#parts.engine.request(options, (_, lease) => resolve(lease)))
  }

  async #askOn(lease: Lease<Client>, processId: number): Promise<Doing> {
    try {
      const doing = await this.#ask(lease.resource, processId)
      if (!lease.released) lease.release()
      return doing
    } catch (error) {
      if (!lease.released) lease.release(error)
      return 'unknown'
    }
  }

  async #askBeside(processId: number): Promise<Doing> {
    const { clock, close, open } = this.#parts
    try {
      const client = await within(clock, OPEN_MILLIS, open)
      try {
        return await this.#ask(client, processId)
      } finally {
        await within(clock, ANSWER_MILLIS, (signal) => close(client, signal))
      }
    } catch {
      // The server may let nobody in; there is nobody to tell, and the next round asks again.
      return 'unknown'
    }
  }

  async #ask(client: Client, processId: number): Promise<Doing> {
    const { rows } = await within(this.#parts.clock, ANSWER_MILLIS, () => client.query<Row>(ASK, [processId]))
    const [row] = rows
    // The process that a pooler names is not the one that the statement runs in.
    return row !== undefined && row.own === processIdOf(client) ? doingIn(row) : 'unknown'
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
