/**
 * One statement on its way: a query of pg that says on the wire only what the server does not know yet, and tells its owner
 * how it ended. Values are serialised before pg is touched, so nothing can fail between a Parse and its Sync.
 */
import type { Named, QueryResult } from '../driver.ts'
import { PgQuery, write } from '../driver.ts'
import type { Names } from './names.ts'

/** What is to be run. */
export interface Statement {
  readonly text: string
  /** As pg serialises them; undefined where the caller gave none. */
  readonly values: readonly unknown[] | undefined
  /** The caller's own name for it. */
  readonly name: string | undefined
  readonly rowMode: string | undefined
  readonly types: unknown
}

/** Whoever has put a statement on a lane. */
export interface Passenger {
  /** The statement was not sent, and its lane takes no more. */
  moved(): void
  /** The statement keeps those behind it waiting for too long. */
  stalled(): void
}

/** Who is told how a flight ends. Called once. */
export type Landed = (flight: Flight, error: Error | undefined, result: QueryResult | undefined) => void

const NO_VALUES: readonly unknown[] = Object.freeze([])

export class Flight extends PgQuery {
  readonly statement: Statement
  /** Taken for granted once handed to the client: it may have reached the server. */
  sent = false
  /** When it was sent. */
  sentAt = 0
  /** Milliseconds that it is expected to keep the server busy. */
  cost = 0
  /** Only on lanes. */
  passenger: Passenger | undefined = undefined
  /** Nobody waits for its answer any more. */
  abandoned = false
  /** Characters of its rows. */
  size = 0
  /** Of its name on this connection; only of one that Sluice gave. */
  readonly #epoch: number | undefined
  readonly names: Names
  readonly #values: readonly unknown[]
  readonly #simple: boolean
  readonly #landed: Landed
  #over = false

  /** @param name what the server keeps it under; undefined to have it parsed for this one time */
  constructor(statement: Statement, name: string | undefined, simple: boolean, names: Names, landed: Landed) {
    super({ text: statement.text, name, rowMode: statement.rowMode, types: statement.types })
    this.statement = statement
    this.#values = statement.values ?? NO_VALUES
    this.names = names
    this.#simple = simple
    this.#landed = landed
    this.#epoch = name === undefined || name === statement.name ? undefined : names.use(name)
  }

  /**
   * Whether an error says only that the server does not have the statement prepared as it was: it lost it (26000: DISCARD,
   * another server behind a pooler), has another one of that name (42P05), or its result has changed since (0A000 of a plan
   * that is looked at anew). All are said before anything has run, so that to run it once more is safe.
   */
  wasForgotten(error: Error): boolean {
    const { name } = this
    const { code, routine } = error as { code?: unknown; routine?: unknown }
    if (!name) return false
    if (code === '26000') this.names.forget(name, false, this.#epoch)
    else if (code === '42P05' || (code === '0A000' && routine === 'RevalidateCachedQuery'))
      this.names.forget(name, true, this.#epoch)
    else return false
    return true
  }

  /** Called by pg when the statement is to be sent. An error that is returned has left nothing on the wire. */
  submit(connection: object & Named): Error | null {
    this.sent = true
    const { name, text } = this
    const previous = name && (connection.parsedStatements[name] ?? connection.submittedNamedStatements[name])
    if (previous && previous !== text) {
      return new Error(`Prepared statements must be unique - '${name}' was used for a different statement`)
    }
    write(connection, (messages) => {
      for (const forgotten of this.names.toClose()) messages.close({ type: 'S', name: forgotten })
      if (this.#simple) return messages.query(text)
      if (!previous) {
        messages.parse({ text, name, types: this.types })
        if (name) connection.submittedNamedStatements[name] = text
      }
      messages.bind({ statement: name, values: this.#values })
      const fields = this.names.fieldsOf(name)
      if (fields === undefined) messages.describe({ type: 'P' })
      else if (fields.length > 0) this._result.addFields([...fields])
      messages.execute({})
      messages.sync()
    })
    return null
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    if (this._canceledDueToError) return
    for (const value of fields) if (value !== null) this.size += value.length
    try {
      this._result.rows.push(this._result.parseRow(fields))
    } catch (error) {
      this._canceledDueToError = error as Error
    }
  }

  handleError(error: Error): void {
    const failure = this._canceledDueToError || error
    this._canceledDueToError = false
    this.#end(failure, undefined)
  }

  handleReadyForQuery(): void {
    if (this._canceledDueToError) return this.#end(this._canceledDueToError, undefined)
    this.names.learn(this.name, this._result.fields)
    this.#end(undefined, this._results)
  }

  #end(error: Error | undefined, result: QueryResult | undefined): void {
    if (this.#over) return
    this.#over = true
    if (this.#epoch !== undefined) this.names.unuse(this.name as string)
    this.#landed(this, error, result)
  }
}

/** Whether the server has refused to prepare a text because it is several statements, which the simple protocol takes. */
export function isSeveral(error: Error, { values, name }: Statement): boolean {
  const { code } = error as { code?: unknown }
  return code === '42601' && !values?.length && !name && /multiple commands/.test(error.message)
}
