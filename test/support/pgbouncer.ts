/** A real PgBouncer in front of a server of the tests: on a free port, under an account that it accepts, gone when its starter is. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { afterEach } from 'vitest'
import { giveTree, makeRunDirectory, serverAccount } from '../../src/demo/account.ts'
import { freePort, host } from '../../src/demo/listen.ts'
import { databaseUrl } from './postgres.ts'
import { PGBOUNCER } from './programs.ts'

/** What {@link startPgBouncer} takes. */
export interface PgBouncerOptions {
  /** The server behind it, with user, password and database. Default: the run's server. */
  readonly server?: string
  /** Default `'transaction'`. */
  readonly mode?: 'session' | 'transaction' | 'statement'
  /** Sessions at the server for each user and database. Default 20, as PgBouncer's own. */
  readonly poolSize?: number
  /** Startup parameters that it takes without using them. Default none: it refuses all but its own. */
  readonly ignoreStartupParameters?: readonly string[]
  /** Users who may use the console besides the one of `console()`. Default none. */
  readonly admins?: readonly string[]
  /** Further users and their passwords. */
  readonly users?: Readonly<Record<string, string>>
  /** Further databases, as in the file: `{ elsewhere: 'host=127.0.0.1 port=1' }`. `'*'` is any name. */
  readonly databases?: Readonly<Record<string, string>>
  /** Further settings, as in the file, over those above. */
  readonly settings?: Readonly<Record<string, string | number>>
}

/** A running one. */
export interface PgBouncer {
  /** The connection string of the server's user and database, through it. */
  readonly url: string
  readonly host: string
  readonly port: number
  readonly processId: number
  /** What it has logged. */
  readonly log: readonly string[]
  /** A connection string through it to another database or as another user. */
  urlOf(change: { database?: string; user?: string; password?: string }): string
  /** Runs a command of its console: `SHOW POOLS`, `PAUSE`, … */
  console(command: string): Promise<pg.QueryResult['rows']>
  /** Ends it at once and removes its folder; calling it again is harmless. */
  stop(): Promise<void>
}

const CONSOLE_USER = 'test_console'
const START_MILLIS = 20_000

// The pipe on standard input ends when its starter does, however that ends. The folder is the account's own.
const script = `
trap '' INT TERM HUP PIPE
run=$1 program=$2
{ "$program" "$run/pgbouncer.ini" </dev/null >&2 & echo $! >"$run/pid"; echo "started $!"; wait $!; echo ended; } &
guard=$!
cat >/dev/null
while kill -0 "$guard" 2>/dev/null; do
  read -r server 2>/dev/null <"$run/pid" && kill -s KILL "$server" 2>/dev/null
  sleep 0.02
done
rm -rf "$run"
`

/** Starts one. @throws with the last lines of its log when it does not start */
async function startPgBouncer(options: PgBouncerOptions = {}): Promise<PgBouncer> {
  for (let attempt = 0; ; attempt++) {
    const bouncer = new Running(options, await freePort())
    try {
      await bouncer.ready
      return bouncer
    } catch (error) {
      await bouncer.stop()
      // Somebody else may have taken the port since it was found free.
      if (attempt >= 4 || !String(error).includes('in use')) throw error
    }
  }
}

/** Returns a function that starts some; all of them end after the test. To be called before `poolsWith`: what is said last is done first. */
export function pgbouncers(): (options?: PgBouncerOptions) => Promise<PgBouncer> {
  const running: PgBouncer[] = []
  afterEach(async () => {
    await Promise.all(running.splice(0).map((bouncer) => bouncer.stop()))
  })
  return async (options) => {
    const bouncer = await startPgBouncer(options)
    running.push(bouncer)
    return bouncer
  }
}

class Running implements PgBouncer {
  readonly host: string = host
  readonly port: number
  readonly log: string[] = []
  /** Resolves when it takes connections. */
  readonly ready: Promise<void>
  processId = 0
  readonly #server: URL
  readonly #run: string
  readonly #shell: ChildProcess
  readonly #consolePassword = randomBytes(12).toString('hex')
  readonly #exited: Promise<void>

