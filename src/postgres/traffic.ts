/** Everything that carries the statements of `query()`, put together. */
import { systemClock } from '../base/clock.ts'
import { within } from '../base/within.ts'
import type { Pool as Engine } from '../core/pool.ts'
import { RetryBudget } from '../resilience/retry.ts'
import { Attempts } from './attempts.ts'
import type { Checkout } from './checkout.ts'
import type { ReadConfig } from './config.ts'
import type { Client } from './driver.ts'
import type { Gate } from './gate.ts'
import type { Knowledge } from './knowledge.ts'
import { Lanes } from './lanes/lanes.ts'
import { Names } from './lanes/names.ts'
import { RoundTrip } from './lanes/round-trip.ts'
import type { Texts } from './lanes/texts.ts'
import type { StatementOperations } from './operations.ts'
import { Queries } from './queries.ts'
import type { Sessions } from './sessions.ts'
import type { Statements } from './statement.ts'

/** What {@link Traffic} works with. */
export interface TrafficParts {
  readonly engine: Engine<Client>
  readonly sessions: Sessions
  readonly checkout: Checkout
  readonly statements: Statements
  readonly config: ReadConfig
  readonly gate: Gate | undefined
  readonly knowledge: Knowledge
  readonly texts: Texts
  readonly operations: StatementOperations
  /** Whether somebody listens to `acquire`: people set the session up there, for whoever has it to themselves. */
  readonly listens: () => boolean
  /** Whether the clients are pg's. */
  readonly isPgs: () => boolean
}

export class Traffic {
  readonly queries: Queries
  readonly attempts: Attempts
  readonly #lanes: Lanes
  readonly #names = new WeakMap<Client, Names>()
  readonly #statements: Statements

  constructor(parts: TrafficParts) {
    const {
      engine,
      sessions,
      checkout,
      statements,
      config,
      gate,
      knowledge,
      texts,
      operations,
      listens,
      isPgs,
    } = parts
    const { pipelining, depth, stallMillis, prepared, binary } = config.lanes
    const { cancelTimeoutMillis } = config.settings
    const roundTrip = new RoundTrip(systemClock)
    sessions.onGreeting = (millis) => roundTrip.bound(millis)
    sessions.rawRows = binary && isPgs()
    const namesOf = (client: Client) => {
      let names = this.#names.get(client)
      if (names === undefined) {
        names = new Names(client, prepared, binary)
        this.#names.set(client, names)
      }
      return names
    }
    this.#statements = statements
    this.#lanes = new Lanes({
      engine,
      clock: systemClock,
      depth,
      stallMillis,
      roundTrip: () => roundTrip.millis,
      isFit: (client) => sessions.isFit(client),
      mayBegin: () => knowledge.keepsSessions,
      namesOf,
      cancelOnce: (client) =>
        within(systemClock, cancelTimeoutMillis, (signal) => sessions.cancelOnce(client, signal)),
    })
    const mayShare = () =>
      pipelining !== false && knowledge.mayCarryLanes && (pipelining === true || !listens())
    const { retry } = config
    this.attempts = new Attempts({
      clock: systemClock,
      random: Math.random,
      gate,
      retry,
      budget: new RetryBudget(),
    })
    this.queries = new Queries({
      attempts: this.attempts,
      clock: systemClock,
      watch: this.#lanes.watch,
      lanes: this.#lanes,
      texts,
      roundTrip: (tripMillis) => roundTrip.measured(tripMillis),
      namesOf,
      stallMillis,
      numbers: () => engine.numbers(),
      checkout,
      statements,
      config,
      knowledge,
      operations,
      isPgs,
      mayShare,
    })
  }

  /** How many statements are under way on each lane. */
  depths(): ReadonlyMap<Client, number> {
    return this.#lanes.depths()
  }

  /** Forgets its timers. Nothing is under way any more. */
  stop(): void {
    this.#lanes.stop()
    this.#statements.stop()
    this.queries.cache.clear()
  }
}
