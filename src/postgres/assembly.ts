/** The parts of a Postgres pool, put together. */
import { systemClock } from '../base/clock.ts'
import { within } from '../base/within.ts'
import { Pool as Engine } from '../core/pool.ts'
import type { BreakerListener } from '../resilience/breaker.ts'
import { Breaker } from '../resilience/breaker.ts'
import { askPooler } from './asking.ts'
import { Backends } from './backend.ts'
import { closeBeside, connectBeside } from './beside.ts'
import { Checkout } from './checkout.ts'
import type { ReadConfig } from './config.ts'
import type { Client, ClientClass, ClientConfig } from './driver.ts'
import type { EchoLine } from './echo.ts'
import { echoHooks } from './echo.ts'
import { Gate } from './gate.ts'
import { Knowledge } from './knowledge.ts'
import { Texts } from './lanes/texts.ts'
import { Listening } from './listening.ts'
import { StatementOperations } from './operations.ts'
import { Rounds } from './rounds.ts'
import type { Way } from './sessions.ts'
import { Sessions } from './sessions.ts'
import { Statements } from './statement.ts'
import { Traffic } from './traffic.ts'

/** Whoever the parts work for. */
export interface AssemblyOwner {
  /** The class that makes clients; asked for at every open, and so are their options: a password put there later is seen. */
  readonly Client: () => ClientClass
  readonly options: () => ClientConfig
  /** A client has failed outside any statement. `wasIdle`: nobody else hears of it. */
  failed(error: Error, client: Client, wasIdle: boolean): void
  /** Whether somebody listens to `acquire`: people set the session up there, for whoever has it to themselves. */
  listens(): boolean
  /** Whether the clients are pg's. */
  isPgs(): boolean
  readonly breakerChanged: BreakerListener
  /** Where `echo: true` writes. */
  readonly echoed: EchoLine
}

/** The parts of a pool. */
export interface Assembly {
  readonly engine: Engine<Client>
  readonly sessions: Sessions
  readonly checkout: Checkout
  readonly statements: Statements
  readonly traffic: Traffic
  readonly listening: Listening
  readonly rounds: Rounds
  readonly gate: Gate | undefined
  readonly knowledge: Knowledge
  readonly operations: StatementOperations
}

/** An engine over sessions of its own. */
function engineOf(
  owner: AssemblyOwner,
  config: ReadConfig,
  options: AssemblyOwner['options'],
  core: ReadConfig['core'],
  way?: Way,
): { engine: Engine<Client>; sessions: Sessions } {
  const sessions = new Sessions(
    {
      Client: owner.Client,
      options,
      onConnect: config.onConnect,
      onError: (error, client) => owner.failed(error, client, engine.lost(client)),
      onEnd: (client) => void engine.lost(client),
      onGone: (client) => void engine.lost(client, true),
      onEnding: () => engine.doubt(),
      classify: config.classify,
      targetSessionAttrs: config.targetSessionAttrs,
      way,
    },
    systemClock,
  )
  const engine: Engine<Client> = new Engine<Client>(sessions, core)
  return { engine, sessions }
}

/** Connections of the way around a pooler: one that listens, and few for session work, which is rare. */
const DIRECT_MAX = 3

/** A small pool to another address, for what must not go through a pooler. */
function directEngine(owner: AssemblyOwner, config: ReadConfig, connectionString: string): Engine<Client> {
  const options = { ...owner.options(), connectionString }
  return engineOf(owner, config, () => options, { max: DIRECT_MAX, idleTimeoutMillis: 1_000 }).engine
}

/** How long a pooler may take to say what it is; until then it counts as one that lends sessions by the transaction. */
const ASK_MILLIS = 5_000

function knowledgeOf(owner: AssemblyOwner, config: ReadConfig): Knowledge {
  const knowledge: Knowledge = new Knowledge({
    told: config.endpoint,
    hasDirect: config.directConnectionString !== undefined,
    prepare: config.lanes.prepareSaid,
    isPgs: () => owner.isPgs(),
    ask: () =>
      within(systemClock, ASK_MILLIS, (signal) =>
        askPooler({
          open: (database) =>
            connectBeside({
              Client: owner.Client(),
              options: owner.options(),
              database,
              before: (client) => knowledge.beforeAsking(client),
              signal,
            }),
          close: closeBeside,
        }),
      ),
  })
  return knowledge
}

/** Puts the parts of a pool together. Nothing happens yet. */
export function assemble(owner: AssemblyOwner, config: ReadConfig): Assembly {
  const knowledge = knowledgeOf(owner, config)
  const { engine, sessions } = engineOf(owner, config, owner.options, config.core, knowledge)
  const checkout = new Checkout(engine, config.verify, config.settings.connectionTimeoutMillis)
  const statements = new Statements(systemClock, () => engine.numbers())
  const gate =
    config.breaker &&
    new Gate(new Breaker(config.breaker, Math.random, owner.breakerChanged), systemClock, () => {
      const { lastOpenFailure, state } = engine.stats()
      return { lastOpenFailure, numbers: engine.numbers(), state }
    })
  const backends = new Backends({
    engine,
    clock: systemClock,
    open: (signal) => sessions.open(signal),
    close: (client, signal) => sessions.close(client, signal),
  })
  const rounds = new Rounds({
    engine,
    clock: systemClock,
    silenceMillis: config.silenceMillis,
    idleInTransactionMillis: config.idleInTransactionMillis,
    someClient: () => sessions.clients.at(-1),
    reach: (client) => sessions.reach(client),
    doing: (client, isUrgent) => backends.doing(client, isUrgent),
    cut: (client, error) => sessions.cut(client, error),
    letGo: () => sessions.letGo(),
    giveUpClose: (client) => sessions.giveUpClose(client),
    numbers: () => engine.numbers(),
  })
  const { echo } = config
  if (echo !== false) engine.attach(echoHooks(echo === true ? owner.echoed : echo))
  const texts = new Texts()
  const operations = new StatementOperations(engine.operations, texts)
  const traffic = new Traffic({
    engine,
    sessions,
    checkout,
    statements,
    config,
    gate,
    knowledge,
    texts,
    operations,
    listens: () => owner.listens(),
    isPgs: () => owner.isPgs(),
  })
  const { directConnectionString: direct } = config
  const listening = new Listening(
    engine,
    knowledge,
    config.settings.acquireTimeoutMillis,
    direct === undefined ? undefined : () => directEngine(owner, config, direct),
  )
  return { engine, sessions, checkout, statements, traffic, listening, rounds, gate, operations, knowledge }
}
