/** The wait queue: strict priority between levels with a share for the aged, one turn an agent inside a level, first come first served inside an agent. */
import type { AgentSettings } from './agents.ts'
import { Level } from './level.ts'
import type { Ahead } from './overload.ts'
import { Rota } from './rota.ts'
import type { Waiter } from './waiter.ts'

/** How a {@link WaitQueue} orders. The pool's size is read anew each time, since it may change. */
export interface WaitQueueOptions {
  /** Connections that serve it: the aged keep at least one connection's worth of the turns. */
  readonly max: number
  /** How many levels of priority there are, ≥ 1. */
  readonly priorityLevels: number
  /** Whoever has waited longer than this, or half its own deadline, gets a share of the turns, however many more urgent ones there are. */
  readonly ageMillis: number
  /** How long somebody waits who has no deadline of its own. */
  readonly acquireTimeoutMillis: number
  /** Plain order of arrival, whatever priority and agent say. */
  readonly fifo: boolean
  readonly agents?: AgentSettings | undefined
}

/** How often whoever is aged is passed over at most before it gets a turn: one turn in eight is the least that anybody keeps. */
const PASSES = 7

/** How often the aged are passed over in a pool of this size: one turn in `max` is one connection's worth, and a pool of one alternates. */
function passesOf(max: number): number {
  return Math.max(1, Math.min(PASSES, max - 1))
}

/**
 * Turns between the urgent and the aged. A bounded share, because an ageing that lifts whole levels would put an aged backlog
 * in front of every urgent newcomer just when the pool is overloaded.
 */
export class Turns {
  readonly #pool: { readonly max: number }
  #passes = 0

  constructor(pool: { readonly max: number }) {
    this.#pool = pool
  }

  /** Whose turn it is. */
  next<X>(urgent: X, aged: X | undefined): X {
    if (aged === undefined || this.#passes++ < passesOf(this.#pool.max)) return urgent
    this.#passes = 0
    return aged
  }
}

/** The most urgent level where somebody may have a turn. */
export interface Next {
  readonly level: number
  /** The number of the turn: see rota.ts. */
  readonly turn: number
  /** When the first of that level ages. */
  readonly agesAt: number
}

/** The waiters of one agent on one level. */
export interface Queue {
  readonly level: number
  readonly agent: string | undefined
  readonly waiting: number
  /** When one of them began to wait who is among the oldest. */
  readonly since: number
}

/** One for each level. */
export function rotasFor({
  fifo,
  priorityLevels,
}: Pick<WaitQueueOptions, 'fifo' | 'priorityLevels'>): Rota[] {
  return Array.from({ length: fifo ? 1 : priorityLevels }, () => new Rota())
}

/** Everybody who waits. Add, remove and take cost O(1) in the number of waiters, and the logarithm of the number of agents. */
export class WaitQueue<T> {
  readonly #options: WaitQueueOptions
  readonly #levels: readonly Level<T>[]
  readonly #turns: Turns
  #size = 0

  /**
   * @param mayHave whether an agent may have one more of what this queue waits for; `park` tells when that changes
   * @param rotas of each level, shared with other queues whose agents are the same
   */
  constructor(
    options: WaitQueueOptions,
    mayHave: (agent: string | undefined) => boolean = () => true,
    rotas: readonly Rota[] = rotasFor(options),
  ) {
    this.#options = options
    this.#turns = new Turns(options)
    this.#levels = rotas.map((rota) => new Level<T>(options, rota, mayHave))
  }

  get size(): number {
    return this.#size
  }

  /** How many wait on each level, the most urgent first. */
  get sizes(): number[] {
    return this.#levels.map((level) => level.arrivals.size)
  }

  /** Who waits, by level and agent. */
  *queues(): Generator<Queue> {
    for (const [index, level] of this.#levels.entries())
      for (const queue of level.queues()) yield { level: index, ...queue }
  }

  /** When the one who has waited longest began to wait. */
  get oldestSince(): number | undefined {
    let oldest: number | undefined
    for (const { arrivals } of this.#levels) {
      const since = arrivals.first?.since
      if (since !== undefined && (oldest === undefined || since < oldest)) oldest = since
    }
    return oldest
  }

  /** When the first of those who may have a turn ages, or did; infinite when nobody may have one. */
  get agesAt(): number {
    let least = Number.POSITIVE_INFINITY
    for (const { agesAt } of this.#levels) if (agesAt < least) least = agesAt
    return least
  }

  /** Whether the queue of any agent stands: see overload.ts. */
  get isStanding(): boolean {
    return this.#levels.some(({ standing }) => standing > 0)
  }

  add(waiter: Waiter<T>): void {
    const { ageMillis, fifo } = this.#options
    const { ownMillis = Number.POSITIVE_INFINITY, since } = waiter
    waiter.agesAt = since + (fifo ? ageMillis : Math.min(ageMillis, ownMillis / 2))
    this.#levelOf(waiter).add(waiter)
    this.#size += 1
  }

  /** Takes a waiter out of the middle. Returns false when it is not waiting any more. */
  remove(waiter: Waiter<T>): boolean {
    if (!this.#levelOf(waiter).remove(waiter)) return false
    this.#size -= 1
    return true
  }

  /** Takes the waiter whose turn it is; nobody where all who wait are of agents that may have no more. */
  take(now: number): Waiter<T> | undefined {
    const level = this.#nextLevel(now)
    if (level === undefined) return undefined
    this.#size -= 1
    return level.take(now)
  }

  /** Takes the turns away from an agent that may have no more, or gives them back. */
  park(agent: string, parked: boolean): void {
    for (const level of this.#levels) level.park(agent, parked)
  }

  /** The youngest waiter of the lowest priority below `level`. */
  youngest(level: number): Waiter<T> | undefined {
    for (let i = this.#levels.length - 1; i > level; i--) {
      const youngest = this.#levels[i]?.arrivals.last
      if (youngest !== undefined) return youngest
    }
    return undefined
  }

  /** The most urgent level where somebody may have a turn. */
  get mostUrgent(): Next | undefined {
    for (const [level, { agesAt, isReady, turn }] of this.#levels.entries())
      if (isReady) return { level, turn, agesAt }
    return undefined
  }

  /** Who stands before a newcomer, counted so that it is never too many. */
  ahead(waiter: Waiter<T>): Ahead {
    const own = this.#options.fifo ? 0 : waiter.level
    let urgent = 0
    let isLowest = true
    for (const [index, level] of this.#levels.entries()) {
      if (index < own) urgent += level.ready
      else if (index > own && level.isReady) isLowest = false
    }
    const level = this.#levelOf(waiter).before(waiter)
    return { urgent, level, isLowest, share: 1 / (passesOf(this.#options.max) + 1) }
  }

  #levelOf(waiter: Waiter<T>): Level<T> {
    const level = this.#levels[this.#options.fifo ? 0 : waiter.level]
    if (level === undefined) throw new Error(`BUG: there is no priority level ${waiter.level}`)
    return level
  }

  /** The most urgent level where somebody may have a turn, but sometimes a less urgent one on which somebody has aged. */
  #nextLevel(now: number): Level<T> | undefined {
    let urgent: Level<T> | undefined
    let aged: Level<T> | undefined
    let agedAt = now
    for (const level of this.#levels) {
      if (!level.isReady) continue
      if (urgent === undefined) urgent = level
      else if (level.agesAt < agedAt) {
        aged = level
        agedAt = level.agesAt
      }
    }
    return this.#turns.next(urgent, aged)
  }
}
