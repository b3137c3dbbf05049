// The order in which waiters may be served, said a second time and more slowly: the queue of the engine is checked against it.
import type { Use } from '../../src/core/slot.ts'

export interface Waiting {
  readonly id: number
  /** 0 is the most urgent. */
  readonly level: number
  readonly agent: string | undefined
  readonly since: number
  /** How long it waits at most, where it has said so. */
  readonly ownMillis?: number | undefined
}

export interface OrderRules {
  readonly fifo: boolean
  readonly ageMillis: number
  readonly max: number
  readonly weight?: Readonly<Record<string, number>> | undefined
}

/** What holds at the moment of a turn. */
export interface Turn {
  readonly now: number
  /** Whether an agent may have no more connections. */
  readonly isFull?: ((agent: string | undefined) => boolean) | undefined
  /** A queue stands: those with a deadline of their own are served newest first. */
  readonly overloaded?: boolean
}

/** An aged waiter may be passed over so often, then it is served. */
function passesOf({ max }: OrderRules): number {
  if (max === 1) return 1
  return max < 8 ? max - 1 : 7
}

/** When the first of them ages. Of each agent who came first counts, of those with a deadline of their own and of the others. */
export function agesAt(
  waiting: readonly Waiting[],
  { ageMillis, fifo }: Pick<OrderRules, 'ageMillis' | 'fifo'>,
): number {
  const firsts = new Map<string, number>()
  for (const { agent, level, ownMillis, since } of waiting) {
    const key = fifo ? '' : `${level} ${agent === undefined} ${agent} ${ownMillis === undefined}`
    const own = fifo || ownMillis === undefined ? ageMillis : Math.min(ageMillis, ownMillis / 2)
    if (!firsts.has(key)) firsts.set(key, since + own)
  }
  return Math.min(...firsts.values())
}

export class Order<W extends Waiting> {
  readonly #rules: OrderRules
  /** In order of arrival, each with the turns of each agent of its level since its own agent had one, or came back to the ring. */
  readonly #waiting = new Map<W, Map<string | undefined, number>>()
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

  /** Those who may have a turn. */
  ready({ isFull }: Turn): W[] {
    return this.all.filter(({ agent }) => isFull?.(agent) !== true)
  }

  add(waiter: W): void {
    this.#waiting.set(waiter, new Map())
  }

  /** It ends without a connection. Returns false when it did not wait. */
  drop(waiter: W): boolean {
    return this.#waiting.delete(waiter)
  }

  /** Agents that may have no more come back to the end of the ring. */
  park(isFull: (agent: string | undefined) => boolean): void {
    for (const [{ agent }, turns] of this.#waiting) if (isFull(agent)) turns.clear()
  }

  /** It gets a connection. Returns what is wrong with that. */
  serve(waiter: W, turn: Turn): string[] {
    if (!this.#waiting.has(waiter)) return [`${waiter.id} is served and does not wait`]
    const wrong = this.#rules.fifo
      ? this.#arrival(waiter)
      : [...this.#full(waiter, turn), ...this.#levels(waiter, turn), ...this.#turn(waiter, turn)]
    this.#waiting.delete(waiter)
    return wrong
  }

  #full({ agent, id }: W, { isFull }: Turn): string[] {
    return isFull?.(agent) === true ? [`${id} is served, and its agent ${agent} may have no more`] : []
  }

  #arrival(waiter: W): string[] {
    const oldest = this.all[0]
    return oldest === waiter ? [] : [`${waiter.id} is served before ${oldest?.id}, which came first`]
  }

  #levels(waiter: W, turn: Turn): string[] {
    const ready = this.ready(turn)
    const urgent = ready.find(({ level }) => level < waiter.level)
    const isAged = (of: number) =>
      agesAt(
        ready.filter(({ level }) => level === of),
        this.#rules,
      ) < turn.now
    if (urgent !== undefined) {
      this.#passes = 0
      return isAged(waiter.level) ? [] : [`${waiter.id} is served before the more urgent ${urgent.id}`]
    }
    if (!ready.some(({ level }) => level > waiter.level && isAged(level))) return []
    this.#passes += 1
    return this.#passes <= passesOf(this.#rules)
      ? []
      : [`${waiter.id} passes an aged waiter, the ${this.#passes}th in a row`]
  }

