/** The two pools that the demo compares, each behind the same few calls. */
import type { Pool as PlainPool } from 'pg'
import type { WorkloadPool } from '../../demo/workload/port.ts'
import type { StatementKind } from '../../demo/workload/statements.ts'
import { PgPool } from '../../postgres/driver.ts'
import { Pool } from '../../postgres/pool.ts'
import type { Ask } from './meter.ts'

export const sideNames = ['sluice', 'pg'] as const

/** Which pool. */
export type SideName = (typeof sideNames)[number]

/** What each is called on the screen. */
export const labels: Readonly<Record<SideName, string>> = { sluice: 'Sluice', pg: 'pg.Pool' }

/** What the slots of a pool do, and who waits. */
export interface PoolView {
  readonly max: number
  readonly leased: number
  readonly idle: number
  /** Opening, cancelling, checking or closing. */
  readonly between: number
  /** In the order of urgency; one number under `all` where the pool knows no priorities. */
  readonly waiting: readonly (readonly [label: string, count: number])[]
}

/** One pool, open. */
export interface Side {
  readonly pool: WorkloadPool
  readonly ask: Ask
  /** What a dashboard can show of it. */
  readonly watchable: Pool | undefined
  view(): PoolView
  end(): Promise<void>
}

/** What a pool is opened with. */
export interface SideOptions {
  url: string
  max: number
  applicationName: string
}

/** Opens one of the two; connections are made when they are needed. */
export function openSide(name: SideName, options: SideOptions): Side {
  return name === 'sluice' ? sluiceSide(options) : plainSide(options)
}

/** How urgent each kind is to Sluice: short work first, reports last. */
export const priorities: Readonly<Record<StatementKind, 'high' | 'medium' | 'low'>> = {
  lookup: 'high',
  write: 'high',
  transaction: 'high',
  similarity: 'medium',
  aggregate: 'low',
}

function sluiceSide({ url, max, applicationName }: SideOptions): Side {
  const pool = new Pool({ connectionString: url, max, applicationName })
  let transactions = 0
  return {
    pool: {
      query: (text, values) => pool.query(text, values),
      // The workload does not say for whom it asks here, and agents have one transaction at a time: under one label all
      // of them together would get one agent's turns.
      connect: () => pool.lease({ priority: priorities.transaction, agent: `transaction-${++transactions}` }),
    },
    ask: (text, values, { agent, kind, signal }) =>
      pool.query(text, values, { agent, signal, priority: priorities[kind] }),
    watchable: pool,
    view() {
      const { leased, idle, opening, checking, cancelling, closing, waitingByPriority } = pool.stats()
      const names = ['high', 'medium', 'low']
      return {
        max,
        leased,
        idle,
        between: opening + checking + cancelling + closing,
        waiting: waitingByPriority.map((count, level) => [names[level] ?? `level ${level + 1}`, count]),
      }
    },
    end: () => pool.end(),
  }
}

function plainSide({ url, max, applicationName }: SideOptions): Side {
  const config = { connectionString: url, max, application_name: applicationName }
  const pool = new PgPool(config) as unknown as PlainPool
  // Its end() resolves before its sockets have closed; the server's goodbye to one of them would end the process.
  pool.on('error', () => {})
  return {
    pool,
    ask: (text, values) => pool.query(text, values),
    watchable: undefined,
    view() {
      const { totalCount, idleCount, waitingCount } = pool
      return {
        max,
        leased: totalCount - idleCount,
        idle: idleCount,
        between: 0,
        waiting: [['all', waitingCount]],
      }
    },
    end: () => pool.end(),
  }
}
