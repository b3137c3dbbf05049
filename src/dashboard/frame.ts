/** What the server tells the page, as JSON: everything that the page shows is in here. No password, token or bound value is. */
import type { PoolNumbers } from '../base/errors.ts'
import type { Finding } from '../monitor/finding.ts'

/** One slot. */
export interface SlotFrame {
  readonly id: number
  readonly state: 'opening' | 'idle' | 'checking' | 'leased' | 'shared' | 'cancelling' | 'closing'
  /** Milliseconds in that state. */
  readonly sinceMillis: number
  readonly agent: string | null
  readonly processId: number | null
  readonly uses: number
  /** Milliseconds since it was opened; null while it opens. */
  readonly ageMillis: number | null
  /** Statements under way together; null where it is not shared. */
  readonly depth: number | null
  /** Why it closes. */
  readonly reason: string | null
  /** Where its lease was taken; only with leak detection, of one that is out for longer than that allows. */
  readonly stack: string | null
}

/** The operations of one class over the last seconds, in milliseconds. */
export interface ClassFrame {
  readonly class: string
  /** Answers a second. */
  readonly perSecond: number
  /** Null where none was answered. */
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

/** Something that happened once. */
export interface EventFrame {
  /** Ascending over all pools; a viewer that has missed some sees it by this. */
  readonly id: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly level: 'info' | 'warn' | 'error'
  /** One sentence without a full stop. */
  readonly text: string
}

/** One statement, its literals aside. */
export interface StatementFrame {
  readonly text: string
  readonly calls: number
  readonly meanMillis: number
  readonly highMillis: number
}

/** One pool. */
export interface PoolFrame {
  readonly name: string
  readonly state: 'running' | 'paused' | 'draining' | 'ending' | 'ended'
  readonly max: number
  readonly min: number
  readonly maxOverflow: number
  /** As `stats()` has them, of the same moment. */
  readonly counts: Omit<PoolNumbers, 'max'> & {
    readonly total: number
    readonly lost: number
    readonly leaking: number
  }
  /** Percent. */
  readonly utilization: number
  readonly oldestWaitMillis: number
  /** Since the pool was made. */
  readonly totals: {
    readonly opened: number
    readonly openFailures: number
    readonly acquired: number
    readonly timeouts: number
    readonly aborted: number
    readonly rejected: number
    readonly shed: number
    readonly leaked: number
    readonly retries: number
    /** Closes by reason. */
    readonly closed: Readonly<Record<string, number>>
  }
  /** 0 to 1. */
  readonly reuse: number
  /** The newest connection that could not be opened, by its code with words of ours; null where there is none. */
  readonly lastOpenFailure: { readonly message: string; readonly ageMillis: number } | null
  /** From asking to getting a connection over the last ten seconds or so, in milliseconds; null where nobody got one. */
  readonly wait: {
    readonly mean: number | null
    readonly p95: number | null
    readonly p99: number | null
  }
  /** Operations that have ended, and those of them that failed, a second, over the last second or so. */
  readonly perSecond: { readonly answered: number; readonly failed: number }
  readonly classes: readonly ClassFrame[]
  /** Of all classes together, over the same seconds. */
  readonly latency: Pick<ClassFrame, 'p50' | 'p95' | 'p99'>
  /** By priority (1 is the most urgent) and agent. At most 50 rows; `more` is how many wait beyond them. */
  readonly queue: {
    readonly rows: readonly {
      readonly priority: number
      readonly agent: string | null
      readonly waiting: number
      readonly oldestMillis: number
    }[]
    readonly more: number
  }
  /** Null without a circuit breaker. */
  readonly breaker: {
    readonly state: 'closed' | 'open' | 'half-open'
    readonly failures: number
    readonly calls: number
    readonly retryAfterMillis: number
  } | null
  /** At most 500. */
  readonly slots: readonly SlotFrame[]
}

/** What takes more work to find out, and changes slowly: told every few seconds. */
export interface SlowPoolFrame {
  readonly name: string
  readonly advice: readonly Finding[]
  readonly statements: readonly StatementFrame[]
  /** `postgresql`: what the pool is of, and where: `direct`, `transaction (PgBouncer)`. Null where it does not say. */
  readonly endpoint: string | null
}

/** One second of the past, for the curves of who comes late. Each list has one value a second, the newest last. */
export interface History {
  readonly name: string
  readonly at: readonly number[]
  readonly answered: readonly number[]
  readonly failed: readonly number[]
  readonly waiting: readonly number[]
  readonly busy: readonly number[]
  readonly total: readonly number[]
  /** Of all classes together, in milliseconds; null in a second without answers. */
  readonly p50: readonly (number | null)[]
  readonly p95: readonly (number | null)[]
  readonly p99: readonly (number | null)[]
}

/** Event `hello`: once, when a viewer comes, and again after it has come back. */
export interface Hello {
  /** Of Sluice. */
  readonly version: string
  /** Changes with every start of the server. */
  readonly run: string
  /** What the dashboard is called, where it was given a title. */
  readonly title?: string | undefined
  readonly everyMillis: number
  /** Up to 300 seconds. */
  readonly history: readonly History[]
  readonly slow: readonly SlowPoolFrame[]
  readonly events: readonly EventFrame[]
}

/** Event `frame`: four times a second and more. */
export interface Frame {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly pools: readonly PoolFrame[]
  /** Since the last frame; not repeated for a viewer that was too slow for one. */
  readonly events: readonly EventFrame[]
}

/** Event `slow`. */
export interface Slow {
  readonly pools: readonly SlowPoolFrame[]
}
