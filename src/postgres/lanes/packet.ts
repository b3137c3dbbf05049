/**
 * The messages of the protocol that a statement is made of, gathered into one packet. pg's serialiser makes a buffer of each
 * message; for the thousands of a turn that was a quarter of their cost. A test holds the two to the same bytes.
 */

/** What pg's `prepareValue` makes of a value. */
export type Serialised = string | Buffer | null

const SMALLEST = 16_384
/** A larger buffer is given back once it was sent. */
const LARGEST_KEPT = 1_048_576
/** Up to this length a string is copied here; the call to the native encoder costs more. */
const SHORT_STRING = 40

const PARSE = 0x50
const BIND = 0x42
const DESCRIBE = 0x44
const EXECUTE = 0x45
const SYNC = 0x53
const CLOSE = 0x43
const QUERY = 0x51
const STATEMENT = 0x53
const PORTAL = 0x50

export class Packet {
  #bytes = Buffer.allocUnsafe(SMALLEST)
  #at = 0

  /** Has a text parsed under a name; the empty name is for one time. Types are left to the server. */
  parse(text: string, name: string): void {
    const start = this.#begin(PARSE)
    this.#zeroEnded(name)
    this.#zeroEnded(text)
    this.#int16(0)
    this.#end(start)
  }

  /** Gives values to a parsed statement: strings as text, buffers as they are. @param binary how results are to come */
  bind(name: string, values: readonly Serialised[], binary = false): void {
    const start = this.#begin(BIND)
    this.#zeroEnded('')
    this.#zeroEnded(name)
    this.#int16(values.length)
    for (const value of values) this.#int16(value instanceof Buffer ? 1 : 0)
    this.#int16(values.length)
    for (const value of values) this.#value(value)
    this.#int16(1)
    this.#int16(binary ? 1 : 0)
    this.#end(start)
  }

  /** Asks what the result will look like. */
  describe(): void {
    const start = this.#begin(DESCRIBE)
    this.#byte(PORTAL)
    this.#byte(0)
    this.#end(start)
  }

  execute(): void {
    const start = this.#begin(EXECUTE)
    this.#byte(0)
    this.#int32(0)
    this.#end(start)
  }

  sync(): void {
    this.#end(this.#begin(SYNC))
  }

  /** Has a named statement forgotten. */
  close(name: string): void {
    const start = this.#begin(CLOSE)
    this.#byte(STATEMENT)
    this.#zeroEnded(name)
    this.#end(start)
  }

  /** The simple protocol: text and nothing else. */
  query(text: string): void {
    const start = this.#begin(QUERY)
    this.#zeroEnded(text)
    this.#end(start)
  }

  /** What was gathered; the packet is empty then. */
  take(): Buffer {
    const taken = Buffer.allocUnsafe(this.#at)
    this.#bytes.copy(taken, 0, 0, this.#at)
    this.#at = 0
    if (this.#bytes.length > LARGEST_KEPT) this.#bytes = Buffer.allocUnsafe(SMALLEST)
    return taken
  }

  get isEmpty(): boolean {
    return this.#at === 0
  }

  #begin(code: number): number {
    this.#ensure(5)
    this.#bytes[this.#at++] = code
    const start = this.#at
    this.#at += 4
    return start
  }

  #end(start: number): void {
    writeInt32(this.#bytes, start, this.#at - start)
  }

  #value(value: Serialised): void {
    if (value === null) this.#int32(-1)
    else if (typeof value === 'string') {
      const start = this.#at
      this.#int32(0)
      const written = this.#string(value)
      // Only now: the bytes may have moved to a larger buffer.
      writeInt32(this.#bytes, start, written)
    } else {
      this.#int32(value.length)
      this.#ensure(value.length)
      this.#at += value.copy(this.#bytes, this.#at)
    }
  }

  #zeroEnded(text: string): void {
    this.#string(text)
    this.#byte(0)
  }

  /** Returns the number of bytes. */
  #string(text: string): number {
    const { length } = text
    this.#ensure(3 * length)
    const bytes = this.#bytes
    const start = this.#at
    let n = length > SHORT_STRING ? length : 0
    for (; n < length; n++) {
      const code = text.charCodeAt(n)
      if (code > 127) break
      bytes[start + n] = code
    }
    // The whole once more where it is not all ASCII.
    const written = length > SHORT_STRING || n < length ? bytes.write(text, start, 'utf8') : length
    this.#at += written
    return written
  }

  #byte(value: number): void {
    this.#ensure(1)
    this.#bytes[this.#at++] = value
  }

  #int16(value: number): void {
    this.#ensure(2)
    this.#bytes[this.#at++] = value >>> 8
    this.#bytes[this.#at++] = value
  }

  #int32(value: number): void {
    this.#ensure(4)
    writeInt32(this.#bytes, this.#at, value)
    this.#at += 4
  }

  #ensure(more: number): void {
    if (this.#at + more <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(2 * (this.#at + more))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }
}

function writeInt32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}
