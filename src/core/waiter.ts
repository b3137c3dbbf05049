/** Whoever waits for a connection. */
import type { Deadline } from '../base/deadlines.ts'
import { Link } from '../base/list.ts'
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
  /** Its place among those of its agent that have a deadline of their own, or among those that have none; only where there are both. */
  kin: Link<Waiter<T>> | undefined = undefined
  /** How long it waits at most, where its caller has said so; with the pool's own bound it stays undefined. */
  ownMillis: number | undefined = undefined
  /** From when on it gets a share of the turns, however many more urgent ones there are; the queue decides. */
  agesAt: number = Number.POSITIVE_INFINITY
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
