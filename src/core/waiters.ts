/** The wait queue: strict priority between levels with a share for the aged, one turn an agent inside a level, first come first served inside an agent. */
import type { Deadline } from '../base/deadlines.ts'
import { Link, List } from '../base/list.ts'
import type { Holding } from './leaks.ts'
import type { Lease } from './lease.ts'
import type { Use } from './slot.ts'

/** Called once for each waiter: with an error, or with a lease. */
export type Settle<T> = (error: unknown, lease: Lease<T> | undefined) => void

/** Whoever takes a connection. */
export interface Taker<T> {
  readonly agent: string | undefined
  /** When it asked. */
  readonly since: number
  readonly settle: Settle<T>
  readonly use: Use
  /** It means to keep it. */
  readonly longLived: boolean
  /** What its task holds; only with leak detection. */
  readonly holding: Holding<T> | undefined
}

/** One caller who waits for a connection. */
export class Waiter<T> implements Taker<T> {
  /** 0 is the most urgent. */
  readonly level: number
  readonly agent: string | undefined
  readonly since: number
  readonly settle: Settle<T>
  readonly use: Use
  readonly longLived: boolean
  readonly holding: Holding<T> | undefined
  readonly arrival: Link<Waiter<T>> = new Link<Waiter<T>>(this)
  readonly turn: Link<Waiter<T>> = new Link<Waiter<T>>(this)
  deadline: Deadline<Waiter<T>> | undefined = undefined
  stopListening: (() => void) | undefined = undefined
  /** What its error should add, from nested-acquire detection. */
  hint: string | undefined = undefined

  constructor(
    level: number,
    agent: string | undefined,
    since: number,
    settle: Settle<T>,
    use: Use = 'exclusive',
    holding?: Holding<T>,
    longLived = false,
  ) {
    this.level = level
    this.agent = agent
    this.since = since
    this.settle = settle
    this.use = use
    this.holding = holding
    this.longLived = longLived
  }
}

class AgentQueue<T> {
  readonly name: string | undefined
  readonly waiters = new List<Waiter<T>>()
  readonly link: Link<AgentQueue<T>> = new Link<AgentQueue<T>>(this)

  constructor(name: string | undefined) {
    this.name = name
  }
}

class Level<T> {
  /** Whether agents take turns; without, all stand in one line. */
  readonly #turns: boolean
  readonly arrivals = new List<Waiter<T>>()
  readonly agents = new Map<string | undefined, AgentQueue<T>>()
  readonly ring = new List<AgentQueue<T>>()

  constructor(turns: boolean) {
    this.#turns = turns
  }

  add(waiter: Waiter<T>): void {
    const agent = this.#turns ? waiter.agent : undefined
    let queue = this.agents.get(agent)
    if (queue === undefined) {
      queue = new AgentQueue(agent)
      this.agents.set(agent, queue)
      this.ring.push(queue.link)
    }
    queue.waiters.push(waiter.turn)
    this.arrivals.push(waiter.arrival)
  }

  /** The waiter whose turn it is; its agent goes to the end of the ring. */
  take(): Waiter<T> {
    const waiter = this.ring.first?.waiters.first
    if (waiter === undefined) throw new Error('BUG: a turn is taken on a level where nobody waits')
    this.ring.rotate()
    this.remove(waiter)
    return waiter
  }

  remove(waiter: Waiter<T>): boolean {
    if (!this.arrivals.remove(waiter.arrival)) return false
    const queue = this.agents.get(this.#turns ? waiter.agent : undefined)
    if (queue?.waiters.remove(waiter.turn) !== true)
      throw new Error('BUG: a waiter is missing from its agent’s queue')
    if (queue.waiters.size === 0) {
      this.agents.delete(queue.name)
      this.ring.remove(queue.link)
    }
    return true
  }
}

/** How a {@link WaitQueue} orders. */
export interface WaitQueueOptions {
  /** How many levels of priority there are, ≥ 1. */
  readonly priorityLevels: number
  /** Whoever has waited longer than this gets a share of the turns, however many more urgent ones there are. */
  readonly ageMillis: number
  /** Plain order of arrival, whatever priority and agent say. */
  readonly fifo: boolean
}

/** How often whoever is aged is passed over before it gets a turn: one turn in eight is the least that anybody keeps. */
const PASSES = 7

/**
 * Turns between the urgent and the aged. A bounded share, because an ageing that lifts whole levels would put an aged backlog
 * in front of every urgent newcomer just when the pool is overloaded.
 */
export class Turns {
  #passes = 0

  /** Whose turn it is. */
  next<X>(urgent: X, aged: X | undefined): X {
    if (aged === undefined || this.#passes++ < PASSES) return urgent
    this.#passes = 0
    return aged
  }
}

/** Everybody who waits. Add, remove and take cost O(1) in the number of waiters. */
export class WaitQueue<T> {
  readonly #levels: readonly Level<T>[]
  readonly #ageMillis: number
  readonly #fifo: boolean
  readonly #turns = new Turns()
  #size = 0

  constructor(options: WaitQueueOptions) {
    this.#levels = Array.from(
      { length: options.fifo ? 1 : options.priorityLevels },
      () => new Level<T>(!options.fifo),
    )
    this.#ageMillis = options.ageMillis
    this.#fifo = options.fifo
  }

  get size(): number {
    return this.#size
  }

  /** How many wait on each level, the most urgent first. */
  get sizes(): number[] {
    return this.#levels.map((level) => level.arrivals.size)
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

  add(waiter: Waiter<T>): void {
    this.#levelOf(waiter).add(waiter)
    this.#size += 1
  }

  /** Takes a waiter out of the middle. Returns false when it is not waiting any more. */
  remove(waiter: Waiter<T>): boolean {
    if (!this.#levelOf(waiter).remove(waiter)) return false
    this.#size -= 1
    return true
  }

  /** Takes the waiter whose turn it is. */
  take(now: number): Waiter<T> | undefined {
    const level = this.#nextLevel(now)
    if (level === undefined) return undefined
    this.#size -= 1
    return level.take()
  }

  /** The youngest waiter of the lowest priority below `level`. */
  youngest(level: number): Waiter<T> | undefined {
    for (let i = this.#levels.length - 1; i > level; i--) {
      const youngest = this.#levels[i]?.arrivals.last
      if (youngest !== undefined) return youngest
    }
    return undefined
  }

  /** Who has waited longest on the most urgent level where somebody waits. */
  get mostUrgent(): Waiter<T> | undefined {
    for (const { arrivals } of this.#levels) if (arrivals.first !== undefined) return arrivals.first
    return undefined
  }

  #levelOf(waiter: Waiter<T>): Level<T> {
    const level = this.#levels[this.#fifo ? 0 : waiter.level]
    if (level === undefined) throw new Error(`BUG: there is no priority level ${waiter.level}`)
    return level
  }

  /**
   * The most urgent level where somebody waits, but sometimes a less urgent one on which somebody has waited longer than
   * `ageMillis`.
   */
  #nextLevel(now: number): Level<T> | undefined {
    let urgent: Level<T> | undefined
    let aged: Level<T> | undefined
    let agedSince = now - this.#ageMillis
    for (const level of this.#levels) {
      const oldest = level.arrivals.first
      if (oldest === undefined) continue
      if (urgent === undefined) urgent = level
      else if (oldest.since < agedSince) {
        aged = level
        agedSince = oldest.since
      }
    }
    return this.#turns.next(urgent, aged)
  }
}
