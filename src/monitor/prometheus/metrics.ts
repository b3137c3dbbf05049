/** The metrics that Prometheus sees of pools: one table, for the exporter, the alert rules, the Grafana dashboard and the docs. */

/** What one metric is. */
export interface MetricDefinition {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** Besides `pool` and the labels of the caller. */
  readonly labels: readonly string[]
}

/** Boundaries of `db_query_duration_seconds`, in seconds. */
export const QUERY_SECONDS: readonly number[] = [0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10]

/** Boundaries of the times of connections, in seconds: from a free slot to the longest default deadline. */
export const CONNECTION_SECONDS: readonly number[] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60]

/** What the code calls a metric. */
export type MetricId =
  | 'connections'
  | 'slots'
  | 'max'
  | 'min'
  | 'maxOverflow'
  | 'overflow'
  | 'utilization'
  | 'waiting'
  | 'oldestWait'
  | 'wait'
  | 'use'
  | 'open'
  | 'acquires'
  | 'reuses'
  | 'refusals'
  | 'opens'
  | 'closes'
  | 'lost'
  | 'leaks'
  | 'leaking'
  | 'retries'
  | 'breaker'
  | 'connectionErrors'
  | 'queries'
  | 'queryErrors'
  | 'slowQueries'
  | 'sessions'
  | 'longestStatement'
  | 'maxSessions'

/** Every metric, by what the code calls it. */
export const METRICS: Readonly<Record<MetricId, MetricDefinition>> = {
  connections: {
    name: 'db_pool_connections',
    type: 'gauge',
    help: 'Connections of the pool by state: total, idle, active; waiting is callers without one.',
    labels: ['state'],
  },
  slots: {
    name: 'db_pool_slots',
    type: 'gauge',
    help: 'Slots of the pool by what they do: opening, idle, checking, leased, shared, cancelling, closing.',
    labels: ['state'],
  },
  max: {
    name: 'db_pool_max_connections',
    type: 'gauge',
    help: 'Connections that the pool may have, overflow left out.',
    labels: [],
  },
  min: {
    name: 'db_pool_min_connections',
    type: 'gauge',
    help: 'Connections that the pool keeps open.',
    labels: [],
  },
  maxOverflow: {
    name: 'db_pool_max_overflow_connections',
    type: 'gauge',
    help: 'Temporary connections that the pool may have above its maximum.',
    labels: [],
  },
  overflow: {
    name: 'db_pool_overflow_connections',
    type: 'gauge',
    help: 'Connections above the maximum of the pool now.',
    labels: [],
  },
  utilization: {
    name: 'db_pool_utilization_ratio',
    type: 'gauge',
    help: 'Busy slots (leased, shared, checking, cancelling) divided by the maximum, 0 to 1 and above with overflow.',
    labels: [],
  },
  waiting: {
    name: 'db_pool_waiting_callers',
    type: 'gauge',
    help: 'Callers that wait for a connection, by priority: 1 is the most urgent.',
    labels: ['priority'],
  },
  oldestWait: {
    name: 'db_pool_oldest_wait_seconds',
    type: 'gauge',
    help: 'How long the caller has waited who waits for longest.',
    labels: [],
  },
  wait: {
    name: 'db_pool_wait_seconds',
    type: 'histogram',
    help: 'From asking for a connection to having it.',
    labels: [],
  },
  use: {
    name: 'db_pool_use_seconds',
    type: 'histogram',
    help: 'From having a connection to giving it back.',
    labels: [],
  },
  open: {
    name: 'db_pool_open_seconds',
    type: 'histogram',
    help: 'Opening a connection, whole handshake.',
    labels: [],
  },
  acquires: {
    name: 'db_pool_acquires_total',
    type: 'counter',
    help: 'Connections that were lent, or began to be shared.',
    labels: [],
  },
  reuses: {
    name: 'db_pool_reuses_total',
    type: 'counter',
    help: 'Those of them that had been used before.',
    labels: [],
  },
  refusals: {
    name: 'db_pool_refusals_total',
    type: 'counter',
    help: 'Callers who left without a connection: timeout, aborted, rejected (the queue was full), shed (too late to be served in time).',
    labels: ['reason'],
  },
  opens: {
    name: 'db_pool_opens_total',
    type: 'counter',
    help: 'Connections that were opened.',
    labels: [],
  },
  closes: {
    name: 'db_pool_closes_total',
    type: 'counter',
    help: 'Connections that were closed, by reason.',
    labels: ['reason'],
  },
  lost: {
    name: 'db_pool_abandoned_connections',
    type: 'gauge',
    help: 'Connections whose close was given up: they may still live at the server.',
    labels: [],
  },
  leaks: {
    name: 'db_pool_leaks_total',
    type: 'counter',
    help: 'Leases that were reported as leaked.',
    labels: [],
  },
  leaking: {
    name: 'db_pool_leaking_connections',
    type: 'gauge',
    help: 'Leases out now that were reported as leaked.',
    labels: [],
  },
  retries: {
    name: 'db_pool_retries_total',
    type: 'counter',
    help: 'Calls that were run again.',
    labels: [],
  },
  breaker: {
    name: 'db_pool_breaker_state',
    type: 'gauge',
    help: 'The circuit breaker: 1 for the state that it is in (closed, half-open, open). Absent without one.',
    labels: ['state'],
  },
  connectionErrors: {
    name: 'db_connection_errors_total',
    type: 'counter',
    help: 'Connections that could not be opened, by the code of the error, and connections that were lost (type lost).',
    labels: ['type'],
  },
  queries: {
    name: 'db_query_duration_seconds',
    type: 'histogram',
    help: 'Statements as their callers saw them, waiting included, by the class that was said or is expected of them.',
    labels: ['class'],
  },
  queryErrors: {
    name: 'db_query_errors_total',
    type: 'counter',
    help: 'Statements that failed, by the code of the error.',
    labels: ['type'],
  },
  slowQueries: {
    name: 'db_slow_queries_total',
    type: 'counter',
    help: 'Statements that took longer than is expected of their class.',
    labels: ['class'],
  },
  sessions: {
    name: 'db_server_sessions',
    type: 'gauge',
    help: 'Sessions of the server by state: total, active, idle, idle_in_transaction. Only with activity.',
    labels: ['state'],
  },
  longestStatement: {
    name: 'db_server_longest_statement_seconds',
    type: 'gauge',
    help: 'How long the statement has run that runs for longest. Only with activity.',
    labels: [],
  },
  maxSessions: {
    name: 'db_server_max_sessions',
    type: 'gauge',
    help: 'Sessions that the server takes of ordinary roles. Only with activity.',
    labels: [],
  },
}
