/**
 * The instruments of a database client's connection pool and its operations: names, kinds, units and boundaries of OpenTelemetry's
 * semantic conventions, version 1.45.0 (docs/db/database-metrics.md).
 */
import { CONNECTION_SECONDS } from '../prometheus/metrics.ts'
import type { HistogramInstrument, InstrumentOptions, Meter, ObservableInstrument } from './api.ts'

// Of `db.client.operation.duration`, as the conventions advise them.
const OPERATION_SECONDS: readonly number[] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

/** What is asked for at each collection. */
export interface Observed {
  readonly count: ObservableInstrument
  readonly idleMax: ObservableInstrument
  readonly idleMin: ObservableInstrument
  readonly limit: ObservableInstrument
  readonly max: ObservableInstrument
  readonly pending: ObservableInstrument
  readonly timeouts: ObservableInstrument
}

/** What is recorded as it happens, in seconds. */
export interface Recorded {
  readonly create: HistogramInstrument
  readonly wait: HistogramInstrument
  readonly use: HistogramInstrument
  readonly operation: HistogramInstrument
}

/** Makes the instruments that are asked. */
export function observedOf(meter: Meter): Observed {
  const level = (name: string, unit: string, description: string): ObservableInstrument =>
    meter.createObservableUpDownCounter(`db.client.connection.${name}`, { unit, description })
  const max = 'Connections that the pool may have, temporary ones above it left out.'
  return {
    count: level('count', '{connection}', 'Connections by state: idle, used.'),
    idleMax: level('idle.max', '{connection}', 'Connections that may be idle: as many as the pool may have.'),
    idleMin: level('idle.min', '{connection}', 'Connections that the pool keeps open.'),
    limit: level('limit', '{connection}', max),
    // What `limit` was called up to 1.44: dashboards ask for it, and so does whoever collects other pools.
    max: level('max', '{connection}', max),
    pending: level('pending_requests', '{request}', 'Callers that wait for a connection.'),
    timeouts: meter.createObservableCounter('db.client.connection.timeouts', {
      unit: '{timeout}',
      description: 'Callers who got no connection in time.',
    }),
  }
}

/** Makes the instruments that record. */
export function recordedOf(meter: Meter): Recorded {
  const seconds = (description: string, boundaries: readonly number[]): InstrumentOptions => ({
    unit: 's',
    description,
    advice: { explicitBucketBoundaries: [...boundaries] },
  })
  // The conventions advise none for these, and the SDK's own are meant for milliseconds.
  const connection = (name: string, description: string): HistogramInstrument =>
    meter.createHistogram(`db.client.connection.${name}`, seconds(description, CONNECTION_SECONDS))
  return {
    create: connection('create_time', 'Opening a connection, whole handshake.'),
    wait: connection('wait_time', 'From asking for a connection to having it.'),
    use: connection('use_time', 'From having a connection to giving it back.'),
    operation: meter.createHistogram(
      'db.client.operation.duration',
      seconds('Statements as their callers saw them, waiting included.', OPERATION_SECONDS),
    ),
  }
}
