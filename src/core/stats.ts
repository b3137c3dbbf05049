import type { OpenFailure, PoolNumbers } from '../base/errors.ts'
import type { Distribution } from '../base/histogram.ts'
import { Histogram } from '../base/histogram.ts'
import { busyOf } from '../base/slots.ts'
import type { BudgetView } from './budget.ts'
import type { CloseReason } from './driver.ts'
import type { Slot } from './slot.ts'
import { isLimited } from './slot.ts'

/** One immutable picture of a pool. Counters count from the pool's beginning. */
export interface PoolStats extends PoolNumbers {
  readonly min: number
  readonly maxOverflow: number
  /** All slots, closing ones included: what the server may see. */
  readonly total: number
  readonly state: 'running' | 'paused' | 'draining' | 'ending' | 'ended'
  /** How many wait on each level of priority, the most urgent first. */
  readonly waitingByPriority: readonly number[]
  /** A queue stands: for a tenth of a second and more, nobody was served before a quarter of its deadline had passed. */
  readonly overloaded: boolean
  /** How long the one who has waited longest has waited. */
  readonly oldestWaitMillis: number
  /** The largest part of its deadline that anybody who waits has used up, 0 to 1. */
  readonly waitShare: number
  /** Since the pool was made. */
  readonly ageMillis: number
  /** Busy slots (leased, shared, checking, cancelling) ÷ max, in percent. */
  readonly utilization: number
  /** Connections whose close was given up: they may still live at the server. */
  readonly lost: number
  readonly opened: number
  readonly openFailures: number
  readonly lastOpenFailure: OpenFailure | undefined
  readonly closed: Readonly<Partial<Record<CloseReason, number>>>
  /** How often all connections were replaced at once: `clear()`, or a server that was lost. */
  readonly generation: number
  /** Leases, and spells of a connection that was shared. */
  readonly acquired: number
  /** Share of leases on a connection that had been used before, 0 to 1. */
  readonly reuse: number
  readonly timeouts: number
  readonly aborted: number
  /** Turned away: full queue, or pushed out by someone more urgent. */
  readonly rejected: number
  /** Turned away because their turn would have come after their deadline. */
  readonly shed: number
  readonly leaked: number
  /** Leases out now that were reported as leaked. */
  readonly leaking: number
  /** The budget that the pool shares with others, as it sees it; undefined without one. */
  readonly budget: BudgetView | undefined
  /** Callers who had to wait for a connection while their task held one; only with leak detection. */
  readonly nested: number
  /** From asking to getting a connection. */
  readonly wait: Distribution
  /** From getting to giving back. */
  readonly lease: Distribution
  readonly open: Distribution
}

/** One slot, for people: what it is doing and for whom. */
export interface ConnectionRow {
  readonly id: number
  readonly state: 'opening' | 'idle' | 'checking' | 'leased' | 'shared' | 'cancelling' | 'closing'
  /** Milliseconds in that state. */
  readonly sinceMillis: number
  readonly createdAt: Date | undefined
  readonly uses: number
  /** Who has it, until what it did there has ended. */
  readonly agent: string | undefined
  readonly leasedForMillis: number | undefined
  /** Counts against the share of the pool that slow work may hold. */
  readonly limited: boolean
  /** Where the lease was taken; only with leak detection. */
  readonly stack: string | undefined
  readonly reason: CloseReason | undefined
}

/** The callers of one agent that wait with one priority, for people. */
export interface QueueRow {
  /** 1 is the most urgent. */
  readonly priority: number
  /** The label that they work under; undefined for callers without one. */
  readonly agent: string | undefined
  readonly waiting: number
  /** How long one of those has waited who came first. */
  readonly oldestMillis: number
}

/** Puts a picture together from what the pool's parts know. */
export function takeStats(
  settings: { readonly max: number; readonly min: number; readonly maxOverflow: number },
  tally: Tally,
  parts: Pick<
    PoolStats,
    | 'total'
    | 'state'
    | 'generation'
    | 'waitingByPriority'
    | 'overloaded'
    | 'oldestWaitMillis'
    | 'waitShare'
    | 'ageMillis'
    | 'lastOpenFailure'
    | 'budget'
  > & {
    readonly numbers: PoolNumbers
  },
): PoolStats {
  const { numbers, ...rest } = parts
  return Object.freeze({
    ...numbers,
    ...tally.snapshot(),
    ...rest,
    min: settings.min,
    maxOverflow: settings.maxOverflow,
    utilization: (100 * busyOf(numbers)) / settings.max,
  })
}

/** Describes one slot. */
export function describeSlot<T>(
  { holder, id, state }: Slot<T>,
  now: number,
): ConnectionRow & { resource: T | undefined } {
  const connection = state.kind === 'opening' ? undefined : state.connection
  const lease = state.kind === 'leased' ? state : undefined
  return Object.freeze({
    id,
    state: state.kind,
    sinceMillis: now - state.since,
    createdAt: connection && new Date(connection.createdAt),
    uses: connection?.uses ?? 0,
    agent: holder,
    leasedForMillis: lease && now - lease.since,
    limited: isLimited(state),
    stack: lease?.origin?.stack,
    reason: state.kind === 'closing' ? state.reason : undefined,
    resource: connection?.resource,
  })
}

type TallySnapshot = Pick<
  PoolStats,
  | 'lost'
  | 'opened'
  | 'openFailures'
  | 'closed'
  | 'acquired'
  | 'reuse'
  | 'timeouts'
  | 'aborted'
  | 'rejected'
  | 'shed'
  | 'leaked'
  | 'leaking'
  | 'nested'
  | 'wait'
  | 'lease'
  | 'open'
>

/** The counters behind {@link PoolStats}. */
export class Tally {
  lost = 0
  opened = 0
  openFailures = 0
  acquired = 0
  reused = 0
  timeouts = 0
  aborted = 0
  rejected = 0
  shed = 0
  leaked = 0
  leaking = 0
  nested = 0
  readonly closed: Partial<Record<CloseReason, number>> = {}
  readonly wait: Histogram = new Histogram()
  readonly lease: Histogram = new Histogram()
  readonly open: Histogram = new Histogram()

  countClose(reason: CloseReason): void {
    this.closed[reason] = (this.closed[reason] ?? 0) + 1
  }

  /** The part of a snapshot that these counters know. */
  snapshot(): TallySnapshot {
    return {
      lost: this.lost,
      opened: this.opened,
      openFailures: this.openFailures,
      closed: Object.freeze({ ...this.closed }),
      acquired: this.acquired,
      reuse: this.acquired === 0 ? 0 : this.reused / this.acquired,
      timeouts: this.timeouts,
      aborted: this.aborted,
      rejected: this.rejected,
      shed: this.shed,
      leaked: this.leaked,
      leaking: this.leaking,
      nested: this.nested,
      wait: this.wait.snapshot(),
      lease: this.lease.snapshot(),
      open: this.open.snapshot(),
    }
  }
}
