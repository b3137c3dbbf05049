/**
 * The limit that a client in JavaScript can be measured against: one prepared statement with one integer, spoken on bare
 * sockets, with nothing around it. Parameters and rows travel as text, as in pg.
 */
import pg from 'pg'

const NAME = 'w'
const EXECUTE_AND_SYNC = 'E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04'

/**
 * @typedef {{ abalance: number }} Row
 *
 * @typedef {object} Waiting
 * @property {(row: Row | undefined) => void} resolve
 * @property {(error: Error) => void} reject
 */

/** Statements go to the connections in turn. */
export class WireClient {
  #connections
  #turn = 0

  constructor(/** @type {Connection[]} */ connections) {
    this.#connections = connections
  }

  /** @param {string} url @param {string} text @param {number} count of connections */
  static async open(url, text, count) {
    return new WireClient(await Promise.all(Array.from({ length: count }, () => Connection.open(url, text))))
  }

  /** @param {number} id @returns {Promise<Row | undefined>} */
  query(id) {
    this.#turn = (this.#turn + 1) % this.#connections.length
    return this.#connections[this.#turn].query(id)
  }

  end() {
    for (const connection of this.#connections) connection.end()
  }
}

class Connection {
  #socket
  #unsent = ''
  /** @type {Waiting[]} */
  #waiting = []
  /** The oldest one still waiting; what lies before it is cut off now and then, since shift() moves a long array each time. */
  #oldest = 0
  /** @type {Row | undefined} */
  #row
  /** @type {Error | undefined} */
  #error
  /** @type {Buffer | undefined} */
  #rest

  constructor(/** @type {import('node:net').Socket} */ socket) {
    this.#socket = socket
    socket.removeAllListeners('data')
    socket.on('data', (chunk) => this.#read(chunk))
    socket.on('close', () => this.#fail(new Error('The connection was closed.')))
  }

  /** pg does the handshake and prepares the statement, then its socket is taken over. */
  static async open(/** @type {string} */ url, /** @type {string} */ text) {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query({ name: NAME, text, values: [1] })
    client.on('error', () => {})
    return new Connection(/** @type {any} */ (client).connection.stream)
  }

  /** @param {number} id @returns {Promise<Row | undefined>} */
  query(id) {
    if (this.#unsent === '') setImmediate(() => this.#send())
    this.#unsent += bind(`${id}`) + EXECUTE_AND_SYNC
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  end() {
    this.#socket.end('X\0\0\0\x04', 'latin1')
  }

  #send() {
    this.#socket.write(this.#unsent, 'latin1')
    this.#unsent = ''
  }

  #read(/** @type {Buffer} */ chunk) {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (at + 5 <= bytes.length) {
      const next = at + 1 + bytes.readInt32BE(at + 1)
      if (next > bytes.length) break
      this.#message(bytes[at], bytes, at + 5, next)
      at = next
    }
    this.#rest = at < bytes.length ? bytes.subarray(at) : undefined
  }

  /** @param {number} type @param {Buffer} bytes @param {number} begin @param {number} end */
  #message(type, bytes, begin, end) {
    switch (type) {
      case 0x44: // DataRow: how many columns, the first one's length, the first one
        this.#row = { abalance: integer(bytes, begin + 6, end) }
        break
      case 0x45: // ErrorResponse
        this.#error = new Error(bytes.toString('utf8', begin, end).replaceAll('\0', ' '))
        break
      case 0x5a: // ReadyForQuery
        this.#settle()
    }
  }

  #settle() {
    const { resolve, reject } = this.#waiting[this.#oldest++]
    if (this.#oldest === this.#waiting.length || this.#oldest === 1_024) {
      this.#waiting.splice(0, this.#oldest)
      this.#oldest = 0
    }
    if (this.#error === undefined) resolve(this.#row)
    else reject(this.#error)
    this.#row = this.#error = undefined
  }

  #fail(/** @type {Error} */ error) {
    for (const { reject } of this.#waiting.splice(0).slice(this.#oldest)) reject(error)
    this.#oldest = 0
  }
}

/** Bind of the prepared statement to the unnamed portal: no format codes, so text both ways, and one value. */
function bind(/** @type {string} */ value) {
  const length = String.fromCharCode(4 + 1 + NAME.length + 1 + 2 + 2 + 4 + value.length + 2)
  return `B\0\0\0${length}\0${NAME}\0\0\0\0\x01\0\0\0${String.fromCharCode(value.length)}${value}\0\0`
}

/** @param {Buffer} bytes @param {number} begin @param {number} end */
function integer(bytes, begin, end) {
  const negative = bytes[begin] === 0x2d
  let value = 0
  for (let at = negative ? begin + 1 : begin; at < end; at++) value = 10 * value + bytes[at] - 0x30
  return negative ? -value : value
}
