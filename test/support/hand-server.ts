/** A server at the other end of a pg client's socket: it notes in words what it hears, and answers when the test says so. */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { ClientConfig } from 'pg'
import pg from 'pg'
import type { Client } from '../../src/postgres/driver.ts'
import { settle } from './manual-clock.ts'
import type { Fields, Refusal } from './wire.ts'
import { CANCEL_REQUEST, complete, dataRow, describe, errorResponse, message, ready } from './wire.ts'

/** How the server answers a statement. */
export interface Reply {
  readonly rows?: readonly (readonly (string | null)[])[]
  readonly tag?: string
  /** The state of the transaction after it. */
  readonly status?: string
}

/** One connection, as the server sees it. */
export class HandSocket extends Duplex {
  /** What the client has said, message by message. */
  readonly heard: string[] = []
  /** How many packets it came in. */
  packets = 0
  /** What the client has read, as a socket counts it. */
  bytesRead = 0
  /** The columns of every result: their names, and their types where they are not int4. */
  fields: Fields = ['n']
  /** What asked for a cancellation, and waits for the server to hang up. */
  isCancel = false
  #pending: Buffer = Buffer.alloc(0)
  #started = false
  /** The messages of each statement that is not answered yet. */
  readonly #asked: string[][] = []
  #asking: string[] = []

  /** How many statements wait for their answers. */
  get waiting(): number {
    return this.#asked.length
  }

  /** What was heard since this was last asked. */
  said(): string[] {
    return this.heard.splice(0)
  }

  /** Answers the oldest statement with rows; `[['1']]` where nothing is said. */
  answer({ rows = [['1']], tag = `SELECT ${rows.length}`, status = 'I' }: Reply = {}): Promise<void> {
    const words: Buffer[] = []
    for (const asked of this.#next()) {
      if (asked === 'P') words.push(message('1'))
      else if (asked === 'B') words.push(message('2'))
      else if (asked === 'C') words.push(message('3'))
      else if (asked === 'D') words.push(describe(this.fields))
      else if (asked === 'Q') words.push(describe(this.fields), ...rows.map(dataRow), complete(tag))
      else if (asked === 'E') words.push(...rows.map(dataRow), complete(tag))
    }
    return this.say(...words, ready(status))
  }

  /** Answers the oldest statement with an error. A Parse in it has succeeded where `parsed` says so. */
  refuse({ status = 'I', ...refusal }: Refusal, parsed = false): Promise<void> {
    const asked = this.#next()
    const words = asked.filter((said) => said === 'C').map(() => message('3'))
    if (parsed && asked.includes('P')) words.push(message('1'))
    return this.say(...words, errorResponse(refusal), ready(status))
  }

  /** The oldest statement will be answered word by word. */
  skip(): void {
    this.#next()
  }

  /** Says what is given, and lets what follows happen. */
  say(...words: Buffer[]): Promise<void> {
    const all = Buffer.concat(words)
    this.bytesRead += all.length
    this.push(all)
    return settle()
  }

  #next(): string[] {
    const asked = this.#asked.shift()
    if (asked === undefined) throw new Error('nothing was asked that could be answered')
    return asked
  }

  // What pg calls on a socket ------------------------------------------------------------------------------------------

  connect(): void {
    process.nextTick(() => this.emit('connect'))
  }

  setNoDelay(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  override _read(): void {
    // It says something when the test says so.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.packets += 1
    this.#pending = Buffer.concat([this.#pending, chunk])
    for (;;) {
      const head = this.#started ? 1 : 0
      if (this.#pending.length < head + 4) break
      const length = head + this.#pending.readInt32BE(head)
      if (this.#pending.length < length) break
      const body = this.#pending.subarray(head + 4, length)
      const type = head === 0 ? '' : String.fromCharCode(this.#pending[0] as number)
      this.#pending = this.#pending.subarray(length)
      if (this.#started) this.#hear(type, body)
      else this.#greet(body)
    }
    done()
  }

  override _final(done: () => void): void {
    this.push(null)
    done()
  }

  #greet(body: Buffer): void {
    this.#started = true
    this.isCancel = body.readInt32BE(0) === CANCEL_REQUEST
    if (this.isCancel) return
    const key = Buffer.alloc(8)
    key.writeInt32BE(7, 0)
    key.writeInt32BE(11, 4)
    void this.say(message('R', Buffer.alloc(4)), message('K', key), ready('I'))
  }

  #hear(type: string, body: Buffer): void {
    if (type === 'X') return
    this.heard.push(wordOf(type, body))
    this.#asking.push(type)
    if (type !== 'S' && type !== 'Q') return
    this.#asked.push(this.#asking)
    this.#asking = []
  }
}

/** What its clients' sockets lead to. */
export class HandServer {
  /** In the order in which they were opened, those that ask for cancellations left out. */
  get sockets(): HandSocket[] {
    return this.#sockets.filter(({ isCancel }) => !isCancel)
  }

  /** Those that have asked for a cancellation; each is outstanding until it is destroyed. */
  get cancels(): HandSocket[] {
    return this.#sockets.filter(({ isCancel }) => isCancel)
  }

  readonly #sockets: HandSocket[] = []

  /** What to give pg as its `stream`. */
  readonly stream = (): Socket => {
    const socket = new HandSocket()
    this.#sockets.push(socket)
    return socket as unknown as Socket
  }

  /** A client of it, connected. */
  async client(config: ClientConfig = {}): Promise<Client> {
    const client = new pg.Client({
      host: 'by-hand',
      user: 'test',
      password: 'test',
      ...config,
      stream: this.stream,
    })
    client.on('error', () => undefined)
    await client.connect()
    return client as unknown as Client
  }
}

/** A connected client, and the socket on the other side. */
export async function handClient(config?: ClientConfig): Promise<{ client: Client; socket: HandSocket }> {
  const server = new HandServer()
  const client = await server.client(config)
  return { client, socket: server.sockets[0] as HandSocket }
}

/** A message of the client in words: `parse name: text`, `bind name (values)`, `describe`, `execute`, `sync`, `close name`, `query: text`. */
function wordOf(type: string, body: Buffer): string {
  const strings = body.toString().split('\0')
  const named = (word: string, name: string | undefined) => (name ? `${word} ${name}` : word)
  switch (type) {
    case 'P':
      return `${named('parse', strings[0])}: ${strings[1]}`
    case 'B':
      return `${named('bind', strings[1])} (${valuesOf(body).join(', ')})`
    case 'D':
      return 'describe'
    case 'E':
      return 'execute'
    case 'S':
      return 'sync'
    case 'C':
      return `close ${strings[0]?.slice(1)}`
    case 'Q':
      return `query: ${strings[0]}`
    default:
      return type
  }
}

function valuesOf(body: Buffer): string[] {
  let at = body.indexOf(0, body.indexOf(0) + 1) + 1
  at += 2 + 2 * body.readInt16BE(at)
  const count = body.readInt16BE(at)
  at += 2
  return Array.from({ length: count }, () => {
    const length = body.readInt32BE(at)
    at += 4
    if (length < 0) return 'null'
    at += length
    return body.toString('utf8', at - length, at)
  })
}
