/**
 * One statement on its way: what pg takes for a query. It says on the wire only what the server does not know yet, and tells
 * its owner how it ended. Values are serialised before pg is touched, so nothing can fail between a Parse and its Sync.
 */
import type { FieldDef, Named, QueryResult } from '../driver.ts'
import { queryPrototype, writeTo } from '../driver.ts'
import type { RawRow, Result, Shape } from '../results.ts'
import { decodeRow, makeResult, reshape, shapeOf, shapeRaw, stands } from '../results.ts'
import type { Decode } from './binary.ts'
import type { Names } from './names.ts'
import type { Serialised } from './packet.ts'
import { Packet } from './packet.ts'

/** What is to be run. */
export interface Statement {
  readonly text: string
  /** As pg serialises them; undefined where the caller gave none. */
  readonly values: readonly Serialised[] | undefined
  /** The caller's own name for it. */
  readonly name: string | undefined
  readonly rowMode: string | undefined
  readonly types: unknown
}

/** Whoever has sent a statement. */
export interface Owner {
  /** Told once how it ended. */
  landed(flight: Flight, error: Error | undefined, result: QueryResult | undefined): void
}

/** Whoever has put a statement on a lane. */
export interface Passenger extends Owner {
  /** The statement was not sent, and its lane takes no more. */
  moved(): void
  /** The statement has been at the head for so many milliseconds, which is long. */
  late(millis: number): void
  /** The statement keeps those behind it waiting for too long. */
  stalled(): void
}

const NO_VALUES: readonly Serialised[] = Object.freeze([])

const packet = new Packet()
let gathering = false

/** Writes everything that is submitted to one connection while `send` runs in one go. */
export function together(connection: object, send: () => void): void {
  gathering = true
  try {
    send()
  } finally {
    gathering = false
    writeOut(connection)
  }
}

function writeOut(connection: object): void {
  if (!packet.isEmpty) writeTo(connection, packet.take())
}

export class Flight<O extends Owner = Owner> {
  readonly statement: Statement
  /** What the server keeps it under; undefined where it is parsed for this one time. pg reads it, and the text. */
  readonly name: string | undefined
  readonly text: string
  readonly owner: O
  readonly names: Names
  /** Taken for granted once handed to the client: it may have reached the server. */
  sent = false
  /** When it was sent. */
  sentAt = 0
  /** Milliseconds that it is expected to keep the server busy. */
  cost = 0
  /** Nobody waits for its answer any more. */
  abandoned = false
  /** Characters of its rows, or bytes. */
  size = 0
  /** Its rows are asked for in binary; pg is made to leave them as they are. */
  isRaw = false
  /** Which of its texts the name stands for on this connection; only of a name that Sluice gave, once it is used. */
  #epoch: number | undefined
  readonly #simple: boolean
  /** It was sent as prepared before. */
  #known = false
  // Nothing that is not needed before the answer is made before it: thousands of flights wait at once.
  #shape: Shape | undefined
  #decoders: readonly Decode[] | undefined
  #result: Result | undefined
  #earlier: Result[] | undefined
  #failure: Error | undefined
  #over = false

  /** @param simple whether it goes by the simple protocol */
  constructor(statement: Statement, name: string | undefined, simple: boolean, names: Names, owner: O) {
    this.statement = statement
    this.text = statement.text
    this.name = name
    this.names = names
    this.owner = owner
    this.#simple = simple
  }

