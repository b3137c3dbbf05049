/** A server that speaks enough of Postgres to be a pool's, and breaks where the test says so. */
import type { Socket } from 'node:net'
import type { Script, SuddenFault } from './fake-script.ts'
import { FakeSession } from './fake-session.ts'
import { Listener } from './listener.ts'

/** A running fake server. */
export interface FakePostgres {
  readonly host: string
  readonly port: number
  /** Its connection string, as user and database `fake`, with the password `first`. */
  readonly url: string
  /** Logins must bring this password, in clear text, or fail with 28P01; undefined (the default) asks for none. May change. */
  password: string | undefined
  /** The passwords heard. */
  readonly passwords: readonly string[]
  /** The texts of the statements heard, by Query or Parse. */
  readonly statements: readonly string[]
  /** How many connections it has taken in all, those that ask for cancellations included. */
  readonly accepted: number
  /** When it took each of them, by `performance.now()`. */
  readonly acceptedAt: readonly number[]
  /** Connections that are open now: a client that has gone is noticed at once, even by a session that stalls. */
  readonly connections: number
  /** The most that were open at once. */
  readonly mostAtOnce: number
  /** How many logins have come as far as ReadyForQuery. */
  readonly logins: number
  /** The process ids that cancellations were asked for. */
  readonly cancels: readonly number[]
  /** Scripts for the next connections, one each, in this order. */
  next(...scripts: Script[]): void
  /** The script of every connection that `next` gave none: of new ones, and from its next place on of those that are open. */
  always(script: Script): void
  /** Lets this happen to every open connection now. */
  inflict(fault: SuddenFault): void
  /** While on, new connections are refused; off listens on the same port again. */
  refuse(on: boolean): Promise<void>
  /** Resets what is open and resolves when no socket is left. */
  close(): Promise<void>
}

/** Starts one on 127.0.0.1; `script` is for every connection, and says by default that all goes well. */
export async function startFakePostgres(script: Script = []): Promise<FakePostgres> {
  const server = new Server(script)
  await server.refuse(false)
  return server
}

class Server implements FakePostgres {
  password: string | undefined
  readonly passwords: string[] = []
  readonly statements: string[] = []
  readonly cancels: number[] = []
  logins = 0
  readonly #listener = new Listener((socket) => this.#take(socket))
  readonly #sessions = new Set<FakeSession>()
  readonly #next: Script[] = []
  #always: Script

  constructor(script: Script) {
    this.#always = script
  }

  get host(): string {
    return this.#listener.host
  }

  get port(): number {
    return this.#listener.port
  }

  get url(): string {
    return `postgres://fake:first@${this.host}:${this.port}/fake`
  }

  get accepted(): number {
    return this.acceptedAt.length
  }

  get acceptedAt(): readonly number[] {
    return this.#listener.acceptedAt
  }

  get connections(): number {
    return this.#listener.sockets.size
  }

  get mostAtOnce(): number {
    return this.#listener.mostAtOnce
  }

  next(...scripts: Script[]): void {
    this.#next.push(...scripts)
  }

  always(script: Script): void {
    this.#always = script
  }

  inflict(fault: SuddenFault): void {
    for (const session of this.#sessions) session.suffer(fault)
  }

  refuse(on: boolean): Promise<void> {
    return this.#listener.refuse(on)
  }

  close(): Promise<void> {
    return this.#listener.close()
  }

  #take(socket: Socket): void {
    const own = this.#next.shift()
    const session = new FakeSession(socket, this.accepted, {
      script: () => own ?? this.#always,
      password: () => this.password,
      onPassword: (password) => this.passwords.push(password),
      onStatement: (text) => this.statements.push(text),
      onLogin: () => {
        this.logins += 1
      },
      onCancel: (processId) => {
        this.cancels.push(processId)
        for (const other of this.#sessions) if (other.processId === processId) other.cancel()
      },
    })
    this.#sessions.add(session)
    socket.on('close', () => this.#sessions.delete(session))
  }
}
