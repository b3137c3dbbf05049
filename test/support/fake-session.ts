/** One connection of the fake Postgres: its conversation, and where it breaks. */
import type { Socket } from 'node:net'
import type { Fault, Place, Script, Step, SuddenFault } from './fake-script.ts'
import {
  CANCEL_REQUEST,
  complete,
  dataRow,
  describe,
  errorResponse,
  GSS_REQUEST,
  int32,
  message,
  ready,
  SSL_REQUEST,
} from './wire.ts'

/** What a session asks and tells its server. */
export interface SessionOwner {
  script(): Script
  password(): string | undefined
  onPassword(password: string): void
  onStatement(text: string): void
  onLogin(): void
  onCancel(processId: number): void
}

/** A drip says at most so many pieces a second. */
const DRIPS_A_SECOND = 50

export class FakeSession {
  readonly processId: number
  readonly #socket: Socket
  readonly #owner: SessionOwner
  #pending: Buffer = Buffer.alloc(0)
  /** What is done is done in order, however long it takes. */
  #turn: Promise<void> = Promise.resolve()
  #started = false
  #loggedIn = false
  #deaf = false
  #bytesPerSecond: number | undefined
  /** After an error everything is left out up to the next Sync. */
  #skipping = false
  #status = 'I'
  readonly #texts = new Map<string, string>()
  #bound = ''
  #cancelPause: (() => void) | undefined

  constructor(socket: Socket, processId: number, owner: SessionOwner) {
    this.processId = processId
    this.#socket = socket
    this.#owner = owner
    socket.on('data', (data: Buffer) => this.#read(data))
    socket.on('end', () => socket.end())
    socket.on('close', () => this.#cancelPause?.())
    this.#then(async () => {
      await this.#reach('connect')
    })
  }

  /** A cancellation has come for what it runs. */
  cancel(): void {
    this.#cancelPause?.()
  }

  /** Lets something happen to it now. */
  suffer(fault: SuddenFault): void {
    if (fault === 'garbage') {
      this.#socket.write(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))
      return
    }
    this.#deaf = true
    if (fault === 'half-close') this.#socket.end()
    else if (fault === 'reset') this.#socket.resetAndDestroy()
    else if (fault === 'shutdown') this.#end('57P01', 'terminating connection due to administrator command')
  }

