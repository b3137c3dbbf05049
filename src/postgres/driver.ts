/**
 * The only door to `pg`: its classes, and every private field of a client that Sluice reads or calls (those of its results are
 * in results.ts, what it takes for a query is in lanes/flight.ts). A contract test fails
 * when a release of pg changes one of them. Clients that are not pg's own (mocks, other drivers of the same shape) may lack
 * any of it, and then count as ready and healthy.
 */
import { AsyncResource } from 'node:async_hooks'
import type { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import pg from 'pg'

export type { ClientConfig, FieldDef, PoolConfig as PgPoolConfig, QueryResult, QueryResultRow } from 'pg'

/** What a pool lends: any client of pg's shape. */
export type Client = pg.PoolClient

/** A class that makes clients. */
export type ClientClass = new (config?: pg.ClientConfig) => pg.ClientBase

/**
 * pg's pool, which Sluice's extends so that `instanceof pg.Pool` holds. Typed as what is kept of it, since everything else is
 * overridden and TypeScript takes pg's getters for fields.
 */
export const PgPool: PgPoolClass = pg.Pool as never

/** What {@link PgPool} keeps. */
export interface PgPoolClass extends Pick<typeof EventEmitter, keyof typeof EventEmitter> {
  new (options?: object): PgPoolBase
}

/** An instance of {@link PgPool}. */
export interface PgPoolBase extends EventEmitter {
  options: pg.PoolOptions
  Client: ClientClass
  Promise: PromiseConstructor
  log: (...messages: unknown[]) => void
}

/** pg's own client class. */
export const PgClient: typeof pg.Client = pg.Client

/** What pg asks of a query by `instanceof` before it lets it into a pipeline: see lanes/flight.ts. */
export const queryPrototype: object = pg.Query.prototype

/** pg's result, for results.ts. */
export const PgResult: unknown = (pg as unknown as { Result: unknown }).Result

/** How a client reads types. */
export interface Types {
  getTypeParser(type: number, format: string): TypeParser
}

/** How text of a type is read. */
export type TypeParser = (value: string) => unknown

/** How a client reads types, where it says. */
export function typesOf(client: object): Types | undefined {
  return inside(client)._types
}

/** What reads the server's messages for pg. */
export interface PgParser {
  parse(bytes: Buffer, tell: (message: { name: string }) => void): void
  handlePacket(offset: number, code: number, length: number, bytes: Buffer): { name: string }
}

let Parser: (new () => PgParser) | undefined

/** A parser of pg's own, found from where pg is, so that its errors are pg's. */
export function pgParser(): PgParser {
  if (Parser === undefined) {
    const besidePg = createRequire(createRequire(import.meta.url).resolve('pg'))
    Parser = (besidePg('pg-protocol/dist/parser') as { Parser: new () => PgParser }).Parser
  }
  return new Parser()
}

/** Replaces how a client's connection reads its socket. Call before the client connects. */
export function readWith(
  client: object,
  read: (bytes: Buffer, tell: (message: { readonly name: string }) => void) => void,
): void {
  const { connection } = inside(client)
  if (connection === undefined) return
  const attachListeners = (stream: Socket) => {
    stream.on('data', (bytes: Buffer) => {
      read(bytes, (message) =>
        connection.emit(message.name === 'error' ? 'errorMessage' : message.name, message),
      )
    })
  }
  Object.assign(connection, { attachListeners })
}

/** What a client waits for the answer of. */
export function activeOf(client: object): unknown {
  return inside(client)._activeQuery
}

/** What pg knows of the named statements of a connection. */
export interface Named {
  /** The text by name, known once the server has taken it. */
  readonly parsedStatements: Record<string, string | undefined>
  /** The same for what is under way. */
  readonly submittedNamedStatements: Record<string, string | undefined>
}

/** The connection of a client that has one. */
export function connectionOf(client: object): object & Named {
  const { connection } = inside(client)
  if (connection === undefined) throw new Error('BUG: a client without a connection is written to directly')
  return connection as unknown as Named
}

/** Writes bytes to a connection's socket. */
export function writeTo(connection: object, bytes: Buffer): void {
  const { stream } = connection as Wire
  if (stream.writable) stream.write(bytes)
}

/** Quotes an identifier as Postgres does. */
export const escapeIdentifier: (name: string) => string = pg.escapeIdentifier

/** What pg makes of a value before it sends it: text, bytes, or null. @throws what pg throws for a value that it cannot send */
export const serialize: (value: unknown) => string | Buffer | null | undefined = (
  pg as unknown as { utils: { prepareValue(value: unknown): string | Buffer | null } }
).utils.prepareValue

interface Wire {
  stream: Socket
  readonly _ending: boolean
  connect(port: number | string, host?: string): void
  requestSsl(): void
  cancel(processId: number, secretKey: number): void
  end(): void
  emit(event: string, message: object): boolean
  on(event: string, listener: (argument: never) => void): unknown
  once(event: string, listener: (argument: never) => void): unknown
}

/** The inside of a pg client. Each field may be missing on another driver's client. */
interface Inside {
  readonly connection?: Wire
  readonly host?: string
  readonly port?: number
  readonly ssl?: unknown
  readonly sslNegotiation?: string
  readonly secretKey?: number | null
  readonly processID?: number | null
  readonly readyForQuery?: boolean
  readonly _activeQuery?: unknown
  readonly _queryQueue?: readonly unknown[]
  readonly _sentQueryQueue?: readonly unknown[]
  readonly _types?: Types
  readonly _queryable?: boolean
  _ending?: boolean
  readonly _ended?: boolean
  pipeline?: boolean
  _errorAllQueries?(error: Error): void
  getTransactionStatus?(): string | null
  ref?(): void
  unref?(): void
}

function inside(client: object): Inside {
  return client as Inside
}

/** The server process behind a client, where it is known. */
export function processIdOf(client: object): number | undefined {
  return inside(client).processID ?? undefined
}

/** Whether statements are running or queued on a client, or the answer to the last one has not ended yet. */
export function isBusy(client: object): boolean {
  const { readyForQuery, _activeQuery, _queryQueue, _sentQueryQueue } = inside(client)
  return (
    readyForQuery === false ||
    Boolean(_activeQuery) ||
    Boolean(_queryQueue?.length) ||
    Boolean(_sentQueryQueue?.length)
  )
}

/** Whether a client's connection has failed or was ended. */
export function isDead(client: object): boolean {
  const { _queryable, _ending, _ended } = inside(client)
  return _queryable === false || _ending === true || _ended === true
}

/** Whether a client is inside a transaction, open or failed. A client that never ran a statement does not say. */
export function isInTransaction(client: object): boolean {
  const status = inside(client).getTransactionStatus?.()
  return status === 'T' || status === 'E'
}

/** Whether a client's socket keeps the process up. */
export function keepProcess(client: object, on: boolean): void {
  if (on) inside(client).ref?.()
  else inside(client).unref?.()
}

/** Whether Sluice can see when a client's socket closes. */
export function hasWire(client: object): boolean {
  return inside(client).connection?.stream !== undefined
}

/** Resolves when the answer to a client's last statement has ended; also when its connection has. */
export function atRest(client: object): Promise<void> {
  const emitter = client as EventEmitter
  return new Promise((resolve) => {
    const rested = () => {
      emitter.removeListener('drain', rested)
      emitter.removeListener('end', rested)
      resolve()
    }
    emitter.on('drain', rested)
    emitter.on('end', rested)
  })
}

/** Cuts a client's socket, whatever it is doing. */
export function destroy(client: object): void {
  inside(client).connection?.stream?.destroy()
}

/** Resolves when a client's socket has closed at both ends. Only for clients with a wire. */
export function socketClosed(client: object): Promise<void> {
  const { connection, _ended } = inside(client)
  if (connection === undefined) throw new Error('BUG: the end of a socket is awaited that cannot be seen')
  if (_ended === true || connection.stream.closed) return Promise.resolve()
  return new Promise((resolve) => {
    connection.once('end', () => resolve())
  })
}

/**
 * Says goodbye on a connection whose statement still runs: its callers get an error now, the server reads the goodbye when
 * the statement has ended. `client.end()` would cut the socket, which the server does not notice before the statement ends.
 */
export function halfClose(client: object, error: Error): void {
  const { connection, _errorAllQueries } = inside(client)
  _errorAllQueries?.call(client, error)
  inside(client)._ending = true
  connection?.end()
}

/** Whether statements can be sent on a client without waiting for the answers of those before. */
export function canPipeline(client: object): boolean {
  return typeof inside(client).pipeline === 'boolean' && hasWire(client)
}

/**
 * Lets a client send without waiting, or not any more. The only place where `client.pipeline` changes: switched with a
 * statement in flight, a query gets its neighbour's rows.
 */
export function setPipeline(client: object, on: boolean): void {
  if (isBusy(client)) throw new Error('BUG: the pipeline is switched while statements are in flight')
  inside(client).pipeline = on
}

/**
 * Calls `tell` with the milliseconds that the server's first word of a handshake took: a round trip, and what it costs to make
 * a session. Call before the client connects.
 */
export function timeGreeting(client: object, now: () => number, tell: (millis: number) => void): void {
  const { connection, ssl } = inside(client)
  if (connection === undefined) return
  let askedAt: number | undefined
  const asked = () => {
    askedAt = now()
  }
  const answered = () => {
    if (askedAt !== undefined) tell(now() - askedAt)
    askedAt = undefined
  }
  connection.once(ssl ? 'sslconnect' : 'connect', asked)
  for (const word of GREETINGS) connection.once(word, answered)
}

const GREETINGS = [
  'authenticationOk',
  'authenticationCleartextPassword',
  'authenticationMD5Password',
  'authenticationSASL',
]

/** Gathers what `send` writes into one packet. */
export function corked<R>(client: object, send: () => R): R {
  const stream = inside(client).connection?.stream
  stream?.cork()
  try {
    return send()
  } finally {
    stream?.uncork()
  }
}

/** Whether the server has given a client a key to cancel with. */
export function mayCancel(client: object): boolean {
  const { port, processID, secretKey } = inside(client)
  return processID != null && secretKey != null && port !== undefined
}

/** A connection beside a client's: to the same address, with the same TLS, without a session. */
export interface SideWire extends Pick<Wire, 'stream' | 'requestSsl' | 'on'> {
  /** Whether TLS begins before the first word, after a request for it, or not at all. */
  readonly tls: 'direct' | 'asked' | 'none'
  /** What the server knows the client by; undefined where it gave no key. */
  readonly key: { readonly processId: number; readonly secret: number } | undefined
  cancel(processId: number, secretKey: number): void
}

/** Whether a client speaks through a socket of the platform's, and says where that is connected to, or connecting. */
export function hasAddress(client: object): boolean {
  const { connection, port } = inside(client)
  return port !== undefined && connection?.stream !== undefined && 'remoteAddress' in connection.stream
}

/** A client that speaks through something else (a WebSocket) has a way of its own to its server. */
function ownWire(client: object): Wire {
  const { host, port, ssl } = inside(client)
  const Client = client.constructor as new (config: object) => object
  const { connection } = inside(new Client({ host, port, ssl }))
  if (connection === undefined) throw new Error('this client does not let anybody connect beside it')
  return connection
}

/** Begins to connect beside a client. @param stream what makes its sockets, where the caller has said so. @throws where its address is not known */
export function openBeside(client: object, stream: unknown, plain = false): SideWire {
  const { host, port, processID, secretKey, ssl, sslNegotiation } = inside(client)
  if (port === undefined) throw new Error('this client does not say where it is connected to')
  const config = {
    ...(plain ? {} : { ssl, sslNegotiation }),
    ...(typeof stream === 'function' ? { stream } : {}),
  }
  const isOnSocket = hasAddress(client) || typeof stream === 'function'
  const wire = isOnSocket
    ? (new pg.Connection(config as unknown as pg.ConnectionConfig) as unknown as Wire)
    : ownWire(client)
  if (host?.startsWith('/')) wire.connect(`${host}/.s.PGSQL.${port}`)
  else wire.connect(port, host)
  const tls = plain || !ssl ? 'none' : sslNegotiation === 'direct' ? 'direct' : 'asked'
  const key = processID == null || secretKey == null ? undefined : { processId: processID, secret: secretKey }
  return Object.assign(wire, { tls, key } as const)
}

/** What the server says of itself in passing. */
export interface ServerWords {
  /** It refuses something, or says goodbye. Called before whoever waits for the answer. */
  error(error: Error): void
  /** A setting of the session has this value now. */
  parameter(name: string, value: string): void
}

/** Listens to what the server says to a client. Call before the client connects. */
export function onServerWords(client: object, words: ServerWords): void {
  const { connection } = inside(client)
  connection?.on('errorMessage', (error: Error) => words.error(error))
  connection?.on('parameterStatus', (message: { parameterName: string; parameterValue: string }) =>
    words.parameter(message.parameterName, message.parameterValue),
  )
}

/** How many bytes a client's socket has brought; undefined where that cannot be seen. */
export function bytesRead(client: object): number | undefined {
  return inside(client).connection?.stream?.bytesRead
}

/** Cuts a client's socket; `error` is told to whoever waits for an answer on it. */
export function cut(client: object, error: Error): void {
  inside(client).connection?.stream?.destroy(error)
}

type Query = (
  statement: unknown,
  values?: unknown,
  callback?: (error: Error | undefined, result: unknown) => void,
) => unknown

const BOUND = Symbol('callbacks keep their context')

/**
 * Lets the callbacks of `client.query` run in the context of whoever handed them in. Without this they run in the context of
 * the call that happened to open the connection.
 */
export function bindCallbacks(client: object): void {
  const prototype = Object.getPrototypeOf(client) as { query?: (...given: unknown[]) => unknown }
  if (Object.hasOwn(client, 'query') || typeof prototype.query !== 'function') return
  const query = function (this: unknown, ...given: unknown[]): unknown {
    const last = given.at(-1)
    if (typeof last === 'function') given[given.length - 1] = AsyncResource.bind(last as () => void)
    return prototype.query?.apply(this, given)
  }
  Object.defineProperty(client, 'query', {
    value: Object.assign(query, { [BOUND]: true }),
    configurable: true,
    enumerable: false,
    writable: true,
  })
}

/** The client's own `query`, for callers who keep the context themselves. */
export function plainQuery(client: object): Query {
  const { query } = client as { query: Query }
  return BOUND in query ? (Object.getPrototypeOf(client) as { query: Query }).query : query
}
