/** One point a second for the last five minutes, for the curves of who comes late. */
import { Ring } from '../../base/ring.ts'
import { busyOf } from '../../base/slots.ts'
import type { History } from '../frame.ts'
import type { DashboardStats } from '../pool.ts'
import type { Stretch } from './recent.ts'

const SECONDS = 300

interface Point extends Stretch {
  readonly at: number
  readonly waiting: number
  readonly busy: number
  readonly total: number
}

/** The past of one pool. */
export class PoolHistory {
  readonly #points = new Ring<Point>(SECONDS)

  /** @param at milliseconds since 1970 */
  add(at: number, stats: DashboardStats, stretch: Stretch): void {
    this.#points.push({ at, ...stretch, waiting: stats.waiting, busy: busyOf(stats), total: stats.total })
  }

  /** As lists of figures, the newest last. */
  columns(name: string): History {
    const points = this.#points.values()
    return {
      name,
      at: points.map(({ at }) => at),
      answered: points.map(({ answered }) => answered),
      failed: points.map(({ failed }) => failed),
      waiting: points.map(({ waiting }) => waiting),
      busy: points.map(({ busy }) => busy),
      total: points.map(({ total }) => total),
      p50: points.map(({ p50 }) => p50),
      p95: points.map(({ p95 }) => p95),
      p99: points.map(({ p99 }) => p99),
    }
  }
}
