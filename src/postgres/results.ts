/** The results that pg makes, seen from within: their fields are kept for the next run, and rows can be had as bytes. */
import type { FieldDef, QueryResult, QueryResultRow, TypeParser } from './driver.ts'
import { activeOf, PgResult as PgClass, pgParser, readWith, typesOf } from './driver.ts'

/** A result of pg, seen from within. */
export interface Result extends QueryResult {
  _parsers: readonly TypeParser[] | undefined
  _prebuiltEmptyResultObject: object | null
  readonly rowAsArray: boolean
  addFields(fields: readonly FieldDef[]): void
  parseRow(values: readonly (string | null)[]): QueryResultRow
  addCommandComplete(message: object): void
}

/** What a statement returns, as far as it is the same for every run. */
export interface Shape {
  readonly fields: readonly FieldDef[]
  readonly parsers: readonly TypeParser[]
  /** A row without values. */
  readonly blank: object | null
}

const PgResult = PgClass as new (rowMode: unknown, types: unknown) => Result

/** An empty result, for rows of the caller's kind and types. */
export function makeResult(client: object, rowMode: string | undefined, types: unknown): Result {
  return new PgResult(rowMode, types ?? typesOf(client))
}

/** What the fields of a result have become. */
export function shapeOf({ fields, _parsers = [], _prebuiltEmptyResultObject }: Result): Shape {
  return { fields: copies(fields), parsers: _parsers, blank: _prebuiltEmptyResultObject }
}

type Field = new (
  name: string,
  tableID: number,
  columnID: number,
  dataTypeID: number,
  dataTypeSize: number,
  dataTypeModifier: number,
  format: string,
) => FieldDef

/** Fields for one result alone: people rename the columns of what they are given, and pg makes rows by these names. */
function copies(fields: readonly FieldDef[], format?: string): FieldDef[] {
  const copied: FieldDef[] = []
  for (const field of fields) {
    const { name, tableID, columnID, dataTypeID, dataTypeSize, dataTypeModifier } = field
    const Copy = field.constructor as Field
    const as = format ?? field.format
    copied.push(new Copy(name, tableID, columnID, dataTypeID, dataTypeSize, dataTypeModifier, as))
  }
  return copied
}

/** Whether the columns of an earlier result are still read as they were: anybody may set other parsers for types at any time. */
export function stands(client: object, { fields, parsers }: Shape): boolean {
  const types = typesOf(client)
  for (const [n, { dataTypeID, format }] of fields.entries())
    if (types?.getTypeParser(dataTypeID, format) !== parsers[n]) return false
  return true
}

/** Gives a result the fields of an earlier one. @param sameTypes whether the two are read by the same types */
export function reshape(client: object, result: Result, shape: Shape, sameTypes: boolean): void {
  const { fields, parsers, blank } = shape
  if (fields.length === 0) return
  if (!sameTypes || !stands(client, shape)) return result.addFields(copies(fields))
  result.fields = copies(fields)
  result._parsers = parsers
  result._prebuiltEmptyResultObject = blank
}

/** Gives a result the fields of an earlier one whose rows came as text, for rows that come in binary. */
export function shapeRaw(result: Result, { fields, blank }: Shape): void {
  result.fields = copies(fields, 'binary')
  result._prebuiltEmptyResultObject = blank
}

/** A row of a result, its values decoded one by one. */
export function decodeRow(
  { fields, rowAsArray, _prebuiltEmptyResultObject }: Result,
  decoders: readonly ((bytes: Buffer) => unknown)[],
  values: RawRow,
): QueryResultRow {
  const decoded = values.map((bytes, n) => (bytes === null ? null : decoders[n]?.(bytes)))
  if (rowAsArray) return decoded
  const row: QueryResultRow = { ..._prebuiltEmptyResultObject }
  for (const [n, value] of decoded.entries()) row[fields[n]?.name as string] = value
  return row
}

/** A row as it comes: its values as bytes of the network's buffer. */
export type RawRow = readonly (Buffer | null)[]

const DATA_ROW = 0x44

/**
 * Lets a client's rows reach a statement as bytes where that statement says so (`isRaw`). pg reads every value as UTF-8 text,
 * which loses bytes that are none. Call before the client connects.
 */
export function letRowsBeRaw(client: object): void {
  const parser = pgParser()
  const plain = parser.handlePacket.bind(parser)
  parser.handlePacket = (offset, code, length, bytes) => {
    const active = activeOf(client) as { isRaw?: boolean } | null | undefined
    if (code !== DATA_ROW || active?.isRaw !== true) return plain(offset, code, length, bytes)
    return { name: 'dataRow', fields: rawRow(bytes, offset) } as { name: string }
  }
  readWith(client, (bytes, tell) => parser.parse(bytes, tell))
}

function rawRow(bytes: Buffer, offset: number): RawRow {
  const row = Array.from<Buffer | null>({ length: bytes.readUInt16BE(offset) })
  let at = offset + 2
  for (let n = 0; n < row.length; n++) {
    const length = bytes.readInt32BE(at)
    at += 4
    row[n] = length < 0 ? null : bytes.subarray(at, at + length)
    at += Math.max(0, length)
  }
  return row
}
