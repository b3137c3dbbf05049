/** One level of priority: agents take turns, each with a queue of its own. */
import { Heap } from '../base/heap.ts'
import { Link, List } from '../base/list.ts'
import type { AgentSettings } from './agents.ts'
import { weightOf } from './agents.ts'
import { Standing } from './overload.ts'
import type { Rota } from './rota.ts'
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
  /** Turns for each turn of the others. */
  readonly weight: number
  /** The number of its next turn. */
  turn = 0
  /** In the order of their turns. */
  readonly line = new List<Waiter<T>>()
  /** Those with a deadline of their own and those without, each in order of arrival; kept apart once there is one of the former. */
  #dated: List<Waiter<T>> | undefined
  #undated: List<Waiter<T>> | undefined
  readonly link: Link<AgentQueue<T>> = new Link<AgentQueue<T>>(this)
  readonly standing = new Standing()
  /** Its place in the heap. */
  place = -1
  parked = false

  constructor(name: string | undefined, weight: number) {
    this.name = name
    this.weight = weight
  }

  /** Who waits longest: of those with a deadline of their own where there are any. */
  get oldest(): Waiter<T> | undefined {
    return this.#dated?.first ?? this.line.first
  }

  /** When who came first of either kind ages: a deadline of one's own may be the shorter way. */
  get agesAt(): number {
    if (this.#dated === undefined) return this.line.first?.agesAt ?? Number.POSITIVE_INFINITY
    const first = this.#undated?.first?.agesAt ?? Number.POSITIVE_INFINITY
    return Math.min(first, this.#dated.first?.agesAt ?? Number.POSITIVE_INFINITY)
  }

  /** Returns whether the first of a kind is another one now, and with it perhaps when the queue ages. */
  add(waiter: Waiter<T>): boolean {
    if (waiter.ownMillis !== undefined && this.#dated === undefined) this.#keepApart()
    this.line.push(waiter.turn)
    return this.#dated === undefined ? this.line.size === 1 : this.#keep(waiter) === 1
  }

  #keepApart(): void {
    this.#dated = new List<Waiter<T>>()
    this.#undated = new List<Waiter<T>>()
    for (const waiter of this.line) this.#keep(waiter)
  }

  /** Returns how many of its kind there are. */
  #keep(waiter: Waiter<T>): number {
    const kin = this.#kinOf(waiter) as List<Waiter<T>>
    waiter.kin = new Link(waiter)
    kin.push(waiter.kin)
    return kin.size
  }

  #kinOf({ ownMillis }: Waiter<T>): List<Waiter<T>> | undefined {
    return ownMillis === undefined ? this.#undated : this.#dated
  }

  /** As `add`. */
  remove(waiter: Waiter<T>): boolean {
    const { kin } = waiter
    const wasFirst = (kin === undefined ? this.line : this.#kinOf(waiter))?.first === waiter
    if (!this.line.remove(waiter.turn)) throw new Error('BUG: a waiter is missing from its agent’s queue')
    if (kin !== undefined) this.#kinOf(waiter)?.remove(kin)
    return wasFirst
  }

  /**
   * Whose turn it is: who came first. In a standing queue the newest of those with a deadline of their own takes the turn of
   * the oldest, which takes its place in the line, so that whoever has no deadline waits for exactly as many turns as ever.
   */
  next(): Waiter<T> | undefined {
    const { line, standing } = this
    const { first } = line
    if (first?.ownMillis === undefined || !standing.isStanding) return first
    const newest = this.#dated?.last
    if (newest !== undefined) line.exchange(newest.turn)
    return newest
  }
}

export class Level<T> {
  readonly #options: LevelOptions
  readonly #rota: Rota
  readonly #mayHave: (agent: string | undefined) => boolean
  /** Everybody, in order of arrival. */
  readonly arrivals: List<Waiter<T>> = new List<Waiter<T>>()
  readonly #agents = new Map<string | undefined, AgentQueue<T>>()
  /** The queues that may have a turn, in the order of their turns and by whose first waiter ages first. */
  readonly #ring = new List<AgentQueue<T>>()
  readonly #byAge = new Heap<AgentQueue<T>>((queue) => queue.agesAt)
  #parked = 0
  #standing = 0

  /** @param rota shared by the lines of this level, @param mayHave whether an agent may have one more */
  constructor(options: LevelOptions, rota: Rota, mayHave: (agent: string | undefined) => boolean) {
    this.#options = options
    this.#rota = rota
    this.#mayHave = mayHave
  }

  /** Each agent that waits here: how many callers it has, and since when the first of them waits. */
  *queues(): Generator<{ agent: string | undefined; waiting: number; since: number }> {
    for (const { line, name, oldest } of this.#agents.values())
      if (oldest !== undefined) yield { agent: name, waiting: line.size, since: oldest.since }
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

  /** The number of the next turn; infinite when nobody may have one. */
  get turn(): number {
    return this.#ring.first?.turn ?? Number.POSITIVE_INFINITY
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

  /** Takes the waiter whose turn it is; its agent gets a later one. */
  take(now: number): Waiter<T> {
    const queue = this.#ring.first
    if (queue === undefined) throw new Error('BUG: a turn is taken on a level where nobody may have one')
    this.#look(queue, now)
    const waiter = queue.next() as Waiter<T>
    this.#rota.had(queue.name, queue.turn)
    if (this.#ring.size === 1) queue.turn = this.#rota.next(queue.name, queue.weight)
    else {
      this.#ring.remove(queue.link)
      this.#line(queue)
    }
    this.arrivals.remove(waiter.arrival)
    this.#takeOut(queue, waiter)
    return waiter
  }

  remove(waiter: Waiter<T>): boolean {
    if (!this.arrivals.remove(waiter.arrival)) return false
    const queue = this.#agents.get(this.#options.fifo ? undefined : waiter.agent)
    if (queue === undefined) throw new Error('BUG: a waiter’s agent has no queue')
    this.#takeOut(queue, waiter)
    return true
  }

  #takeOut(queue: AgentQueue<T>, waiter: Waiter<T>): void {
    const changed = queue.remove(waiter)
    if (queue.parked) this.#parked -= 1
    if (queue.line.size > 0) {
      if (changed && !queue.parked) this.#byAge.moved(queue)
      return
    }
    this.#agents.delete(queue.name)
    if (!queue.parked) this.#leave(queue)
    if (queue.standing.isStanding) this.#standing -= 1
  }

  /** Takes an agent's turns away, or gives it a new one. */
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

  /** Puts a queue where its next turn is. */
  #line(queue: AgentQueue<T>): void {
    queue.turn = this.#rota.next(queue.name, queue.weight)
    this.#ring.insert(queue.link, ({ turn }) => turn > queue.turn)
  }

  #enter(queue: AgentQueue<T>): void {
    this.#line(queue)
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
