/** Whether a connection is still good for what the pool needs: what its server has said on it, and whether that server takes writes. */

import { codeOf, SluiceError } from '../base/errors.ts'
import type { Reusable } from '../core/driver.ts'
import type { Classify, Verdict } from './classify.ts'
import { verdictOf } from './classify.ts'
import type { Client } from './driver.ts'
import { activeOf, onServerWords } from './driver.ts'
import { Flight } from './lanes/flight.ts'
import { poolerSays } from './pooler.ts'

/** What a pool expects of its server, in libpq's words: any server, or one that takes writes. */
export type TargetSessionAttrs = 'any' | 'read-write'

/** What {@link Fitness} works with. */
export interface FitnessParts {
  readonly classify: Classify | undefined
  /** Undefined: a server that took writes when the connection opened should go on taking them. */
  readonly targetSessionAttrs: TargetSessionAttrs | undefined
  /** The server of this connection is not the one that the pool needs any more, and neither is that of the others. */
  onGone(client: Client): void
  /** The server ends this connection, perhaps not alone. Called before whoever waits on it is told, since he may ask for another one at once. */
  onEnding(): void
}

/** What is known of one connection. */
interface Knowledge {
  verdict: Verdict
  /** Settings by which the server tells that it takes no writes; it reports both since Postgres 14. */
  readonly readOnly: Map<string, boolean>
  /** Whether it took writes when it was opened. */
  tookWrites: boolean
  open: boolean
  /** The server has ended the session by its own word. */
  isDismissed: boolean
}

const TELLING = ['in_hot_standby', 'default_transaction_read_only']

/** Of the session's own setting only what RESET would make of it: `SET` is its holder's business. */
const ASK = `SELECT pg_is_in_recovery() OR reset_val = 'on' AS readonly FROM pg_settings WHERE name = 'default_transaction_read_only'`

const RANK: Readonly<Record<Verdict, number>> = { keep: 0, ask: 1, retire: 2, renew: 3 }

export class Fitness {
  readonly #parts: FitnessParts
  readonly #known = new WeakMap<Client, Knowledge>()
  /** Whether any connection took writes when it was opened: then one that did not leads to a server that was the right one once. */
  #tookWrites = false

  constructor(parts: FitnessParts) {
    this.#parts = parts
  }

  /** Listens to what is said on a connection. Call before it connects. */
  watch(client: Client): void {
    const knowledge: Knowledge = {
      verdict: 'keep',
      readOnly: new Map(),
      tookWrites: false,
      open: false,
      isDismissed: false,
    }
    this.#known.set(client, knowledge)
    onServerWords(client, {
      error: (error) => this.#heard(client, knowledge, error),
      parameter: (name, value) => {
        if (!TELLING.includes(name)) return
        knowledge.readOnly.set(name, value === 'on')
        if (value === 'on' && knowledge.tookWrites) this.#note(client, knowledge, 'ask')
      },
    })
  }

  /** The connection is open. @throws SLUICE_OPEN_FAILED where the pool needs a server that takes writes and this one does not */
  async admit(client: Client): Promise<void> {
    const { targetSessionAttrs } = this.#parts
    const knowledge = this.#known.get(client)
    if (knowledge === undefined) return
    knowledge.open = true
    if (targetSessionAttrs === 'any') return
    const { readOnly } = knowledge
    const tells = TELLING.every((name) => readOnly.has(name))
    knowledge.tookWrites = tells && ![...readOnly.values()].includes(true)
    this.#tookWrites ||= knowledge.tookWrites
    if (targetSessionAttrs !== 'read-write' || knowledge.tookWrites) return
    if (tells || (await isReadOnly(client))) {
      const text = `the server takes no writes (it is a standby, or default_transaction_read_only is on) and targetSessionAttrs is 'read-write'`
      throw new SluiceError('SLUICE_OPEN_FAILED', text, { phase: 'open' })
    }
    knowledge.tookWrites = true
    this.#tookWrites = true
  }

  /** Whether nothing was said on a connection that speaks against using it. */
  isFit(client: Client): boolean {
    const verdict = this.#known.get(client)?.verdict
    return verdict === undefined || verdict === 'keep'
  }

  /** Whether the server has ended the session by its own word. */
  isDismissed(client: Client): boolean {
    return this.#known.get(client)?.isDismissed === true
  }

  /** What becomes of a connection that is at rest. */
  judge(client: Client): Reusable | Promise<Reusable> {
    const knowledge = this.#known.get(client)
    switch (knowledge?.verdict) {
      case undefined:
      case 'keep':
        return true
      case 'ask':
        return this.#ask(client, knowledge)
      case 'retire':
      case 'renew':
        return 'unfit'
    }
  }

  async #ask(client: Client, knowledge: Knowledge): Promise<Reusable> {
    knowledge.verdict = 'keep'
    if (!(await isReadOnly(client))) return true
    // The others may have been opened since, and lead to another server.
    if (knowledge.tookWrites) this.#parts.onGone(client)
    return 'unfit'
  }

  #heard(client: Client, knowledge: Knowledge, error: Error): void {
    explain(error)
    if (knowledge.open && endsSession(error)) this.#parts.onEnding()
    const { classify } = this.#parts
    const { severity } = error as { severity?: unknown }
    if (severity === 'FATAL' || severity === 'PANIC') knowledge.isDismissed = true
    const own = activeOf(client) instanceof Flight && healsByItself(error) ? 'keep' : verdictOf(error)
    let verdict = own
    try {
      if (classify !== undefined) verdict = classify(error, own)
    } catch (mistake) {
      // Thrown here it would end the reading of the server's answer, and whoever waits for that would wait for ever.
      queueMicrotask(() => {
        throw mistake
      })
    }
    this.#note(client, knowledge, verdict)
  }

  #note(client: Client, knowledge: Knowledge, verdict: Verdict): void {
    if (verdict === 'ask' && !this.#tookWrites) return
    if (RANK[verdict] <= RANK[knowledge.verdict]) return
    knowledge.verdict = verdict
    if (verdict === 'renew') this.#parts.onGone(client)
  }
}

/** Whether the server ends the session, for a reason that may hold for others too: not because of what its holder did or left undone. */
function endsSession(error: Error): boolean {
  const { severity } = error as { severity?: unknown }
  if (severity !== 'FATAL' && severity !== 'PANIC') return false
  // What a pooler ends is one client's; the others are its clients still.
  const said = poolerSays(error)?.means
  return said === undefined ? !/^(25P03|57P05)$/.test(codeOf(error) ?? '') : said === 'leaving'
}

/** What a pooler means stands where Postgres has its own advice. */
function explain(error: Error): void {
  const said = poolerSays(error)
  if (said !== undefined) (error as { hint?: string }).hint ??= said.hint
}

/** What runs by `query()` prepares itself anew where a plan no longer fits. */
function healsByItself(error: Error): boolean {
  return (error as { routine?: unknown }).routine === 'RevalidateCachedQuery'
}

async function isReadOnly(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ readonly: boolean }>(ASK)
  return rows[0]?.readonly === true
}
