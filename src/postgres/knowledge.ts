/**
 * What a pool knows of its endpoint, and what follows. What neither options nor address tell is asked once, before the first thing that a
 * transaction pooler could not carry; until then nothing of that kind is sent.
 */
import { codeOf, SluiceError } from '../base/errors.ts'
import { isProcessId } from '../base/process-id.ts'
import type { Endpoint, EndpointTold, Known, Pooler, PoolMode } from '../profiles/endpoint.ts'
import type { Answer } from './asking.ts'
import { ASK_SESSION } from './asking.ts'
import type { Client } from './driver.ts'
import { plainQuery, processIdOf } from './driver.ts'
import { sessionEffectOf } from './effects.ts'
import { refusedOption } from './pooler.ts'
import type { LimitName, Limits } from './startup.ts'
import { areOnlyLimits, asksFor, dropStartup, isLimit, limitsOf } from './startup.ts'

/** What is known of an endpoint, and what follows from it. */
export interface EndpointFacts {
  readonly endpoint: Endpoint
  /** Who stands between the pool and the server; undefined for nobody. */
  readonly pooler: Pooler | undefined
  /** The pooler's, where it has said so. */
  readonly version: string | undefined
  /** For how long the pooler lends a session, where it has said so or shown it. */
  readonly mode: PoolMode | undefined
  readonly known: Known
  /** What tells it, in a clause. */
  readonly evidence: string
  /** Whether more may become known: nobody was asked yet, or the answer is on its way. */
  readonly isOpen: boolean
  /** Whether short statements of many callers may share connections. */
  readonly lanes: boolean
  /** Whether statements may be prepared under a name. */
  readonly preparedStatements: boolean
  /** Where LISTEN, session settings and locks, temporary tables and PREPARE go: they work `'here'`, or only on the `'direct'` way, or there is none. */
  readonly sessionWork: 'here' | 'direct' | 'refused'
  /** Who keeps `statementTimeout` and its like. */
  readonly limits: 'server' | 'pool'
}

/** What {@link Knowledge} works with. */
export interface KnowledgeParts {
  readonly told: EndpointTold
  /** Whether there is a way around a pooler. */
  readonly hasDirect: boolean
  /** Whether `prepare: true` was said. */
  readonly prepare: boolean
  /** Whether the clients are pg's: only those are asked. */
  readonly isPgs: () => boolean
  /** Finds out what a pooler is. Rejects where nobody can tell. */
  readonly ask: () => Promise<Answer>
}

/**
 * What a server says that will not tell in which session a statement runs. Whoever lost it, cancelled it, had no room for it or was
 * in a failed transaction has said nothing: SQLSTATE classes 08, 25, 40, 53, 55, 57, 58 and XX, and system calls (EPIPE).
 */
const ANSWER = /^(?!08|25|40|53|55|57|58|XX|E[A-Z])[0-9A-Z]{5}$/

interface Facts {
  readonly endpoint: Endpoint
  readonly pooler: Pooler | undefined
  readonly version: string | undefined
  readonly mode: PoolMode | undefined
  readonly known: Known
  readonly evidence: string
  readonly prepares: boolean
}

export class Knowledge {
  readonly #parts: KnowledgeParts
  #facts: Facts
  /** `open`: nobody was asked. `asking`: the server is being asked in which session a statement runs. `pooler`: a pooler is being asked what it is. */
  #state: 'open' | 'asking' | 'pooler' | 'settled'
  /** Those who must know before they go on. */
  #waiting: (() => void)[] = []
  #limits: Limits = {}
  /** Who was asked last. */
  #asked: Client | undefined
  /** Whether the server has process ids of its own kind: they say nothing then. */
  #isOdd = false
  /** Whether sessions were opened without the limits that the server would have kept. */
  #withheld = false
  readonly #refused = new Set<LimitName | 'options'>()

