/**
 * Which column types may come in binary: those whose bytes give exactly the value that their text gives. pg's own binary mode
 * makes garbage of uuid, jsonb, date, interval and inet, and rounds numeric; none of that is asked for here.
 */
import type { FieldDef } from '../driver.ts'

/** Makes a value of its bytes. They belong to the network's buffer: what is kept of them is copied. */
export type Decode = (bytes: Buffer) => unknown

/** How text of a type is read now. */
export type ReadText = (text: string) => unknown

interface Allowed {
  readonly decode: Decode
  /** Texts, and what they must be read as; else somebody has chosen other values for the type, and it stays text. */
  readonly proof: readonly (readonly [text: string, value: unknown])[]
}

const NUMBERS = [
  ['1', 1],
  ['-7', -7],
] as const

const ALLOWED: Readonly<Record<number, Allowed>> = {
  // bool
  16: {
    decode: (bytes) => bytes[0] === 1,
    proof: [
      ['t', true],
      ['f', false],
    ],
  },
  // bytea
  17: { decode: (bytes) => Buffer.from(bytes), proof: [['\\x00ff', Buffer.from([0, 255])]] },
  // int8, which pg gives as a string
  20: {
    decode: (bytes) => bytes.readBigInt64BE().toString(),
    proof: [['-9007199254740993', '-9007199254740993']],
  },
  // int2, int4, oid
  21: { decode: (bytes) => bytes.readInt16BE(), proof: NUMBERS },
  23: { decode: (bytes) => bytes.readInt32BE(), proof: NUMBERS },
  26: { decode: (bytes) => bytes.readUInt32BE(), proof: [['4294967295', 4_294_967_295]] },
  // float8
  701: {
    decode: (bytes) => bytes.readDoubleBE(),
    proof: [
      ['1.5', 1.5],
      ['NaN', Number.NaN],
      ['-Infinity', Number.NEGATIVE_INFINITY],
    ],
  },
  // uuid
  2950: {
    decode: (bytes) => {
      const hex = bytes.toString('hex')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
    },
    proof: [['0f0e0d0c-0b0a-0908-0706-050403020100', '0f0e0d0c-0b0a-0908-0706-050403020100']],
  },
}

/** json, name, text, bpchar, varchar: their bytes are their text. */
const TEXTS = new Set([19, 25, 114, 1042, 1043])

/** jsonb: its text behind a byte that tells the version. */
const JSONB = 3802

/**
 * How the columns of a statement are decoded; undefined where one of them has to come as text.
 * @param readers how the text of each is read
 */
export function decodersFor(
  fields: readonly FieldDef[],
  readers: readonly ReadText[],
): readonly Decode[] | undefined {
  const decoders: Decode[] = []
  for (const [n, { dataTypeID }] of fields.entries()) {
    const read = readers[n]
    const decode = read && decoderOf(dataTypeID, read)
    if (decode === undefined) return undefined
    decoders.push(decode)
  }
  return decoders.length === 0 ? undefined : decoders
}

function decoderOf(type: number, read: ReadText): Decode | undefined {
  if (TEXTS.has(type)) return (bytes) => read(bytes.toString('utf8'))
  if (type === JSONB) return (bytes) => read(bytes.toString('utf8', 1))
  const allowed = ALLOWED[type]
  if (allowed === undefined || !allowed.proof.every(([text, value]) => isSame(read(text), value)))
    return undefined
  return allowed.decode
}

function isSame(a: unknown, b: unknown): boolean {
  return a instanceof Buffer && b instanceof Buffer ? a.equals(b) : Object.is(a, b)
}
