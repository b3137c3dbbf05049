/**
 * Looks at every lent connection once a second: whether the server can still be heard on it, and whether its holder has left a
 * transaction standing. What is found costs nothing on the way of a statement.
 */
import type { Clock } from '../base/clock.ts'
import type { PoolNumbers } from '../base/errors.ts'
import { SluiceError } from '../base/errors.ts'
import { OPEN_PATIENCE_MILLIS } from '../core/callers.ts'
import type { Hooks } from '../core/hooks.ts'
import type { Pool as Engine } from '../core/pool.ts'
import type { Client } from './driver.ts'
import { bytesRead, isBusy, isInTransaction } from './driver.ts'
import type { Reach } from './side.ts'

/** What {@link Rounds} work with. */
export interface RoundsParts {
  readonly engine: Engine<Client>
  readonly clock: Clock
  /** Silence on a connection whose statement is not answered, from which on the server is asked whether it is there; infinite for never. */
  readonly silenceMillis: number
  /** How long a transaction may do nothing; infinite without a limit. */
  readonly idleInTransactionMillis: number
  /** Any client that knows the server's address. */
  readonly someClient: () => Client | undefined
  /** Asks the server's address whether somebody is there. */
  readonly reach: (client: Client) => Promise<Reach>
  /** Cuts a connection on which nothing can be heard. */
  readonly cut: (client: Client, error: Error) => void
  readonly numbers: () => PoolNumbers
}

/** A connection that waits for an answer, and for how long in silence. */
interface Silent {
  readonly client: Client
  readonly millis: number
}

/** A connection as it was at the last look. */
interface Look {
  bytes: number | undefined
  /** Since when nothing has come. */
  silentSince: number
  /** Since when no statement is under way. */
  restingSince: number | undefined
}

export class Rounds {
  readonly #parts: RoundsParts
  readonly #looks = new WeakMap<Client, Look>()
  /** Connections that wait for an answer in silence, by how long. */
  #silent: Silent[] = []
  /** Whether the server could not be reached when it was asked last. */
  #down = false
  #learnedFrom = 0
  /** To be attached to the engine. */
  readonly hooks: Hooks<Client> = {
    beat: (now) => this.#look(now),
    opened: () => {
      this.#down = false
    },
  }

  constructor(parts: RoundsParts) {
    this.#parts = parts
  }

  /** Milliseconds since a lent connection last had a statement under way, to the second; 0 while one is. */
  restingMillis(client: Client, now: number): number {
    const since = this.#looks.get(client)?.restingSince
    return since === undefined ? 0 : now - since
  }

  #look(now: number): void {
    const { engine, silenceMillis } = this.#parts
    this.#silent = []
    let hangs = false
    for (const { resource, sinceMillis, state } of engine.connections()) {
      if (state === 'opening') hangs ||= sinceMillis > OPEN_PATIENCE_MILLIS
      else if (resource !== undefined && (state === 'leased' || state === 'shared'))
        this.#lookAt(resource, state === 'leased', Math.max(0, now - sinceMillis), now)
    }
    if (silenceMillis === Number.POSITIVE_INFINITY) return
    if (hangs || this.#down || this.#silent.length > 0) this.#ask(now)
  }

  #lookAt(client: Client, isAlone: boolean, lentAt: number, now: number): void {
    const { silenceMillis } = this.#parts
    const bytes = bytesRead(client)
    const busy = isBusy(client)
    const last = this.#looks.get(client)
    const look = last ?? { bytes, silentSince: now, restingSince: undefined }
    if (last === undefined) this.#looks.set(client, look)
    if (busy) look.restingSince = undefined
    // What came since the last look belongs to a statement in between.
    else if (look.restingSince === undefined || look.bytes !== bytes) look.restingSince = now
    else look.restingSince = Math.max(look.restingSince, lentAt)
    if (!busy || look.bytes !== bytes) {
      look.bytes = bytes
      look.silentSince = now
    }
    const millis = now - look.silentSince
    if (bytes !== undefined && millis >= silenceMillis) this.#silent.push({ client, millis })
    if (isAlone && look.restingSince !== undefined) this.#lookAtRest(client, now - look.restingSince)
  }

  #lookAtRest(client: Client, millis: number): void {
    const { engine, idleInTransactionMillis, numbers } = this.#parts
    if (millis < idleInTransactionMillis || !isInTransaction(client)) return
    const text = `the transaction did nothing for ${show(millis)} (idleInTransactionTimeout) and is rolled back; its connection was taken back. Do not wait for anything but the database inside a transaction, and end it on every path`
    engine.revoke(
      client,
      'abandoned',
      new SluiceError('SLUICE_TRANSACTION_TIMEOUT', text, { phase: 'query', numbers: numbers() }),
    )
  }

  // The way to the server ------------------------------------------------------------------------------------------------

  #ask(now: number): void {
    const client = this.#parts.someClient()
    if (client === undefined) return
    const silent = this.#silent
    void this.#parts.reach(client).then((answer) => {
      // An older question may be answered later.
      if (now < this.#learnedFrom) return
      this.#learnedFrom = now
      if (answer.is === 'answers') this.#answers(silent)
      else this.#isAway(answer, silent)
    })
  }

  /** The server is there: whoever waits in silence may go on, since a statement may take long. */
  #answers(silent: readonly Silent[]): void {
    const now = this.#parts.clock.now()
    for (const { client } of silent) {
      const look = this.#looks.get(client)
      if (look !== undefined) look.silentSince = now
    }
    if (!this.#down) return
    this.#down = false
    this.#parts.engine.reachable()
  }

  #isAway(answer: Exclude<Reach, { is: 'answers' }>, silent: readonly Silent[]): void {
    const { cut, engine, numbers } = this.#parts
    if (!this.#down) engine.doubt()
    this.#down = true
    for (const { client, millis } of silent) {
      if (!isBusy(client) || bytesRead(client) !== this.#looks.get(client)?.bytes) continue
      const text = `nothing was heard from the server for ${show(millis)} (silenceTimeoutMillis), and it cannot be reached: ${answer.why}; the statement may have taken effect`
      cut(
        client,
        new SluiceError('SLUICE_CONNECTION_LOST', text, {
          phase: 'query',
          numbers: numbers(),
          outcome: 'unknown',
        }),
      )
    }
  }
}

function show(millis: number): string {
  return `${Math.round(millis).toLocaleString('en-US')} ms`
}
