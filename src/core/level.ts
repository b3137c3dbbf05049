/** One level of priority: agents take turns, each with a queue of its own. */
import { Heap } from '../base/heap.ts'
import { Link, List } from '../base/list.ts'
import type { AgentSettings } from './agents.ts'
import { weightOf } from './agents.ts'
import { Standing } from './overload.ts'
import type { Waiter } from './waiter.ts'

/** What a {@link Level} goes by. */
export interface LevelOptions {
  readonly acquireTimeoutMillis: number
  readonly fifo: boolean
  readonly agents?: AgentSettings | undefined
}

/** The waiters of one agent. It lives for as long as somebody waits in it. */
class AgentQueue<T> {
  readonly name: string | undefined
  /** Turns that the agent gets in a row, and how many of them are left. */
  readonly weight: number
  turns: number
  /** In the order of their turns. */
  readonly line = new List<Waiter<T>>()
  /** Those with a deadline of their own and those without, each in order of arrival. */
  readonly dated = new List<Waiter<T>>()
  readonly undated = new List<Waiter<T>>()
  readonly link: Link<AgentQueue<T>> = new Link<AgentQueue<T>>(this)
  readonly standing = new Standing()
  /** Its place in the heap. */
  place = -1
  parked = false

  constructor(name: string | undefined, weight: number) {
    this.name = name
    this.weight = weight
    this.turns = weight
  }

  /** Who waits longest: of those with a deadline of their own where there are any. */
  get oldest(): Waiter<T> | undefined {
    return this.dated.first ?? this.undated.first
  }

  /** When who came first of either kind ages: a deadline of one's own may be the shorter way. */
  get agesAt(): number {
    const { dated, undated } = this
    const first = undated.first?.agesAt ?? Number.POSITIVE_INFINITY
    return Math.min(first, dated.first?.agesAt ?? Number.POSITIVE_INFINITY)
  }

  /** Returns whether the first of a kind is another one now, and with it perhaps when the queue ages. */
  add(waiter: Waiter<T>): boolean {
    this.line.push(waiter.turn)
    const kin = waiter.ownMillis === undefined ? this.undated : this.dated
    kin.push(waiter.kin)
    return kin.size === 1
  }

  /** As `add`. */
  remove(waiter: Waiter<T>): boolean {
    if (!this.line.remove(waiter.turn)) throw new Error('BUG: a waiter is missing from its agent’s queue')
    const kin = waiter.ownMillis === undefined ? this.undated : this.dated
    const wasFirst = kin.first === waiter
    kin.remove(waiter.kin)
    return wasFirst
  }

  /**
   * Whose turn it is: who came first. In a standing queue the newest of those with a deadline of their own takes the turn of
   * the oldest, which takes its place in the line, so that whoever has no deadline waits for exactly as many turns as ever.
   */
  next(): Waiter<T> | undefined {
    const { dated, line, standing } = this
    const { first } = line
    if (first?.ownMillis === undefined || !standing.isStanding) return first
    const newest = dated.last
    if (newest !== undefined) line.exchange(newest.turn)
    return newest
  }
}

export class Level<T> {
  readonly #options: LevelOptions
  readonly #mayHave: (agent: string | undefined) => boolean
  /** Everybody, in order of arrival. */
  readonly arrivals: List<Waiter<T>> = new List<Waiter<T>>()
  readonly #agents = new Map<string | undefined, AgentQueue<T>>()
  /** The queues that may have a turn, in the order of their turns and by whose first waiter ages first. */
  readonly #ring = new List<AgentQueue<T>>()
  readonly #byAge = new Heap<AgentQueue<T>>((queue) => queue.agesAt)
  #parked = 0
  #standing = 0

  /** @param mayHave whether an agent may have one more */
  constructor(options: LevelOptions, mayHave: (agent: string | undefined) => boolean) {
    this.#options = options
    this.#mayHave = mayHave
  }

  /** Whether anybody may have a turn. */
  get isReady(): boolean {
    return this.#ring.size > 0
  }

  /** How many wait whose agents may have a turn. */
  get ready(): number {
    return this.arrivals.size - this.#parked
  }

  /** When the first of those who may have a turn ages; infinite when nobody may have one. */
  get agesAt(): number {
    return this.#byAge.first?.agesAt ?? Number.POSITIVE_INFINITY
  }

  /** Queues that stand. */
  get standing(): number {
    return this.#standing
  }

  add(waiter: Waiter<T>): void {
    const { agents, fifo } = this.#options
    const agent = fifo ? undefined : waiter.agent
    let queue = this.#agents.get(agent)
    if (queue === undefined) {
      queue = new AgentQueue<T>(agent, weightOf(agents, agent))
      this.#agents.set(agent, queue)
      queue.add(waiter)
      queue.parked = !this.#mayHave(agent)
      if (!queue.parked) this.#enter(queue)
    } else if (queue.add(waiter) && !queue.parked) this.#byAge.moved(queue)
    if (queue.parked) this.#parked += 1
    this.arrivals.push(waiter.arrival)
  }

  /** Takes the waiter whose turn it is; an agent that has had all its turns goes to the end of the ring. */
  take(now: number): Waiter<T> {
    const queue = this.#ring.first
    if (queue === undefined) throw new Error('BUG: a turn is taken on a level where nobody may have one')
    this.#look(queue, now)
    const waiter = queue.next() as Waiter<T>
    queue.turns -= 1
    if (queue.turns === 0) {
      queue.turns = queue.weight
      this.#ring.rotate()
    }
    this.remove(waiter)
    return waiter
  }

  remove(waiter: Waiter<T>): boolean {
    if (!this.arrivals.remove(waiter.arrival)) return false
    const queue = this.#agents.get(this.#options.fifo ? undefined : waiter.agent)
    if (queue === undefined) throw new Error('BUG: a waiter’s agent has no queue')
    const changed = queue.remove(waiter)
    if (queue.parked) this.#parked -= 1
    if (queue.line.size > 0) {
      if (changed && !queue.parked) this.#byAge.moved(queue)
      return true
    }
    this.#agents.delete(queue.name)
    if (!queue.parked) this.#leave(queue)
    if (queue.standing.isStanding) this.#standing -= 1
    return true
  }

  /** Takes an agent's turns away, or gives them back at the end of the ring. */
  park(agent: string, parked: boolean): void {
    const queue = this.#agents.get(agent)
    if (queue === undefined || queue.parked === parked) return
    queue.parked = parked
    this.#parked += parked ? queue.line.size : -queue.line.size
    if (parked) this.#leave(queue)
    else this.#enter(queue)
  }

  /** How many of this level have a turn before a newcomer, at least: of every other agent one, of its own all. */
  before({ agent }: Waiter<T>): number {
    const queue = this.#agents.get(this.#options.fifo ? undefined : agent)
    if (queue === undefined) return this.#ring.size
    const own = queue.line.size
    const others = this.#ring.size - (queue.parked ? 0 : 1)
    return own < queue.weight ? own : own + others
  }

  #enter(queue: AgentQueue<T>): void {
    this.#ring.push(queue.link)
    this.#byAge.push(queue)
  }

  #leave(queue: AgentQueue<T>): void {
    this.#ring.remove(queue.link)
    this.#byAge.remove(queue)
  }

  #look({ oldest, standing }: AgentQueue<T>, now: number): void {
    const { acquireTimeoutMillis, fifo } = this.#options
    if (oldest === undefined || fifo) return
    const was = standing.isStanding
    standing.look((now - oldest.since) / (oldest.ownMillis ?? acquireTimeoutMillis), now)
    if (standing.isStanding !== was) this.#standing += was ? -1 : 1
  }
}
