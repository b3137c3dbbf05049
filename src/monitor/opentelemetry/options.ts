/** What `openTelemetry()` takes besides pools, meter and tracer. */
import { SluiceError } from '../../base/errors.ts'
import { readBoolean, readFunction, readNumber, readOptions, readString } from '../../base/options.ts'
import type { Attributes } from './api.ts'

/** The server that a pool leads to, as OpenTelemetry names it. */
export interface ServerAttributes {
  /** `db.system.name`. Default `postgresql`. */
  readonly system?: string | undefined
  /** `server.address`: host name, address or socket, without port, user and password. */
  readonly address?: string | undefined
  /** `server.port`. 1 to 65,535. */
  readonly port?: number | undefined
  /** `db.namespace`: the database. */
  readonly namespace?: string | undefined
}

/** Options of `openTelemetry()`. */
export interface OpenTelemetryOptions {
  /** The server, of all pools or by the name of each. Stands on `db.client.operation.duration` and on spans. */
  readonly server?: ServerAttributes | ((pool: string) => ServerAttributes | undefined) | undefined
  /**
   * How many distinct `db.query.summary` the metric may have; what comes later is `_OTHER`. With 0 the metric has none. Spans have
   * each their own. 0 to 1,000; default 100.
   */
  readonly summaries?: number | undefined
  /** Whether spans carry `db.query.text`, the statement with its literals replaced. Default true. */
  readonly queryText?: boolean | undefined
  /** Told when the meter or the tracer fails, at most once a minute, in a turn of its own. The pool never hears of it. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** {@link OpenTelemetryOptions}, read. */
export interface OpenTelemetrySettings {
  /** By the name of the pool. */
  readonly servers: ReadonlyMap<string, Attributes>
  readonly summaries: number
  readonly queryText: boolean
  readonly onError: ((error: unknown) => void) | undefined
}

const WHAT = 'openTelemetry()'

/** Reads options. @throws SLUICE_BAD_OPTION */
export function readTelemetryOptions(
  options: OpenTelemetryOptions | undefined,
  pools: Iterable<string>,
): OpenTelemetrySettings {
  const given = readOptions(options, WHAT, ['server', 'summaries', 'queryText', 'onError'])
  const server = options?.server
  const of = typeof server === 'function' ? server : () => server
  return {
    servers: new Map([...pools].map((name) => [name, serverAttributes(of(name))])),
    summaries: readNumber(given, 'summaries', { min: 0, max: 1_000 }) ?? 100,
    queryText: readBoolean(given, 'queryText') ?? true,
    onError: readFunction(given, 'onError'),
  }
}

function serverAttributes(server: ServerAttributes | undefined): Attributes {
  const given = readOptions(server, `server of ${WHAT}`, ['system', 'address', 'port', 'namespace'])
  const address = readString(given, 'address')
  if (address !== undefined && /@|:\/\//.test(address))
    throw new SluiceError(
      'SLUICE_BAD_OPTION',
      'address must be a host, without user and password; it looks like a connection string',
    )
  const port = readNumber(given, 'port', { min: 1, max: 65_535 })
  const namespace = readString(given, 'namespace')
  return {
    'db.system.name': readString(given, 'system') ?? 'postgresql',
    ...(address !== undefined && { 'server.address': address }),
    ...(port !== undefined && { 'server.port': port }),
    ...(namespace !== undefined && { 'db.namespace': namespace }),
  }
}