  constructor(options: PgBouncerOptions, port: number) {
    const { file: program, howToGet } = PGBOUNCER
    if (program === undefined) throw new Error(`PgBouncer is not installed: ${howToGet}`)
    this.port = port
    this.#server = new URL(options.server ?? databaseUrl())
    const account = serverAccount()
    this.#run = makeRunDirectory(account)
    this.#write(options)
    if (account) giveTree(this.#run, account)
    this.#shell = spawn('/bin/sh', ['-c', script, 'pgbouncer', this.#run, program], {
      cwd: '/',
      detached: true,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
      stdio: 'pipe',
      ...(account && { uid: account.uid, gid: account.gid }),
    })
    this.#exited = new Promise((resolve) => {
      this.#shell.once('exit', () => resolve())
    })
    this.ready = this.#listen()
    // Whoever awaits it hears of it.
    this.ready.catch(() => undefined)
    this.#shell.unref()
  }

  get url(): string {
    return this.urlOf({})
  }

  urlOf({ database, user, password }: { database?: string; user?: string; password?: string }): string {
    const url = new URL(this.#server)
    url.host = `${this.host}:${this.port}`
    if (database !== undefined) url.pathname = `/${database}`
    if (user !== undefined) url.username = user
    if (password !== undefined) url.password = password
    return url.href
  }

  async console(command: string): Promise<pg.QueryResult['rows']> {
    const login = { database: 'pgbouncer', user: CONSOLE_USER, password: this.#consolePassword }
    const client = new pg.Client({ connectionString: this.urlOf(login) })
    await client.connect()
    try {
      const { rows } = await client.query(command)
      return rows
    } finally {
      await client.end()
    }
  }

  async stop(): Promise<void> {
    this.#shell.stdin?.end()
    await this.#exited
    rmSync(this.#run, { recursive: true, force: true })
  }

  #write({ mode, poolSize, ignoreStartupParameters, admins, users, databases, settings }: PgBouncerOptions) {
    const { hostname, port, pathname, username, password } = this.#server
    const name = decodeURIComponent(pathname.slice(1))
    const known = { [decodeURIComponent(username)]: decodeURIComponent(password), ...users }
    const passwords = { ...known, [CONSOLE_USER]: this.#consolePassword }
    const all = {
      listen_addr: this.host,
      listen_port: this.port,
      unix_socket_dir: '',
      auth_type: 'scram-sha-256',
      auth_file: join(this.#run, 'userlist.txt'),
      admin_users: [CONSOLE_USER, ...(admins ?? [])].join(', '),
      pool_mode: mode ?? 'transaction',
      default_pool_size: poolSize ?? 20,
      ...(ignoreStartupParameters && { ignore_startup_parameters: ignoreStartupParameters.join(', ') }),
      ...settings,
    }
    const ways = { [name]: `host=${hostname} port=${port || 5432} dbname=${name}`, ...databases }
    const lines = [
      '[databases]',
      ...Object.entries(ways).map(([database, way]) => `${database} = ${way}`),
      '[pgbouncer]',
      ...Object.entries(all).map(([key, value]) => `${key} = ${value}`),
    ]
    const quoted = Object.entries(passwords).map(([user, secret]) => `"${user}" "${secret}"`)
    this.#put('pgbouncer.ini', lines)
    this.#put('userlist.txt', quoted)
  }

  #put(file: string, lines: readonly string[]): void {
    writeFileSync(join(this.#run, file), `${lines.join('\n')}\n`)
    chmodSync(join(this.#run, file), 0o600)
  }

  #listen(): Promise<void> {
    const { stdin, stdout, stderr } = this.#shell
    if (!stdin || !stdout || !stderr) throw new Error('BUG: the shell has no pipes')
    stdin.on('error', () => undefined)
    for (const pipe of [stdin, stdout, stderr]) (pipe as { unref?: () => void }).unref?.()
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`PgBouncer ${why}:\n${this.log.slice(-10).join('\n')}`))
      const timer = setTimeout(() => fail(`was not up after ${START_MILLIS} ms`), START_MILLIS)
      this.#shell.once('error', (error) => fail(error.message))
      this.#shell.once('exit', () => clearTimeout(timer))
      createInterface({ input: stdout }).on('line', (line) => {
        const [word, value] = line.split(' ')
        if (word === 'started') this.processId = Number(value)
        else fail('has ended')
      })
      createInterface({ input: stderr }).on('line', (line) => {
        this.log.push(line)
        if (!line.includes('process up')) return
        clearTimeout(timer)
        resolve()
      })
    })
  }
}