  constructor(parts: KnowledgeParts) {
    const { endpoint, evidence, known, pooler } = parts.told
    this.#parts = parts
    this.#facts = { endpoint, evidence, known, pooler, version: undefined, mode: undefined, prepares: false }
    this.#state = known === 'assumed' ? 'open' : 'settled'
  }

  /** Whether nobody was asked yet, and asking may tell. */
  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Whether it is known if anybody stands in between. */
  get isRecognised(): boolean {
    return this.#state === 'settled' || this.#state === 'pooler'
  }

  /** Whether sessions are one's own for as long as a connection lasts, for certain. */
  get keepsSessions(): boolean {
    return this.#state === 'settled' && this.#facts.endpoint !== 'transaction'
  }

  /** Whether lanes may be asked for: they begin only where `keepsSessions` says so. */
  get mayCarryLanes(): boolean {
    return this.#facts.endpoint !== 'transaction'
  }

  /** Whether a statement under a name is known to find its session again. */
  get carriesPrepared(): boolean {
    return this.keepsSessions || this.#facts.prepares
  }

  /** The same, or somebody has said so. */
  get carriesNames(): boolean {
    return this.carriesPrepared || this.#parts.prepare
  }

  facts(): EndpointFacts {
    const { prepares: _, ...facts } = this.#facts
    const { hasDirect } = this.#parts
    return Object.freeze({
      ...facts,
      isOpen: this.#state !== 'settled',
      lanes: this.mayCarryLanes,
      preparedStatements: this.carriesNames || this.mayCarryLanes,
      sessionWork: !this.#isShared ? 'here' : hasDirect ? 'direct' : 'refused',
      limits: this.#keeps('statement_timeout') ? 'server' : 'pool',
    })
  }

  // Finding out --------------------------------------------------------------------------------------------------------

  /** Looks at a connection that has just opened. It costs nothing. */
  connected(client: Client): void {
    if (this.#facts.known === 'said' || this.#facts.pooler !== undefined || this.#isOdd) return
    const processId = this.#parts.isPgs() ? processIdOf(client) : undefined
    if (processId === undefined) {
      if (this.#state === 'open') this.#settle({})
    } else if (!isProcessId(processId) && this.#facts.known !== 'address')
      this.#found('its process id is that of no process')
  }

  /**
   * Asks the server in which session a statement runs: one statement in front of whatever is sent next on that connection.
   * @param then called when the answer has come
   */
  ask(client: Client, then?: () => void): void {
    if (this.#state !== 'open') return then?.()
    this.#state = 'asking'
    this.#asked = client
    const answered = (error: unknown, result: unknown) => {
      if (this.#state === 'asking') this.#learn(client, error, result)
      then?.()
    }
    plainQuery(client).call(client, ASK_SESSION, undefined, answered)
  }

  #learn(client: Client, error: unknown, result: unknown): void {
    if (error) {
      if (ANSWER.test(codeOf(error) ?? '')) return this.#settle(this.#parts.told.isSuspect ? SUSPECTED : {})
      // The connection is gone, or its caller was: another one may ask again.
      this.#state = 'open'
      return this.#wake()
    }
    const own = Number((result as { rows: unknown[][] }).rows[0]?.[0])
    if (own === processIdOf(client)) this.#settle(DIRECT)
    else this.#found('statements run in another session than the one it names')
  }

  /** Somebody stands in between. Until he has said more he counts as one who lends sessions by the transaction. */
  #found(evidence: string): void {
    this.#state = 'pooler'
    this.#facts = { ...this.#facts, endpoint: 'transaction', pooler: 'unknown', known: 'assumed', evidence }
    this.#wake()
    this.#parts.ask().then(
      (answer) => {
        this.#isOdd = answer.is === 'direct'
        this.#settle(answer.is === 'direct' ? DIRECT : factsOf(answer))
      },
      () => this.#settle({}),
    )
  }

  #settle(change: Partial<Facts>): void {
    this.#facts = { ...this.#facts, ...change }
    this.#state = 'settled'
    this.#wake()
  }

  #wake(): void {
    for (const go of this.#waiting.splice(0)) go()
  }

  /**
   * Calls `then` when as much is known as will be; at once where it is. Where the question got no answer, those who waited for it
   * ask it themselves.
   * @param client a connection to ask on, @param isOver whether that connection is somebody else's by now
   */
  decide(client: Client, then: () => void, isOver: () => boolean): void {
    if (this.#state === 'settled') return then()
    this.#waiting.push(() => {
      const hadItsTry = this.#state === 'open' && client === this.#asked
      if (this.#state === 'settled' || hadItsTry || isOver()) then()
      else this.decide(client, then, isOver)
    })
    this.ask(client)
  }

  /** Calls `then` when it is known whether anybody stands in between; a pooler may still be thinking about what it is. */
  recognise(client: Client, then: () => void): void {
    if (this.isRecognised) return then()
    this.#waiting.push(then)
    this.ask(client)
  }

  // What follows -------------------------------------------------------------------------------------------------------

  /** RDS Proxy keeps a session for whoever changes it. */
  get #isShared(): boolean {
    return this.#facts.endpoint === 'transaction' && this.#facts.pooler !== 'rds-proxy'
  }

