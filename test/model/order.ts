// The order in which waiters may be served, said a second time and more slowly: the queue of the engine is checked against it.

export interface Waiting {
  readonly id: number
  /** 0 is the most urgent. */
  readonly level: number
  readonly agent: string | undefined
  readonly since: number
}

export interface OrderRules {
  readonly fifo: boolean
  readonly ageMillis: number
}

/** An aged waiter may be passed over so often, then it is served. */
const PASSES = 7

export class Order<W extends Waiting> {
  readonly #rules: OrderRules
  /** In order of arrival, each with the agents of its level that were served since its own agent last was. */
  readonly #waiting = new Map<W, Set<string | undefined>>()
  #passes = 0

  constructor(rules: OrderRules) {
    this.#rules = rules
  }

  get size(): number {
    return this.#waiting.size
  }

  get all(): W[] {
    return [...this.#waiting.keys()]
  }

  add(waiter: W): void {
    this.#waiting.set(waiter, new Set())
  }

  /** It ends without a connection. Returns false when it did not wait. */
  drop(waiter: W): boolean {
    return this.#waiting.delete(waiter)
  }

  /** It gets a connection. Returns what is wrong with that. */
  serve(waiter: W, now: number): string[] {
    if (!this.#waiting.has(waiter)) return [`${waiter.id} is served and does not wait`]
    const wrong = this.#rules.fifo
      ? this.#arrival(waiter)
      : [...this.#levels(waiter, now), ...this.#turn(waiter)]
    this.#waiting.delete(waiter)
    return wrong
  }

  #arrival(waiter: W): string[] {
    const oldest = this.all[0]
    return oldest === waiter ? [] : [`${waiter.id} is served before ${oldest?.id}, which came first`]
  }

  #levels(waiter: W, now: number): string[] {
    const urgent = this.all.find(({ level }) => level < waiter.level)
    const isAged = ({ since }: Waiting) => now - since > this.#rules.ageMillis
    if (urgent !== undefined) {
      this.#passes = 0
      const some = this.all.some((other) => other.level === waiter.level && isAged(other))
      return some ? [] : [`${waiter.id} is served before the more urgent ${urgent.id}`]
    }
    if (!this.all.some((other) => other.level > waiter.level && isAged(other))) return []
    this.#passes += 1
    return this.#passes <= PASSES
      ? []
      : [`${waiter.id} passes an aged waiter, the ${this.#passes}th in a row`]
  }

  #turn(waiter: W): string[] {
    const wrong: string[] = []
    for (const [other, served] of this.#waiting) {
      if (other.level !== waiter.level || other === waiter) continue
      if (other.agent === waiter.agent) {
        if (other.id < waiter.id) wrong.push(`${waiter.id} is served before ${other.id} of the same agent`)
        served.clear()
      } else if (served.has(waiter.agent)) {
        wrong.push(`${waiter.agent} has two turns while ${other.id} of ${other.agent} waits`)
      } else served.add(waiter.agent)
    }
    return wrong
  }
}