  #turn(waiter: W, { isFull, overloaded }: Turn): string[] {
    const wrong: string[] = []
    const weight = (waiter.agent !== undefined && this.#rules.weight?.[waiter.agent]) || 1
    for (const [other, turns] of this.#waiting) {
      if (other.level !== waiter.level || other === waiter) continue
      if (other.agent === waiter.agent) {
        const mayPass = overloaded && (waiter.ownMillis !== undefined || other.ownMillis !== undefined)
        if (other.id < waiter.id && !mayPass)
          wrong.push(`${waiter.id} is served before ${other.id} of the same agent`)
        turns.clear()
      } else if (isFull?.(other.agent) !== true) {
        const had = turns.get(waiter.agent) ?? 0
        if (had >= weight)
          wrong.push(`${waiter.agent} has ${had + 1} turns while ${other.id} of ${other.agent} waits`)
        turns.set(waiter.agent, had + 1)
      }
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

  /** Agents that may have no more leave the ring, but for what they share. */
  park(isFull: (agent: string | undefined) => boolean): void {
    this.#lines.exclusive.park(isFull)
    this.#lines.limited.park(isFull)
  }

  /** It gets a connection. Returns what is wrong with that. @param limited whether those who may only hold a share have a turn */
  serve(waiter: W, turn: Turn, limited: boolean): string[] {
    return [
      ...this.#between(waiter, turn, limited),
      ...this.#lines[waiter.use].serve(waiter, turnOf(waiter.use, turn)),
    ]
  }

  /** It joins a shared connection. Returns what is wrong with that. */
  admit(waiter: W, turn: Turn): string[] {
    return waiter.use === 'shared'
      ? this.#lines.shared.serve(waiter, turnOf('shared', turn))
      : [`${waiter.id} of the use ${waiter.use} is let onto a shared connection`]
  }

  #between(waiter: W, turn: Turn, limited: boolean): string[] {
    const { now } = turn
    const headOf = (use: Use) => this.#headOf(this.#lines[use].ready(turnOf(use, turn)))
    const mine = headOf(waiter.use)
    if (mine === undefined) return []
    if (waiter.use === 'limited' && !limited) return [`${waiter.id} is served beyond the share`]
    const others = (Object.keys(this.#lines) as Use[]).flatMap((use) => {
      const head = use === waiter.use || (use === 'limited' && !limited) ? undefined : headOf(use)
      return head === undefined ? [] : [{ ...head, use }]
    })
    const older = others.find(({ agesAt }) => agesAt < mine.agesAt)
    if (this.#rules.fifo)
      return older === undefined ? [] : [`${waiter.id} is served before the ${older.use} line`]
    // What is asked for at the same moment has no order between lines.
    if (older === undefined) this.#passes = 0
    const urgent = others.find((other) => isBefore(other, mine))
    if (urgent !== undefined) {
      if (older === undefined && mine.agesAt < now) return []
      return [`${waiter.id} is served before the more urgent ${urgent.use} line`]
    }
    if (!others.some((other) => other.agesAt < mine.agesAt && other.agesAt < now)) return []
    this.#passes += 1
    return this.#passes <= passesOf(this.#rules)
      ? []
      : [`${waiter.id} passes an aged line, the ${this.#passes}th in a row`]
  }

  /** The most urgent level of a line, and when anybody in it ages. */
  #headOf(line: readonly W[]): Head | undefined {
    if (line.length === 0) return undefined
    const level = Math.min(...line.map((waiter) => waiter.level))
    const urgent = line.filter((waiter) => waiter.level === level)
    // With fifo there are no levels.
    if (this.#rules.fifo) return { level: 0, urgentAt: 0, agesAt: agesAt(line, this.#rules) }
    return { level, urgentAt: agesAt(urgent, this.#rules), agesAt: agesAt(line, this.#rules) }
  }
}

interface Head {
  readonly level: number
  /** When the first of that level ages. */
  readonly urgentAt: number
  readonly agesAt: number
}

function turnOf(use: Use, turn: Turn): Turn {
  return use === 'shared' ? { ...turn, isFull: undefined } : turn
}

function isBefore(a: Head, b: Head): boolean {
  return a.level === b.level ? a.urgentAt < b.urgentAt : a.level < b.level
}
