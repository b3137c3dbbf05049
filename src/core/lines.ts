/** Everybody who waits, in one line for each use of a connection, since not everybody can take what is free. */
import type { Waiter } from './waiter.ts'
import type { Queue, WaitQueueOptions } from './waiters.ts'
import { rotasFor, Turns, WaitQueue } from './waiters.ts'

export class Lines<T> {
  readonly exclusive: WaitQueue<T>
  readonly limited: WaitQueue<T>
  readonly shared: WaitQueue<T>
  readonly #all: readonly WaitQueue<T>[]
  readonly #options: WaitQueueOptions
  readonly #turns: Turns

  /** @param mayHave whether an agent may have a connection more; `park` tells when that changes */
  constructor(options: WaitQueueOptions, mayHave?: (agent: string | undefined) => boolean) {
    this.#options = options
    this.#turns = new Turns(options)
    const rotas = rotasFor(options)
    this.exclusive = new WaitQueue(options, mayHave, rotas)
    this.limited = new WaitQueue(options, mayHave, rotas)
    this.shared = new WaitQueue(options, undefined, rotas)
    this.#all = [this.exclusive, this.limited, this.shared]
  }

  get size(): number {
    return this.exclusive.size + this.limited.size + this.shared.size
  }

  /** How many wait on each level of priority, the most urgent first. */
  get sizes(): number[] {
    const [first = [], ...rest] = this.#all.map(({ sizes }) => sizes)
    return first.map((size, level) => rest.reduce((sum, sizes) => sum + (sizes[level] ?? 0), size))
  }

  /** Who waits, by level and agent, whatever for: the most urgent first, then those of whom most wait. */
  queues(): readonly Queue[] {
    const byLevel = new Map<number, Map<string | undefined, Queue>>()
    for (const line of this.#all) {
      for (const queue of line.queues()) {
        const byAgent = byLevel.get(queue.level) ?? new Map<string | undefined, Queue>()
        byLevel.set(queue.level, byAgent)
        const known = byAgent.get(queue.agent)
        byAgent.set(queue.agent, known === undefined ? queue : together(known, queue))
      }
    }
    const queues = [...byLevel.values()].flatMap((byAgent) => [...byAgent.values()])
    return queues.sort((a, b) => a.level - b.level || b.waiting - a.waiting)
  }

  /** When the one who has waited longest began to wait. */
  get oldestSince(): number | undefined {
    const since = Math.min(...this.#all.map(({ oldestSince }) => oldestSince ?? Number.POSITIVE_INFINITY))
    return since === Number.POSITIVE_INFINITY ? undefined : since
  }

  /** Whether any queue stands: see overload.ts. */
  get isStanding(): boolean {
    return this.#all.some(({ isStanding }) => isStanding)
  }

  add(waiter: Waiter<T>): void {
    this[waiter.use].add(waiter)
  }

  /** Takes a waiter out of the middle. Returns false when it is not waiting any more. */
  remove(waiter: Waiter<T>): boolean {
    return this[waiter.use].remove(waiter)
  }

  /** Takes the turns away from an agent that may have no more connections, or gives them back. Sharing needs none. */
  park(agent: string, parked: boolean): void {
    this.exclusive.park(agent, parked)
    this.limited.park(agent, parked)
  }

  /** Takes the waiter whose turn it is. @param limited whether those who may only hold a share have a turn */
  take(now: number, limited: boolean): Waiter<T> | undefined {
    if (this.limited.size === 0 && this.shared.size === 0) return this.exclusive.take(now)
    return this.#next(now, limited)?.take(now)
  }

  /**
   * The line whose turn it is: the one with the most urgent waiter, among equals the one with the earlier turn,
   * of equal turns the one who came first. A line whose oldest waiter is aged is passed over as often as an aged waiter inside
   * a line, and no more.
   */
  #next(now: number, limited: boolean): WaitQueue<T> | undefined {
    let next: WaitQueue<T> | undefined
    let oldest: WaitQueue<T> | undefined
    for (const line of this.#all) {
      if (line.mostUrgent === undefined || (line === this.limited && !limited)) continue
      if (next === undefined || isBefore(line, next)) next = line
      if (oldest === undefined || line.agesAt < oldest.agesAt) oldest = line
    }
    if (oldest === undefined || oldest === next) return next
    if (this.#options.fifo) return oldest
    return this.#turns.next(next, oldest.agesAt < now ? oldest : undefined)
  }

  /**
   * Whether whoever waits for a whole connection has a turn before those who wait to share one, or has aged.
   * @param limited whether those who may only hold a share have a turn
   */
  wholeFirst(now: number, limited: boolean): boolean {
    const whole = limited ? [this.exclusive, this.limited] : [this.exclusive]
    const isDue = (line: WaitQueue<T>) =>
      !isBefore(this.shared, line) || (!this.#options.fifo && line.agesAt < now)
    return whole.some((line) => line.mostUrgent !== undefined && isDue(line))
  }

  /** Takes the youngest waiter of the lowest priority below `level`; of any priority without `level`. */
  evict(level = -1): Waiter<T> | undefined {
    let last: Waiter<T> | undefined
    for (const line of this.#all) {
      const youngest = line.youngest(level)
      if (youngest !== undefined && (last === undefined || this.#leavesBefore(youngest, last)))
        last = youngest
    }
    if (last !== undefined) this.remove(last)
    return last
  }

  #leavesBefore(a: Waiter<T>, b: Waiter<T>): boolean {
    return this.#options.fifo || a.level === b.level ? a.since >= b.since : a.level > b.level
  }
}

function together(a: Queue, b: Queue): Queue {
  return { ...a, waiting: a.waiting + b.waiting, since: Math.min(a.since, b.since) }
}

function isBefore<T>(a: WaitQueue<T>, b: WaitQueue<T>): boolean {
  const [first, other] = [a.mostUrgent, b.mostUrgent]
  if (first === undefined || other === undefined) return other === undefined
  if (first.level !== other.level) return first.level < other.level
  return first.turn === other.turn ? first.agesAt < other.agesAt : first.turn < other.turn
}
