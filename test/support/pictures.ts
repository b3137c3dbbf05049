/** Pictures of pools and servers that are well, to be spoilt by a test. */
import type { PoolStats } from '../../src/core/stats.ts'
import type {
  Activity,
  Session,
  Snapshot,
  SourceConnection,
  SourceSettings,
} from '../../src/monitor/index.ts'
import { numbersWith } from './numbers.ts'

const NOTHING = { count: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 }

/** `count` times that all took `mean`. */
export function times(count: number, mean: number) {
  return { count, mean, p50: mean, p95: mean, p99: mean, max: mean }
}

/** An idle pool with the defaults. */
export function statsOf(given: Partial<PoolStats> = {}): PoolStats {
  return {
    ...numbersWith({}),
    min: 0,
    maxOverflow: 0,
    total: 0,
    budget: undefined,
    state: 'running',
    waitingByPriority: [0, 0, 0],
    overloaded: false,
    oldestWaitMillis: 0,
    waitShare: 0,
    ageMillis: 600_000,
    utilization: 0,
    lost: 0,
    opened: 0,
    openFailures: 0,
    lastOpenFailure: undefined,
    closed: {},
    generation: 0,
    acquired: 0,
    reuse: 0,
    timeouts: 0,
    aborted: 0,
    rejected: 0,
    shed: 0,
    leaked: 0,
    leaking: 0,
    nested: 0,
    wait: NOTHING,
    lease: NOTHING,
    open: NOTHING,
    ...given,
  }
}

/** The defaults. */
export function settingsOf(given: Partial<SourceSettings> = {}): SourceSettings {
  return {
    profile: undefined,
    endpoint: 'direct',
    max: 10,
    min: 0,
    maxOverflow: 0,
    acquireTimeoutMillis: 30_000,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 10_000,
    maxLifetimeMillis: undefined,
    prePingMillis: 30_000,
    leakDetectionMillis: undefined,
    statementTimeout: undefined,
    idleInTransactionTimeout: undefined,
    preparedStatements: 100,
    keepAlive: true,
    ...given,
  }
}

const AT = 1_700_000_000_000

/** A connection that was opened `ageMillis` ago. */
export function connectionOf(
  given: Partial<SourceConnection> & { ageMillis?: number } = {},
): SourceConnection {
  const { ageMillis = 1_000, ...rest } = given
  return {
    id: 1,
    state: 'idle',
    sinceMillis: 500,
    createdAt: new Date(AT - ageMillis),
    uses: 1,
    agent: undefined,
    leasedForMillis: undefined,
    limited: false,
    stack: undefined,
    reason: undefined,
    processId: 4_711,
    ...rest,
  }
}

interface Given extends Partial<Omit<Snapshot, 'stats' | 'settings'>> {
  readonly stats?: Partial<PoolStats>
  readonly settings?: Partial<SourceSettings>
}

/** A picture of an idle pool with the defaults. */
export function snapshot({ stats, settings, ...rest }: Given = {}): Snapshot {
  return {
    at: AT,
    stats: statsOf(stats),
    settings: settingsOf(settings),
    connections: [],
    statements: [],
    uptimeMillis: undefined,
    serverless: undefined,
    earlier: undefined,
    ...rest,
  }
}

/** A session that does nothing. */
export function sessionOf(given: Partial<Session> = {}): Session {
  return {
    pid: 100,
    database: 'app',
    role: 'app',
    application: 'worker',
    state: 'idle',
    stateMillis: 10,
    transactionMillis: undefined,
    statementMillis: undefined,
    statement: undefined,
    own: false,
    ...given,
  }
}

/** A server of 100 connections on which nothing happens. */
export function activityOf(given: Partial<Activity> = {}): Activity {
  return {
    server: { version: '18.0', versionNumber: 180_000, replica: false },
    role: 'app',
    database: 'app',
    limits: {
      maxConnections: 100,
      superuserReserved: 3,
      reserved: 0,
      databaseLimit: undefined,
      roleLimit: undefined,
    },
    timeouts: {
      statement: undefined,
      lock: undefined,
      idleInTransaction: undefined,
      idleSession: undefined,
      transaction: undefined,
    },
    roleSettings: [],
    total: 2,
    active: 0,
    idle: 2,
    idleInTransaction: 0,
    own: 1,
    ofRole: 1,
    ofDatabase: 1,
    hidden: 0,
    byApplication: [],
    longest: undefined,
    overFiveMinutes: [],
    idlers: [],
    blocked: [],
    unseen: [],
    ...given,
  }
}
