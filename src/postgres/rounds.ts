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
import type { ConnectionRow } from '../core/stats.ts'
import type { Doing } from './backend.ts'
import type { Client } from './driver.ts'
import { bytesRead, isBusy, isInTransaction } from './driver.ts'
import type { Reach } from './side.ts'

/** What an answer may take once the server is back, before what was asked counts as lost on the way. */
const ANSWER_MILLIS = 500

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
  /** Asks the server on another connection what the session of a client is doing; at any cost where that is urgent. */
  readonly doing: (client: Client, isUrgent: boolean) => Promise<Doing>
  /** Asks the server's address whether somebody is there. */
  readonly reach: (client: Client) => Promise<Reach>
  /** Cuts a connection on which nothing can be heard. */
  readonly cut: (client: Client, error: Error) => void
  /** Waits no longer for the server to let go of what was cut. */
  readonly letGo: () => void
  /** Waits no longer for the server to take note that a connection is closed. */
  readonly giveUpClose: (client: Client) => void
  readonly numbers: () => PoolNumbers
}

/** A connection that waits for an answer, and since when in silence. */
interface Silent {
  readonly client: Client
  readonly since: number
}

/** An answer that none came, or a refusal. */
type Missing = Extract<Reach, { is: 'silent' | 'refused' }>

/** A time in which the server could not be reached. */
interface Away {
  readonly from: number
  /** When it answered again; infinite until then. */
  readonly until: number
  /** Whether more than one question says so. */
  readonly isSure: boolean
}

/** A connection as it was at the last look. */
interface Look {
  bytes: number | undefined
  /** Since when nothing has come, or the last time that the server was known to be there. */
  silentSince: number
  /** Since when it waits for what it waits for now. */
  waitingSince: number
  /** Since when no statement is under way. */
  restingSince: number | undefined
  /** The server has said once that it does nothing for it. */
  missed: boolean
  /** The server is being asked what it does for it. */
  isAsked: boolean
}

export class Rounds {
  readonly #parts: RoundsParts
  readonly #looks = new WeakMap<Client, Look>()
  /** Connections that wait for an answer in silence, since when. */
  #silent: Silent[] = []
  /** Connections that have waited for that long, also those that were asked about. */
  #unheard: Look[] = []
  /** Whether nothing is heard on any connection, and some of them carry what has always been short: they are hardly all busy. */
  #isMute = false
  /** Whether the server could not be reached when it was asked last. */
  #down = false
  #learnedFrom = 0
  /** A client that knows the address, for when all are cut and gone. */
  #asked: Client | undefined
  /** The last time that the server was away. */
  #away: Away | undefined
  /** To be attached to the engine. */
  readonly hooks: Hooks<Client> = {
    beat: (now) => this.#look(now),
    // Who else waits should not wait for the next beat.
    opened: () => this.#down && this.#ask(this.#parts.clock.now()),
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
    this.#unheard = []
    let hangsSince = now
    let lent = 0
    let sharing = false
    for (const { resource, sinceMillis, state } of engine.connections()) {
      const since = Math.max(0, now - sinceMillis)
      const isLent = state === 'leased' || state === 'shared'
      // What is idle waits for nothing; all else should be over soon.
      if (!isLent && state !== 'idle' && sinceMillis > OPEN_PATIENCE_MILLIS)
        hangsSince = Math.min(hangsSince, since)
      if (resource === undefined) continue
      if (isLent) {
        this.#lookAt(resource, state === 'leased', since, now)
        lent += 1
        sharing ||= state === 'shared'
      } else if (this.#wasSaidInto(since, now)) this.#giveUp(resource, state)
    }
    this.#isMute = sharing && this.#unheard.length === lent
    if (silenceMillis === Number.POSITIVE_INFINITY) return
    if (hangsSince < now || this.#down || this.#silent.length > 0) this.#ask(now, hangsSince)
  }

  #lookAt(client: Client, isAlone: boolean, lentAt: number, now: number): void {
    const { silenceMillis } = this.#parts
    const bytes = bytesRead(client)
    const busy = isBusy(client)
    const last = this.#looks.get(client)
    const look = last ?? {
      bytes,
      silentSince: now,
      waitingSince: now,
      restingSince: undefined,
      missed: false,
      isAsked: false,
    }
    if (last === undefined) this.#looks.set(client, look)
    if (busy) look.restingSince = undefined
    // What came since the last look belongs to a statement in between.
    else if (look.restingSince === undefined || look.bytes !== bytes) look.restingSince = now
    else look.restingSince = Math.max(look.restingSince, lentAt)
    if (!busy || look.bytes !== bytes) {
      look.bytes = bytes
      look.waitingSince = now
      look.missed = false
    }
    look.waitingSince = Math.max(look.waitingSince, lentAt)
    look.silentSince = Math.max(look.silentSince, look.waitingSince)
    const since = look.silentSince
    if (bytes !== undefined && now - since >= silenceMillis) this.#silent.push({ client, since })
    if (bytes !== undefined && now - look.waitingSince >= silenceMillis) this.#unheard.push(look)
    if (isAlone && look.restingSince !== undefined) this.#lookAtRest(client, now - look.restingSince)
  }

  /** Whether what is under way since then was said while the server was away, and has had time to be answered since it is back. */
  #wasSaidInto(since: number, now: number): boolean {
    const away = this.#away
    return away !== undefined && !this.#down && since <= away.until && now - away.until >= ANSWER_MILLIS
  }