  /** What a text does to its session, where that may not be; undefined also for what is no text. */
  effectOf(statement: unknown): string | undefined {
    if (this.keepsSessions || (this.#state === 'settled' && !this.#isShared)) return undefined
    const text = typeof statement === 'string' ? statement : (statement as { text?: unknown } | null)?.text
    return typeof text === 'string' ? sessionEffectOf(text) : undefined
  }

  /** Whether a statement under a name of its caller's has to wait until it is known whether that leads back to it. */
  mustKnow(statement: unknown): boolean {
    if (this.#state === 'settled' || this.carriesNames) return false
    return typeof statement === 'object' && (statement as { name?: unknown } | null)?.name !== undefined
  }

  /** Why something that needs a session of its own cannot be done; undefined where it can. */
  refusal(what: string): SluiceError | undefined {
    if (!this.#isShared) return undefined
    const isUnseen = this.#isUnseen
    const around = isUnseen ? "the server's own" : 'a way around the pooler'
    const way = this.#parts.hasDirect
      ? "run it on lease({ endpoint: 'direct' })"
      : `give directConnectionString, ${around}, and run it on lease({ endpoint: 'direct' })`
    const otherwise = isUnseen
      ? 'Where it is none, leave that out, and the server is asked'
      : "Where the pooler is known to lend sessions for good, say endpoint: 'session'"
    return this.#unsupported(
      `${what} needs a session of its own, and ${this.#name} lends sessions by the transaction: it would be left behind for whoever comes next. ${upper(way)}; for one transaction there are SET LOCAL, set_config(…, true), pg_advisory_xact_lock and ON COMMIT DROP inside transaction(). ${otherwise}`,
    )
  }

  /** Why there can be no transactions; undefined where there can. */
  transactionRefusal(): SluiceError | undefined {
    if (this.#facts.mode !== 'statement') return undefined
    return this.#unsupported(
      `a transaction needs a session until it ends, and ${this.#name} lends sessions by the statement; use a database of the pooler in transaction mode`,
    )
  }

  #unsupported(text: string): SluiceError {
    return new SluiceError('SLUICE_UNSUPPORTED_ON_ENDPOINT', text, { phase: 'query', outcome: 'not-sent' })
  }

  /** A pooler that the caller has spoken of, and of which nothing else is known. */
  get #isUnseen(): boolean {
    const { known, pooler } = this.#facts
    return known === 'said' && (pooler === undefined || pooler === 'unknown')
  }

  get #name(): string {
    const { pooler, evidence } = this.#facts
    if (this.#isUnseen)
      return `this endpoint, said to be a transaction pooler (${evidence}, POOL_MODE or pgbouncer=true),`
    return `${pooler === undefined || pooler === 'unknown' ? 'the pooler' : NAMES[pooler]} (${evidence})`
  }

  // Time limits --------------------------------------------------------------------------------------------------------

  /** Takes out of a client what its endpoint would refuse, or not keep. Call before it connects. */
  beforeStartup(client: Client): void {
    this.#limits = limitsOf(client)
    const names = Object.keys(this.#limits) as LimitName[]
    if (this.#facts.endpoint === 'transaction' && names.length > 0) {
      this.#withheld = true
      dropStartup(client, names)
    }
    dropStartup(client, this.#refused)
  }

  /** The same for a client that asks what the pooler is, and runs nothing else. */
  beforeAsking(client: Client): void {
    dropStartup(client, [...(Object.keys(limitsOf(client)) as LimitName[]), ...this.#refused])
  }

  /**
   * Takes note that a startup option was refused. True where the connection may be opened again without it, because the limit
   * that it asks for is kept by the pool.
   * @throws SLUICE_UNSUPPORTED_ON_ENDPOINT where it asks for more than limits, which would be lost
   */
  startupFailed(error: unknown, client: Client): boolean {
    const option = refusedOption(error)
    if (option === undefined) return false
    if (this.#facts.known === 'said' && this.#facts.endpoint === 'direct') return false
    const name = isLimit(option) && asksFor(client, option) ? option : 'options'
    if (!asksFor(client, name)) return false
    // Opens that were under way together are refused together.
    if (this.#refused.has(name)) return true
    if (name === 'options' && !areOnlyLimits(client)) {
      const text = `the pooler refuses the startup option ${option}, and options asks for more than time limits, which the pool could not make good; set it by ALTER ROLE … SET, have the pooler let it through (ignore_startup_parameters), or leave options out`
      throw new SluiceError('SLUICE_UNSUPPORTED_ON_ENDPOINT', text, { phase: 'open', cause: error })
    }
    this.#refused.add(name)
    return true
  }

  /** Whether the server keeps a limit: a pooler may take it and say nothing. */
  #keeps(name: LimitName): boolean {
    if (this.#facts.pooler !== undefined || this.#withheld) return false
    return !this.#refused.has(name) && !this.#refused.has('options')
  }

  /** How long a statement may take where the server does not see to it. */
  get statementMillis(): number | undefined {
    const { statement_timeout: millis } = this.#limits
    return millis === undefined || this.#keeps('statement_timeout') ? undefined : millis
  }

  /** What sets the limits of one transaction where the session does not have them. */
  transactionSettings(): string {
    let text = ''
    for (const [name, millis] of Object.entries(this.#limits))
      if (!this.#keeps(name as LimitName)) text += `; SET LOCAL ${name} = ${Number(millis)}`
    return text
  }
}

const DIRECT = {
  endpoint: 'direct',
  pooler: undefined,
  known: 'asked',
  evidence: 'statements run in the session that the server names',
} as const

const SUSPECTED = {
  endpoint: 'transaction',
  pooler: 'unknown',
  evidence: 'the server would not say in which session statements run, and the port 6432 is PgBouncer’s',
} as const

const NAMES: Readonly<Record<Exclude<Pooler, 'unknown'>, string>> = {
  pgbouncer: 'PgBouncer',
  supavisor: 'Supavisor',
  neon: "Neon's pooler",
  'rds-proxy': 'RDS Proxy',
}

function factsOf(answer: Exclude<Answer, { is: 'direct' }>): Partial<Facts> {
  const { evidence, mode, pooler, preparedStatements: prepares, version } = answer
  const endpoint = mode === 'session' ? 'session' : 'transaction'
  return {
    endpoint,
    evidence,
    mode,
    pooler,
    prepares,
    version,
    known: mode === undefined ? 'assumed' : 'asked',
  }
}

/** A statement under a name of its caller's, as it goes where names do not lead back to it: unnamed. Anything else as it is. */
export function withoutName(statement: unknown): unknown {
  if (typeof statement !== 'object' || statement === null || !('name' in statement)) return statement
  return 'submit' in statement ? statement : { ...statement, name: undefined }
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