  /**
   * Whether to send the statement once more after an error, without a name. Only where nothing has run: the server does not have
   * it prepared (26000: DISCARD, another server behind a pooler), has another one of that name (42P05), finds its result changed
   * (0A000 of a plan that is looked at anew) or its parts (class 42 of a plan made earlier: DDL has changed a type, a column);
   * or refuses it under a name that its caller never gave, and would read of. Without a name, because many may have relied on
   * one Parse that failed, and DDL may come again: a Parse of its own gives each the answer of its own moment.
   */
  mayRetry(error: Error): boolean {
    const { name } = this
    const { code, routine, where } = error as { code?: string; routine?: unknown; where?: unknown }
    if (name === undefined || code === undefined) return false
    if (code === '26000') this.names.forget(name, false, this.#epoch)
    else if (code === '42P05' || (code === '0A000' && routine === 'RevalidateCachedQuery'))
      this.names.forget(name, true, this.#epoch)
    else if (this.#epoch === undefined) return false
    else if (error.message.includes(name)) return true
    else if (this.#known && where === undefined && code.startsWith('42'))
      this.names.forget(name, true, this.#epoch)
    else return false
    return true
  }

  /** Called by pg when the statement is to be sent. An error that is returned has left nothing on the wire. */
  submit(connection: object & Named): Error | null {
    this.sent = true
    const { name = '', names, text } = this
    const { parsedStatements, submittedNamedStatements } = connection
    const known = name === '' ? undefined : (parsedStatements[name] ?? submittedNamedStatements[name])
    if (known !== undefined && known !== text) {
      return new Error(`Prepared statements must be unique - '${name}' was used for a different statement`)
    }
    this.#known = known !== undefined
    // Not before: what is never sent never lands, and the name would count as used for good.
    if (name !== '' && name !== this.statement.name) this.#epoch = names.use(name)
    for (const forgotten of names.toClose()) packet.close(forgotten)
    if (this.#simple) packet.query(text)
    else {
      if (known === undefined) {
        packet.parse(text, name)
        if (name !== '') submittedNamedStatements[name] = text
      }
      this.#shape = names.shapeOf(name)
      this.#decoders = this.#howToDecode()
      this.isRaw = this.#decoders !== undefined
      packet.bind(name, this.statement.values ?? NO_VALUES, this.isRaw)
      if (this.#shape === undefined) packet.describe()
      packet.execute()
      packet.sync()
    }
    if (!gathering) writeOut(connection)
    return null
  }

  #howToDecode(): readonly Decode[] | undefined {
    const { name, names, statement } = this
    if (this.#shape === undefined || name === undefined || statement.types !== undefined) return undefined
    const decoders = names.decodersOf(name)
    return decoders !== undefined && stands(names.client, this.#shape) ? decoders : undefined
  }

  // What pg tells as the answer comes ----------------------------------------------------------------------------------

  handleRowDescription({ fields }: { readonly fields: readonly FieldDef[] }): void {
    this.#guarded(() => this.#next().addFields(fields))
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] | RawRow }): void {
    if (this.#failure !== undefined) return
    for (const value of fields) if (value !== null) this.size += value.length
    try {
      const result = this.#result ?? this.#next()
      const decoders = this.#decoders
      const row =
        decoders === undefined
          ? result.parseRow(fields as readonly (string | null)[])
          : decodeRow(result, decoders, fields as RawRow)
      result.rows.push(row)
    } catch (error) {
      this.#failure = error as Error
    }
  }

  handleCommandComplete(message: object): void {
    const result = this.#result
    if (result?.command === null) result.addCommandComplete(message)
    else this.#guarded(() => this.#next().addCommandComplete(message))
  }

  handleEmptyQuery(): void {
    this.#guarded(() => this.#next())
  }

  /** Runs what asks the caller's own types, which may throw: into pg's reading of the socket, and nobody on it would be answered again. */
  #guarded(read: () => unknown): void {
    if (this.#failure !== undefined) return
    try {
      read()
    } catch (error) {
      this.#failure = error as Error
    }
  }

  /** The result that comes now: the next one after a command that is complete. */
  #next(): Result {
    const { statement, names } = this
    const last = this.#result
    if (last !== undefined && last.command === null) return last
    if (last !== undefined) {
      this.#earlier ??= []
      this.#earlier.push(last)
    }
    const result = makeResult(names.client, statement.rowMode, statement.types)
    if (this.#shape !== undefined) {
      if (this.#decoders !== undefined) shapeRaw(result, this.#shape)
      else reshape(names.client, result, this.#shape, statement.types === undefined)
    }
    this.#result = result
    return result
  }

  handleError(error: Error): void {
    this.#end(this.#failure ?? error, undefined)
  }

  handleReadyForQuery(): void {
    if (this.#result === undefined) this.#guarded(() => this.#next())
    const result = this.#result
    if (this.#failure !== undefined || result === undefined) return this.#end(this.#failure, undefined)
    if (this.#shape === undefined && this.#epoch !== undefined && this.statement.types === undefined)
      this.names.learn(this.name, shapeOf(result))
    // Several statements in one text have a result each; pg's types know of one.
    const all = this.#earlier === undefined ? result : [...this.#earlier, result]
    this.#end(undefined, all as QueryResult)
  }

  #end(error: Error | undefined, result: QueryResult | undefined): void {
    if (this.#over) return
    this.#over = true
    if (this.#epoch !== undefined) this.names.unuse(this.name as string)
    this.owner.landed(this, error, result)
  }
}

// pg lets nothing but its own queries into a pipeline. Its constructor is passed by: it makes an event emitter, a copy of the
// config and a result for each, and with a thousand statements under way those are what the garbage collector works on.
Object.setPrototypeOf(Flight.prototype, queryPrototype)

/** Whether the server has refused to prepare a text because it is several statements, which the simple protocol takes. */
export function isSeveral(error: Error, { values, name }: Statement): boolean {
  const { code } = error as { code?: unknown }
  return code === '42601' && !values?.length && name === undefined && /multiple commands/.test(error.message)
}
