/**
 * The process between us and an embedded Postgres: a small shell that starts the server when told so over its
 * standard input. That pipe ends when we do, however we end, and the shell then stops the server and removes
 * the folder.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Account } from './account.ts'
import type { Binaries } from './binaries.ts'

// `guard` waits for the server, so that the loop stays free to notice the end of the pipe. Postgres installs handlers of its own for the
// signals ignored here; the server gets a fast shutdown first and, after two seconds, an immediate one. The shell's words go the way of
// the server's log, so that all that the server said before its end was heard when its end is; each begins a line, whatever a server that
// was killed has left unfinished.
const script = `
trap '' INT TERM HUP PIPE
say() { printf '\\n@%s %s\\n' "$1" "$2" >&2; }
run=$1 data=$2 bin=$3 libraries=$4 guard=
shift 4
[ -z "$libraries" ] || export LD_LIBRARY_PATH="$libraries" DYLD_LIBRARY_PATH="$libraries"
while read -r word port; do
  case $word in
    init)
      "$bin/initdb" -D "$data" -U sluice --pwfile="$run/password" -A scram-sha-256 -E UTF8 --locale=C -N --no-instructions </dev/null >&2 &&
        echo 'CREATE DATABASE sluice' | "$bin/postgres" --single -D "$data" -c fsync=off postgres >/dev/null
      say initialised $? ;;
    start)
      rm -f "$run/pid"
      { "$bin/postgres" -D "$data" -p "$port" "$@" </dev/null >&2 & echo $! >"$run/pid"; say started $!; wait $!; say ended $?; } &
      guard=$! ;;
  esac
done
n=0
while [ -n "$guard" ] && kill -0 "$guard" 2>/dev/null; do
  signal=INT; [ $n -lt 20 ] || signal=QUIT
  read -r server 2>/dev/null <"$run/pid" && kill -s $signal "$server" 2>/dev/null
  n=$((n + 1)); sleep 0.1
done
rm -rf "$run"
`

export type WatchdogOptions = {
  /** Removed by the shell at its end. */
  runDirectory: string
  dataDirectory: string
  binaries: Binaries
  account: Account | undefined
  /** Command-line arguments of the server. */
  serverArguments: string[]
  onLog: (line: string) => void
}

const WORD = /^@([a-z]+) (\d+)$/

/** A running shell; its words are `initialised <code>`, `started <pid>` and `ended <code>`. */
export class Watchdog {
  readonly #shell: ChildProcess
  readonly #listeners = new Set<(word: string, value: number) => void>()

  constructor(options: WatchdogOptions) {
    const { runDirectory, dataDirectory, binaries, account } = options
    const positional = [
      runDirectory,
      dataDirectory,
      binaries.bin,
      binaries.libraries,
      ...options.serverArguments,
    ]
    this.#shell = spawn('/bin/sh', ['-c', script, 'embedded-postgres', ...positional], {
      cwd: '/',
      // Its own session: a Ctrl-C in the terminal must not end the shell before the server.
      detached: true,
      // Nothing inherited: PGDATA, PGPORT and the like would change what the server does.
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
      stdio: 'pipe',
      ...(account && { uid: account.uid, gid: account.gid }),
    })
    const { stdin, stdout, stderr } = this.#shell
    if (!stdin || !stdout || !stderr) throw new Error('BUG: the shell has no pipes')
    stdin.on('error', () => {})
    createInterface({ input: stderr }).on('line', (line) => {
      const [, word, value] = WORD.exec(line) ?? []
      if (word !== undefined) this.#tell(word, Number(value))
      else if (line !== '') options.onLog(line)
    })
    this.#shell.on('error', (error) => options.onLog(error.message))
    // Once nobody holds the pipe any more, neither shell nor server can still report: whoever waits must not wait for ever.
    stdout.on('close', () => this.#tell('gone', -1))
    this.#shell.unref()
    for (const pipe of [stdin, stdout, stderr]) (pipe as { unref?: () => void }).unref?.()
  }

  get exited(): boolean {
    return this.#shell.exitCode !== null || this.#shell.signalCode !== null || this.#shell.pid === undefined
  }

  /** The next value said with `word`, -1 when the shell is gone, `undefined` after `timeoutMillis`. */
  hear(word: string, timeoutMillis: number): Promise<number | undefined> {
    return new Promise((resolve) => {
      const settle = (value: number | undefined): void => {
        clearTimeout(timer)
        this.#listeners.delete(listener)
        resolve(value)
      }
      const listener = (said: string, value: number): void => {
        if (said === word || said === 'gone') settle(value)
      }
      // The timer also keeps our event loop alive, which the pipes do not.
      const timer = setTimeout(() => settle(undefined), timeoutMillis)
      this.#listeners.add(listener)
    })
  }

  /** Calls `listener` with the exit code each time a server has ended. */
  onServerEnd(listener: (code: number) => void): void {
    this.#listeners.add((word, value) => {
      if (word === 'ended' || word === 'gone') listener(value)
    })
  }

  /** Sends a command and waits for its answer, as `hear`. */
  ask(command: string, answer: string, timeoutMillis: number): Promise<number | undefined> {
    if (this.exited) return Promise.resolve(-1)
    const heard = this.hear(answer, timeoutMillis)
    this.#shell.stdin?.write(`${command}\n`)
    return heard
  }

  /**
   * Ends the shell, which stops a server still running and removes the folder; waits for it at most
   * `timeoutMillis`.
   */
  async dismiss(timeoutMillis: number): Promise<void> {
    this.#shell.stdin?.end()
    if (this.exited) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMillis)
      this.#shell.once('exit', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #tell(word: string, value: number): void {
    for (const listener of [...this.#listeners]) listener(word, value)
  }
}
