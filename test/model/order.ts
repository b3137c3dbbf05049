// The order in which waiters may be served, said a second time and more slowly: the queue of the engine is checked against it.
import type { Use } from '../../src/core/slot.ts'

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

/** A waiter that stands in the line of its use. */
export interface Queued extends Waiting {
  readonly use: Use
}

/** The order of one line for each use, and what is promised between them: which line has the turn, not which waiter in it. */
export class Orders<W extends Queued> {
  readonly #rules: OrderRules
  readonly #lines: Readonly<Record<Use, Order<W>>>
  #passes = 0

  constructor(rules: OrderRules) {
    this.#rules = rules
    this.#lines = { exclusive: new Order(rules), limited: new Order(rules), shared: new Order(rules) }
  }

  get size(): number {
    const { exclusive, limited, shared } = this.#lines
    return exclusive.size + limited.size + shared.size
  }

  get all(): W[] {
    const { exclusive, limited, shared } = this.#lines
    return [...exclusive.all, ...limited.all, ...shared.all]
  }

  add(waiter: W): void {
    this.#lines[waiter.use].add(waiter)
  }

  drop(waiter: W): boolean {
    return this.#lines[waiter.use].drop(waiter)
  }

  /** It gets a connection. Returns what is wrong with that. @param limited whether those who may only hold a share have a turn */
  serve(waiter: W, now: number, limited: boolean): string[] {
    return [...this.#between(waiter, now, limited), ...this.#lines[waiter.use].serve(waiter, now)]
  }

  /** It joins a shared connection. Returns what is wrong with that. */
  admit(waiter: W, now: number): string[] {
    return waiter.use === 'shared'
      ? this.#lines.shared.serve(waiter, now)
      : [`${waiter.id} of the use ${waiter.use} is let onto a shared connection`]
  }

  #between(waiter: W, now: number, limited: boolean): string[] {
    const mine = headOf(this.#lines[waiter.use].all)
    if (mine === undefined) return []
    if (waiter.use === 'limited' && !limited) return [`${waiter.id} is served beyond the share`]
    const others = Object.entries(this.#lines).flatMap(([use, { all }]) => {
      const head = use === waiter.use || (use === 'limited' && !limited) ? undefined : headOf(all)
      return head === undefined ? [] : [{ ...head, use }]
    })
    const older = others.find(({ since }) => since < mine.since)
    if (this.#rules.fifo)
      return older === undefined ? [] : [`${waiter.id} is served before the ${older.use} line`]
    const isAged = (since: number) => now - since > this.#rules.ageMillis
    // What is asked for at the same moment has no order between lines.
    if (older === undefined) this.#passes = 0
    const urgent = others.find(({ first }) => isBefore(first, mine.first))
    if (urgent !== undefined) {
      if (older === undefined && isAged(mine.since)) return []
      return [`${waiter.id} is served before the more urgent ${urgent.first.id} of the ${urgent.use} line`]
    }
    if (!others.some(({ since }) => since < mine.since && isAged(since))) return []
    this.#passes += 1
    return this.#passes <= PASSES ? [] : [`${waiter.id} passes an aged line, the ${this.#passes}th in a row`]
  }
}

/** The most urgent of a line, the oldest among equals, and since when the line has anybody in it. */
function headOf<W extends Waiting>(line: readonly W[]): { first: W; since: number } | undefined {
  let first: W | undefined
  for (const waiter of line) if (first === undefined || waiter.level < first.level) first = waiter
  return first && { first, since: Math.min(...line.map(({ since }) => since)) }
}

function isBefore(a: Waiting, b: Waiting): boolean {
  return a.level === b.level ? a.since < b.since : a.level < b.level
}
