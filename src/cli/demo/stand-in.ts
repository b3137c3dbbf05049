/**
 * One pool to whoever watches, over all the pools that the demo opens: each turn begins with a new and cold one, and the
 * dashboard shows that of the moment, with counters that go on where those of the last one ended.
 */
import type { Distribution } from '../../base/histogram.ts'
import type { Hooks } from '../../core/hooks.ts'
import type { DashboardPool } from '../../dashboard/pool.ts'
import type { Pool } from '../../postgres/pool.ts'

type Stats = ReturnType<Pool['stats']>

/** Stands in for a pool that changes. */
export class StandIn implements DashboardPool {
  readonly #resting: Pool
  readonly #watchers = new Map<Hooks<object>, () => void>()
  #pool: Pool
  #past: Stats | undefined

  /** @param resting what is shown while no other pool is: one that nobody uses, and that therefore has no connection */
  constructor(resting: Pool) {
    this.#resting = resting
    this.#pool = resting
  }

  /** Shows `pool` from now on. Returns the way to show none. */
  show(pool: Pool): () => void {
    this.#turnTo(pool)
    return () => this.#turnTo(this.#resting)
  }

  #turnTo(pool: Pool): void {
    // The one that nobody uses has counted nothing.
    if (this.#pool !== this.#resting) this.#past = this.stats()
    this.#pool = pool
    for (const [hooks, detach] of this.#watchers) {
      detach()
      this.#watchers.set(hooks, pool.attach(hooks))
    }
  }

  attach(hooks: Hooks<object>): () => void {
    this.#watchers.set(hooks, this.#pool.attach(hooks))
    return () => {
      this.#watchers.get(hooks)?.()
      this.#watchers.delete(hooks)
    }
  }

  stats(): Stats {
    const now = this.#pool.stats()
    return this.#past === undefined ? now : continued(this.#past, now)
  }

  readonly query: Pool['query'] = ((...asked: Parameters<Pool['query']>) =>
    this.#pool.query(...asked)) as Pool['query']

  connections(): ReturnType<Pool['connections']> {
    return this.#pool.connections()
  }

  queue(): ReturnType<Pool['queue']> {
    return this.#pool.queue()
  }

  statements(limit?: number): ReturnType<Pool['statements']> {
    return this.#pool.statements(limit)
  }

  settings(): ReturnType<Pool['settings']> {
    return this.#pool.settings()
  }

  endpoint(): ReturnType<Pool['endpoint']> {
    return this.#pool.endpoint()
  }
}

const COUNTERS = [
  'opened',
  'openFailures',
  'acquired',
  'timeouts',
  'aborted',
  'rejected',
  'shed',
  'leaked',
  'nested',
  'retries',
] as const

/** `now` with what was counted before it. Quantiles are those of now: they do not add up. */
function continued(past: Stats, now: Stats): Stats {
  const counted = Object.fromEntries(COUNTERS.map((name) => [name, past[name] + now[name]]))
  const closed: Partial<Record<string, number>> = { ...past.closed }
  for (const [reason, count] of Object.entries(now.closed)) closed[reason] = (closed[reason] ?? 0) + count
  const acquired = past.acquired + now.acquired
  return Object.freeze({
    ...now,
    ...counted,
    closed: Object.freeze(closed),
    reuse: acquired === 0 ? 0 : (past.reuse * past.acquired + now.reuse * now.acquired) / acquired,
    wait: joined(past.wait, now.wait),
    lease: joined(past.lease, now.lease),
    open: joined(past.open, now.open),
  })
}

function joined(past: Distribution, now: Distribution): Distribution {
  const count = past.count + now.count
  return {
    ...(now.count === 0 ? past : now),
    count,
    mean: count === 0 ? 0 : (past.mean * past.count + now.mean * now.count) / count,
    max: Math.max(past.max, now.max),
  }
}
