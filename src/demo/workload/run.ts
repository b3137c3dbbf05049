/** Running the sample workload against a pool and measuring it. */
import type { AgentKind } from './agents.ts'
import { agentKinds, defaultAgents, turnsOf } from './agents.ts'
import { findDataSet } from './load.ts'
import type { WorkloadLease, WorkloadPool, WorkloadRows } from './port.ts'
import type { WorkloadSnapshot } from './record.ts'
import { Recorder } from './record.ts'
import { Rest } from './rest.ts'
import type { DataSize } from './schema.ts'
import type { Statement, StatementKind } from './statements.ts'
import { revision } from './statements.ts'

/** What a pool that can make use of it is told of a statement. */
export interface StatementHints {
  /** A label for the agent, such as `edge-3`. */
  agent: string
  agentKind: AgentKind
  kind: StatementKind
  /** Present on statements that their caller may give up. */
  signal?: AbortSignal
}

/** What `runWorkload` takes. */
export interface RunOptions {
  pool: WorkloadPool
  /** How long agents start new turns; what is under way then is awaited. */
  seconds: number
  /** Decides what every agent asks. Default 1. */
  seed?: number
  /** How many agents of each kind. Default: 12 persistent, 16 serverless, 24 edge, 8 high-performance. */
  agents?: Partial<Record<AgentKind, number>>
  /** Ends the run early; what was measured is returned. */
  signal?: AbortSignal
  /**
   * How to ask the pool for a statement outside a transaction, for pools that take more than text and values
   * (Sluice takes a signal). Default: `pool.query(text, values)`; a statement given up is then left to run
   * on, since `pg.Pool` cannot cancel.
   */
  query?: (text: string, values: unknown[], hints: StatementHints) => Promise<WorkloadRows>
  onTick?: (snapshot: WorkloadSnapshot) => void
  /** Milliseconds between ticks. Default 250. */
  tickMillis?: number
}

/** What a run measured, and what it was. */
export interface WorkloadResult extends WorkloadSnapshot {
  readonly seed: number
  readonly agentCounts: Readonly<Record<AgentKind, number>>
}

/**
 * Lets the agents work for some seconds.
 *
 * It is a closed loop with think time: each agent waits for its answer, pauses, and asks again. A slow pool
 * is therefore asked less, and throughput and latency have to be read together. Times are taken at the agent,
 * so they include every wait in the pool.
 *
 * @throws Error when the data is not loaded.
 */
export async function runWorkload(options: RunOptions): Promise<WorkloadResult> {
  const { pool, seconds, seed = 1, signal } = options
  const found = await findDataSet(pool)
  if (!found) throw new Error('The data of the workload is not loaded: call loadWorkload first.')
  const agentCounts = { ...defaultAgents, ...options.agents }
  const rest = new Rest()
  const end = (): void => rest.end()
  const recorder = new Recorder()
  const timer = setTimeout(end, seconds * 1_000)
  const ticker = setInterval(() => options.onTick?.(recorder.snapshot()), options.tickMillis ?? 250)
  if (signal?.aborted) end()
  signal?.addEventListener('abort', end, { once: true })
  try {
    const agents = agentKinds.flatMap((kind) =>
      Array.from(
        { length: agentCounts[kind] },
        (_, index) => new Agent(kind, index, options, recorder, rest),
      ),
    )
    await Promise.all(agents.map((agent) => agent.live(seed, found.size)))
    const result = { ...recorder.result(), seed, agentCounts }
    await Promise.all(agents.map((agent) => agent.stragglers()))
    return result
  } finally {
    clearTimeout(timer)
    clearInterval(ticker)
    signal?.removeEventListener('abort', end)
  }
}

class Agent {
  readonly #kind: AgentKind
  readonly #index: number
  readonly #pool: WorkloadPool
  readonly #query: NonNullable<RunOptions['query']>
  readonly #recorder: Recorder
  readonly #rest: Rest
  /** Statements given up that have not ended yet. */
  readonly #left = new Set<Promise<unknown>>()

  constructor(kind: AgentKind, index: number, options: RunOptions, recorder: Recorder, rest: Rest) {
    this.#kind = kind
    this.#index = index
    this.#pool = options.pool
    this.#query = options.query ?? ((text, values) => options.pool.query(text, values))
    this.#recorder = recorder
    this.#rest = rest
  }

  async live(seed: number, size: DataSize): Promise<void> {
    const turns = turnsOf(this.#kind, this.#index, seed, size)
    // Sixty agents that all begin in the same millisecond would measure that millisecond.
    await this.#rest.for((this.#index * 37 + agentKinds.indexOf(this.#kind) * 11) % 200)
    for (const { statements, thinkMillis } of turns) {
      if (this.#rest.over) return
      await Promise.all(statements.map((statement) => this.#ask(statement)))
      await this.#rest.for(thinkMillis)
    }
  }

  async stragglers(): Promise<void> {
    await Promise.all(this.#left)
  }

  async #ask(statement: Statement): Promise<void> {
    const began = performance.now()
    try {
      const answered = await this.#run(statement)
      if (answered) this.#recorder.answered(statement.kind, this.#kind, performance.now() - began)
      else this.#recorder.cancelled(statement.kind, this.#kind)
    } catch (error) {
      this.#recorder.failed(statement.kind, this.#kind, error)
      // A pool that fails at once must not be asked without a pause.
      await this.#rest.for(10)
    }
  }

  /** False when the caller gave up first. */
  async #run(statement: Statement): Promise<boolean> {
    if (statement.kind === 'transaction') {
      await this.#transact(statement)
      return true
    }
    const { kind, text, values, giveUpMillis } = statement
    const hints = { agent: `${this.#kind}-${this.#index}`, agentKind: this.#kind, kind }
    if (giveUpMillis !== undefined)
      return this.#runImpatiently(giveUpMillis, (signal) => this.#query(text, values, { ...hints, signal }))
    await this.#query(text, values, hints)
    return true
  }

  async #runImpatiently(millis: number, start: (signal: AbortSignal) => Promise<unknown>): Promise<boolean> {
    const controller = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const givenUp = new Promise<false>((resolve) => {
      timer = setTimeout(() => {
        resolve(false)
        controller.abort()
      }, millis)
    })
    const running = start(controller.signal)
    const settled = running
      .then(
        () => {},
        () => {},
      )
      .finally(() => this.#left.delete(settled))
    this.#left.add(settled)
    try {
      return await Promise.race([running.then(() => true), givenUp])
    } finally {
      clearTimeout(timer)
    }
  }

  async #transact(statement: Extract<Statement, { kind: 'transaction' }>): Promise<void> {
    const client = await this.#pool.connect()
    try {
      await revise(client, statement)
    } catch (error) {
      await client.query(revision.rollback).then(
        () => client.release(),
        () => client.release(true),
      )
      throw error
    }
    client.release()
  }
}

async function revise(
  client: WorkloadLease,
  { agent, key, note }: Extract<Statement, { kind: 'transaction' }>,
): Promise<void> {
  await client.query(revision.begin)
  const { rows } = await client.query(revision.read, [agent, key])
  const seen = Number(rows[0]?.revision ?? 0)
  await client.query(revision.write, [agent, key, note, seen + 1])
  await client.query(revision.append, [agent, seen])
  await client.query(revision.commit)
}
