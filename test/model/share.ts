// Who holds what of the share that limited work may hold, and what those who wait need: counted from outside, by slot.
import { CHECK_PATIENCE_MILLIS, OPEN_PATIENCE_MILLIS } from '../../src/core/callers.ts'
import type { Use } from '../../src/core/slot.ts'
import type { ConnectionRow } from '../../src/core/stats.ts'
import type { OrderRules, Queued } from './order.ts'
import { agesAt } from './order.ts'

/** What callers who wait could do with connections. */
export interface Needs {
  /** Those who could take a connection that is free. */
  readonly servable: number
  /** Those who could take a whole one. */
  readonly whole: number
  /** How many of them are limited ones. */
  readonly turns: number
  /** Limited ones who could not, because the share is used up. */
  readonly stuck: number
  /** Connections that would serve everybody who may be served. */
  readonly demand: number
  /** Shared connections that should be given back when nothing is idle, on its way or to be had. */
  readonly wholeWanted: number
}

/** What agents may hold: all the same, or a record with `'*'` for the others. */
export type AgentMax = number | Readonly<Record<string, number>> | undefined

export class Share {
  readonly #part: number
  readonly #depth: number
  /** What each slot was lent for last. */
  readonly #uses = new Map<number, Use>()
  #max: number
  /** What limited work may hold at most: the share, or what a larger one has left out. */
  #bound: number

  readonly #rules: Pick<OrderRules, 'ageMillis' | 'fifo'>
  readonly #agents: AgentMax

  constructor(
    max: number,
    rules: Pick<OrderRules, 'ageMillis' | 'fifo'>,
    {
      agents,
      depth = 100,
      part = 0.9,
    }: { agents?: AgentMax; depth?: number | undefined; part?: number | undefined },
  ) {
    this.#part = part
    this.#depth = depth
    this.#rules = rules
    this.#agents = agents
    this.#max = max
    this.#bound = this.most
  }

  get most(): number {
    return Math.max(1, Math.floor(this.#max * this.#part))
  }

  /** What limited work may hold when nothing else has been lent since the last look. */
  get bound(): number {
    return this.#bound
  }

  resize(max: number): void {
    this.#max = max
    this.#bound = Math.max(this.#bound, this.most)
  }

  lent(slot: number, use: Use): void {
    this.#uses.set(slot, use)
  }

  /** Slots that limited work holds; a slot is its until what it did has ended. */
  held(rows: readonly ConnectionRow[]): number {
    return rows.filter(({ id, limited, state }) => {
      if (state === 'leased' || state === 'cancelling') return this.#uses.get(id) === 'limited'
      // Whether it is still coming to rest, or was idle in between, is not to be seen from outside.
      return limited && this.#uses.get(id) === 'limited'
    }).length
  }

  left(rows: readonly ConnectionRow[]): number {
    return Math.max(0, this.most - this.held(rows))
  }

  /** From now on no more may be out than there are. */
  look(rows: readonly ConnectionRow[]): void {
    this.#bound = Math.max(this.most, this.held(rows))
  }

  /** How many more connections an agent may hold. Whatever a slot is doing, it is the agent's until that has ended. */
  room(agent: string | undefined, rows: readonly ConnectionRow[]): number {
    if (agent === undefined || this.#agents === undefined) return Number.POSITIVE_INFINITY
    const max = typeof this.#agents === 'number' ? this.#agents : (this.#agents[agent] ?? this.#agents['*'])
    return (max ?? Number.POSITIVE_INFINITY) - rows.filter((row) => row.agent === agent).length
  }

  /** Room that those of this agent who wait do not need. */
  roomBeyond(agent: string | undefined, waiting: readonly Queued[], rows: readonly ConnectionRow[]): number {
    const own = waiting.filter((waiter) => waiter.agent === agent && waiter.use !== 'shared')
    return this.room(agent, rows) - own.length
  }

  needs(waiting: readonly Queued[], rows: readonly ConnectionRow[]): Needs {
    const of = (use: Use) => waiting.filter((waiter) => waiter.use === use)
    const [exclusive, limited, shared] = [of('exclusive'), of('limited'), of('shared')]
    // An agent's room goes to its exclusive waiters first: they have no other bound.
    const agents = [...new Set([...exclusive, ...limited].map(({ agent }) => agent))].map((agent) => {
      const room = Math.max(0, this.room(agent, rows))
      const [own, share] = [exclusive, limited].map(
        (line) => line.filter((one) => one.agent === agent).length,
      )
      const first = Math.min(own as number, room)
      return { own: first, share: Math.min(share as number, room - first) }
    })
    const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0)
    const turns = Math.min(sum(agents.map(({ share }) => share)), this.left(rows))
    const whole = sum(agents.map(({ own }) => own)) + turns
    const ready = (line: Queued[]) => line.filter(({ agent }) => this.room(agent, rows) > 0)
    const agesOf = (line: Queued[]) => agesAt(line, this.#rules)
    const wholeAt = Math.min(
      agesOf(ready(exclusive)),
      this.left(rows) > 0 ? agesOf(ready(limited)) : Number.POSITIVE_INFINITY,
    )
    const wanted = wholeAt <= agesOf(shared) ? whole - promptOf(rows) : 0
    return {
      servable: whole + shared.length,
      whole,
      turns,
      stuck: limited.length - turns,
      demand: whole + Math.ceil(shared.length / this.#depth),
      wholeWanted: whole === 0 ? 0 : Math.max(0, wanted),
    }
  }
}

/** Opens and checks that the engine still counts on. */
export function promptOf(rows: readonly ConnectionRow[]): number {
  return rows.filter(
    ({ sinceMillis, state }) =>
      (state === 'opening' && sinceMillis < OPEN_PATIENCE_MILLIS) ||
      (state === 'checking' && sinceMillis < CHECK_PATIENCE_MILLIS),
  ).length
}
