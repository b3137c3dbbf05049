/** Ctrl-C, a `kill`, a closed terminal or a pipe whose reader has gone: all end a command the same clean way. */

import { Refusal } from './refusal.ts'

/** Why a command was told to end. */
export class Interrupted extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

/** What an interrupted command ends with that has a sentence to say: its exit code stays that of the interruption. */
export function interruptedWith(sentence: string, signal: AbortSignal): unknown {
  const { reason } = signal
  // Nobody reads the output any more where that is what ended the command.
  if (!(reason instanceof Interrupted) || reason.exitCode === 0) return reason
  return new Refusal(sentence, reason.exitCode, { interrupted: true })
}

/** How long a command may take to clean up before the process just ends. */
const patienceMillis = 8_000

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/**
 * An abort signal for the rest of the process's life. What began it is its reason: an {@link Interrupted}. A
 * second Ctrl-C ends the process at once.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController()
  const interrupt = (name: string, exitCode: number): void => {
    if (controller.signal.aborted) process.exit(exitCode)
    controller.abort(new Interrupted(name, exitCode))
    setTimeout(() => process.exit(exitCode), patienceMillis).unref()
  }
  for (const [name, exitCode] of Object.entries(signals)) {
    process.on(name, () => interrupt(name, exitCode))
  }
  // The reader of a pipe that leaves, as `head` does, has had what it wanted: that is no failure.
  process.stdout.on('error', () => controller.signal.aborted || interrupt('the output was closed', 0))
  process.stderr.on('error', () => {})
  return controller.signal
}

/** Rejects with the reason of `signal` as soon as it has one, whatever `work` is still waiting for. */
export function unlessAborted<R>(signal: AbortSignal, work: Promise<R>): Promise<R> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
