/** What callers do in the tests of faults, programs of their own that use the built package, and waiting for what is about to be true. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach } from 'vitest'
import type { Pool } from '../../src/index.ts'

/** How a program has ended, and all that it has said. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** Since its first signal. */
  readonly millis: number
}

/** A program that runs. */
export interface Program {
  readonly child: ChildProcess
  /** Resolves once standard output has said `text`. */
  said(text: string): Promise<void>
  /** Sends a signal and resolves when the program has ended. */
  signal(name: NodeJS.Signals): Promise<Ended>
}

/**
 * Returns a function that starts a module with `Pool` and `onShutdown` of the built package, `url`, and `later(millis)` at hand;
 * what still runs after the test is killed.
 */
export function programs(): (url: string, body: string) => Program {
  const running = new Set<ChildProcess>()
  afterEach(() => {
    for (const child of running) child.kill('SIGKILL')
    running.clear()
  })
  return (url, body) => {
    const source = `import { onShutdown, Pool } from 'sluice'
      const url = process.env.TEST_URL
      const later = (millis) => new Promise((resolve) => setTimeout(resolve, millis))
      ${body}`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      env: { ...process.env, TEST_URL: url, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.add(child)
    return watched(child)
  }
}

function watched(child: ChildProcess): Program {
  const output = { stdout: '', stderr: '' }
  let signalledAt = 0
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (part: string) => {
      output[name] += part
    })
  }
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) =>
      resolve({ code, signal, ...output, millis: performance.now() - signalledAt }),
    )
  })
  return {
    child,
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = () => output.stdout.includes(text) && resolve()
        child.stdout?.on('data', look)
        child.once('close', () => reject(new Error(`never said ${text}: ${JSON.stringify(output)}`)))
        look()
      }),
    signal: (name) => {
      signalledAt ||= performance.now()
      child.kill(name)
      return ended
    },
  }
}

/** Asks again and again until the answer is `wanted`, for ten seconds; returns the last answer. */
export async function eventually<R>(wanted: R, ask: () => Promise<R> | R): Promise<R> {
  const until = performance.now() + 10_000
  let answer = await ask()
  while (answer !== wanted && performance.now() < until) {
    await pause(20)
    answer = await ask()
  }
  return answer
}

/** Borrows a connection, uses it and gives it back. */
export async function use(pool: Pool): Promise<void> {
  const lease = await pool.lease()
  await lease.query('SELECT 1').finally(() => lease.release())
}

/** The most of these moments that lie in one second. */
export function mostInASecond(moments: readonly number[]): number {
  return Math.max(0, ...moments.map((from, n) => moments.slice(n).filter((at) => at < from + 1_000).length))
}