  /** A check, a cancellation or a goodbye that was lost on the way. */
  #giveUp(client: Client, state: ConnectionRow['state']): void {
    const { cut, giveUpClose, letGo } = this.#parts
    if (state === 'closing') return giveUpClose(client)
    if (state !== 'checking' && state !== 'cancelling') return
    cut(client, new Error('the server was away, and has not answered since it is back'))
    letGo()
  }

  #lookAtRest(client: Client, millis: number): void {
    const { engine, idleInTransactionMillis, numbers } = this.#parts
    if (millis < idleInTransactionMillis || !isInTransaction(client)) return
    const text = `the transaction did nothing for ${show(millis)} (idleInTransactionTimeout) and is rolled back; its connection was taken back. Do not wait for anything but the database inside a transaction, and end it on every path`
    engine.revoke(
      client,
      'abandoned',
      new SluiceError('SLUICE_TRANSACTION_TIMEOUT', text, {
        phase: 'query',
        numbers: numbers(),
        outcome: 'not-sent',
      }),
    )
  }

  // The way to the server ------------------------------------------------------------------------------------------------

  /** @param from since when the server may have been away, as far as opens and checks tell */
  #ask(now: number, from: number = now): void {
    const client = this.#parts.someClient() ?? this.#asked
    if (client === undefined) return
    this.#asked = client
    const silent = this.#silent
    void this.#parts.reach(client).then((answer) => {
      // An older question may be answered later.
      if (answer.is === 'unknown' || now < this.#learnedFrom) return
      this.#learnedFrom = now
      if (answer.is === 'answers') this.#answers(silent)
      else this.#isAway(answer, silent, from)
    })
  }

  /** The server is there: whoever waits in silence may go on, since a statement may take long. */
  #answers(silent: readonly Silent[]): void {
    const { clock, engine, letGo, silenceMillis } = this.#parts
    const now = clock.now()
    this.#asked = undefined
    if (this.#down) {
      this.#down = false
      if (this.#away !== undefined) this.#away = { ...this.#away, until: now }
      letGo()
      engine.reachable()
    }
    for (const { client, since } of silent) {
      const look = this.#looks.get(client)
      if (look === undefined) continue
      if (!this.#wasSentInto(look.waitingSince)) this.#askAbout(client, look, now)
      else if (now - (this.#away?.until ?? now) >= silenceMillis) {
        this.#cut(
          client,
          since,
          'it was away when the statement was sent, and has answered nothing since it is back',
        )
        letGo()
      }
    }
  }

  /** The server is there, and the statement may take long; or what it has said, or was told, was lost on the way. */
  #askAbout(client: Client, look: Look, now: number): void {
    const { clock, doing, letGo, silenceMillis } = this.#parts
    look.silentSince = now
    if (look.isAsked) return
    look.isAsked = true
    const { waitingSince } = look
    void doing(client, this.#isMute).then((what) => {
      look.isAsked = false
      if (look.waitingSince !== waitingSince || look.bytes !== bytesRead(client)) return
      if (what === 'works' || what === 'unknown') look.missed = false
      else if (look.missed) {
        const why = 'its session does nothing for this connection: what one side said was lost'
        this.#cut(client, look.silentSince, why)
        letGo()
        // What has lost one connection may have lost the others in the same moment.
        for (const other of this.#unheard) other.silentSince = clock.now() - silenceMillis
      } else {
        // An answer may be on its way in this very moment. The next round asks again.
        look.missed = true
        look.silentSince = clock.now() - silenceMillis
      }
    })
  }

  /** Whether what is silent since then was sent while the server was away: it may never have arrived, and then nothing ever will. */
  #wasSentInto(since: number): boolean {
    const away = this.#away
    return away?.isSure === true && since >= away.from && since <= away.until
  }

  #isAway({ is, why }: Missing, silent: readonly Silent[], from: number): void {
    // One question may be lost on the best of ways, and a statement of an hour is worth a second one.
    const isSure = this.#down || is === 'refused'
    if (!this.#down) this.#parts.engine.doubt()
    const since = Math.min(from, ...silent.map((one) => one.since))
    this.#away = {
      from: this.#down ? (this.#away?.from ?? since) : since,
      until: Number.POSITIVE_INFINITY,
      isSure,
    }
    this.#down = true
    if (!isSure) return
    for (const { client, since } of silent) this.#cut(client, since, `it cannot be reached: ${why}`)
  }

  #cut(client: Client, since: number, why: string): void {
    const { clock, cut, numbers } = this.#parts
    const look = this.#looks.get(client)
    // It has been heard of since it was asked about.
    if (look?.silentSince !== since || look.bytes !== bytesRead(client) || !isBusy(client)) return
    const text = `nothing was heard from the server for ${show(clock.now() - look.waitingSince)} (silenceTimeoutMillis), and ${why}; the statement may have taken effect`
    const told = { phase: 'query', numbers: numbers(), outcome: 'unknown' } as const
    cut(client, new SluiceError('SLUICE_CONNECTION_LOST', text, told))
  }
}

function show(millis: number): string {
  return `${Math.round(millis).toLocaleString('en-US')} ms`
}