  #then(step: () => Promise<void>): void {
    this.#turn = this.#turn.then(async () => {
      if (!this.#deaf && !this.#socket.destroyed) await step()
    })
  }

  #read(data: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, data])
    for (;;) {
      const head = this.#started ? 1 : 0
      if (this.#pending.length < head + 4) return
      const length = head + this.#pending.readInt32BE(head)
      if (this.#pending.length < length) return
      const body = this.#pending.subarray(head + 4, length)
      const type = head === 0 ? '' : String.fromCharCode(this.#pending[0] as number)
      this.#pending = this.#pending.subarray(length)
      const code = head === 0 ? body.readInt32BE(0) : 0
      const asksForEncryption = code === SSL_REQUEST || code === GSS_REQUEST
      this.#started ||= !asksForEncryption
      this.#then(async () => {
        if (asksForEncryption) await this.#say(Buffer.from('N'))
        else if (code === CANCEL_REQUEST) this.#hearCancel(body)
        else if (head === 0) await this.#greet()
        else await this.#hear(type, body)
      })
    }
  }

  #hearCancel(body: Buffer): void {
    this.#owner.onCancel(body.readInt32BE(4))
    this.#socket.end()
  }

  // The handshake ------------------------------------------------------------------------------------------------------

  async #greet(): Promise<void> {
    if (!(await this.#reach('startup'))) return
    if (this.#owner.password() === undefined) await this.#welcome()
    else await this.#say(message('R', int32(3)))
  }

  async #hearPassword(password: string): Promise<void> {
    this.#owner.onPassword(password)
    if (password === this.#owner.password()) await this.#welcome()
    else this.#end('28P01', 'password authentication failed for user "fake"')
  }

  async #welcome(): Promise<void> {
    await this.#say(message('R', int32(0)))
    if (!(await this.#reach('authenticated'))) return
    const parameters = ['server_version\x0018.0', 'client_encoding\0UTF8', 'standard_conforming_strings\0on']
    const key = message('K', Buffer.concat([int32(this.processId), int32(4_711)]))
    await this.#say(...parameters.map((pair) => message('S', Buffer.from(`${pair}\0`))), key)
    if (!(await this.#reach('ready'))) return
    this.#loggedIn = true
    this.#owner.onLogin()
    await this.#say(ready())
  }

  // Statements ---------------------------------------------------------------------------------------------------------

  async #hear(type: string, body: Buffer): Promise<void> {
    const [first = '', second = ''] = body.toString().split('\0')
    if (type === 'p') return this.#hearPassword(first)
    if (type === 'X') return void this.#socket.end()
    if (type === 'S') {
      this.#skipping = false
      return this.#say(ready(this.#status))
    }
    if (this.#skipping) return
    if (type === 'Q') {
      this.#owner.onStatement(first)
      await this.#answer(first, true)
      this.#skipping = false
      return this.#say(ready(this.#status))
    }
    if (type === 'E') return this.#answer(this.#bound, false)
    if (type === 'P') {
      this.#owner.onStatement(second)
      this.#texts.set(first, second)
    } else if (type === 'B') this.#bound = this.#texts.get(second) ?? ''
    await this.#say(...this.#echo(type, first))
  }

  #echo(type: string, first: string): Buffer[] {
    if (type === 'P') return [message('1')]
    if (type === 'B') return [message('2')]
    if (type === 'C') return [message('3')]
    if (type !== 'D') return []
    const row = describe(
      fieldsOf(first.startsWith('S') ? (this.#texts.get(first.slice(1)) ?? '') : this.#bound),
    )
    return first.startsWith('S') ? [message('t', Buffer.alloc(2)), row] : [row]
  }

  async #answer(text: string, described: boolean): Promise<void> {
    if (!(await this.#reach('statement'))) return
    const word = verbOf(text)
    const fields = fieldsOf(text)
    if (word === 'BEGIN') this.#status = 'T'
    if (word === 'COMMIT' || word === 'ROLLBACK') this.#status = 'I'
    if (described && fields.length > 0) await this.#say(describe(fields))
    if (!(await this.#reach('row'))) return
    const value = text.includes('pg_backend_pid') ? String(this.processId) : '1'
    if (fields.length > 0) await this.#say(dataRow([value]), complete('SELECT 1'))
    else await this.#say(complete(word))
  }

  // What goes wrong ----------------------------------------------------------------------------------------------------

  /** Lets happen what the script has for this place. False where the conversation does not go on from there. */
  async #reach(place: Place): Promise<boolean> {
    const steps: Step[] = [this.#owner.script()].flat()
    for (const { at, fault } of steps) {
      if (at === place && !(await this.#meet(fault))) return false
    }
    return !this.#deaf && !this.#socket.destroyed
  }

  async #meet(fault: Fault): Promise<boolean> {
    if (typeof fault === 'string') {
      this.suffer(fault)
      return fault === 'garbage'
    }
    if ('drip' in fault) {
      this.#bytesPerSecond = fault.drip
      return true
    }
    if ('error' in fault) return this.#refuse(fault.error, fault.message ?? `refused with ${fault.error}`)
    if (await this.#pause(fault.pause)) return true
    return this.#refuse('57014', 'canceling statement due to user request')
  }

  async #refuse(code: string, text: string): Promise<false> {
    if (!this.#loggedIn) this.#end(code, text)
    else {
      this.#skipping = true
      if (this.#status === 'T') this.#status = 'E'
      await this.#say(errorResponse({ code, message: text }))
    }
    return false
  }

  /** Says goodbye as a server does that ends a session. */
  #end(code: string, text: string): void {
    this.#deaf = true
    this.#socket.end(errorResponse({ code, message: text, severity: 'FATAL' }))
  }

  /** True once the time is over, false when a cancellation came before. */
  #pause(millis: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#cancelPause = undefined
        resolve(true)
      }, millis)
      this.#cancelPause = () => {
        clearTimeout(timer)
        this.#cancelPause = undefined
        resolve(false)
      }
    })
  }

  async #say(...words: Buffer[]): Promise<void> {
    const all = Buffer.concat(words)
    const rate = this.#bytesPerSecond
    const step = rate === undefined ? all.length : Math.max(1, Math.ceil(rate / DRIPS_A_SECOND))
    for (let at = 0; at < all.length && !this.#deaf && !this.#socket.destroyed; at += step) {
      if (rate !== undefined) await this.#pause((step / rate) * 1_000)
      if (!this.#deaf && !this.#socket.destroyed) this.#socket.write(all.subarray(at, at + step))
    }
  }
}

function verbOf(text: string): string {
  return text.trim().split(/[\s;]/, 1)[0]?.toUpperCase() ?? ''
}

/** Statements that answer with a row: all but those that are known to have none. */
function fieldsOf(text: string): readonly string[] {
  return /^(BEGIN|COMMIT|ROLLBACK|SET|RESET|LISTEN|UNLISTEN|DISCARD|DEALLOCATE)$/.test(verbOf(text))
    ? []
    : ['n']
}
