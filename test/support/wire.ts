/** The words of Postgres's wire protocol, as a server says them. */

/** What the server says of an error. */
export interface Refusal {
  readonly code?: string
  readonly message?: string
  readonly severity?: string
  readonly routine?: string
  readonly where?: string
  /** The state of the transaction after it. */
  readonly status?: string
}

/** The columns of a result: their names, and their types where they are not int4. */
export type Fields = readonly (string | readonly [name: string, type: number])[]

const INT4 = 23
/** What takes the place of a protocol version in a request that is no startup. */
export const CANCEL_REQUEST = 80_877_102
export const SSL_REQUEST = 80_877_103
export const GSS_REQUEST = 80_877_104

export function message(type: string, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

export function ready(status = 'I'): Buffer {
  return message('Z', Buffer.from(status))
}

export function complete(tag: string): Buffer {
  return message('C', Buffer.from(`${tag}\0`))
}

export function describe(fields: Fields): Buffer {
  if (fields.length === 0) return message('n')
  const parts = fields.map((field) => {
    const [name, type] = typeof field === 'string' ? [field, INT4] : field
    const rest = Buffer.alloc(18)
    rest.writeInt32BE(type, 6)
    return Buffer.concat([Buffer.from(`${name}\0`), rest])
  })
  return message('T', Buffer.concat([int16(fields.length), ...parts]))
}

export function dataRow(values: readonly (string | null)[]): Buffer {
  const parts = values.map((value) => {
    if (value === null) return int32(-1)
    const bytes = Buffer.from(value)
    return Buffer.concat([int32(bytes.length), bytes])
  })
  return message('D', Buffer.concat([int16(values.length), ...parts]))
}

export function errorResponse(refusal: Omit<Refusal, 'status'>): Buffer {
  const { code = 'XX000', message: text = 'refused', severity = 'ERROR', routine, where } = refusal
  let fields = `S${severity}\0V${severity}\0C${code}\0M${text}\0`
  if (routine !== undefined) fields += `R${routine}\0`
  if (where !== undefined) fields += `W${where}\0`
  return message('E', Buffer.from(`${fields}\0`))
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2)
  buffer.writeInt16BE(value)
  return buffer
}

export function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}
