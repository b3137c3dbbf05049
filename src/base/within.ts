import type { Clock } from './clock.ts'

/** What {@link within} rejects with at its deadline. */
export class DeadlineExceeded extends Error {
  readonly millis: number

  constructor(millis: number) {
    super(`no answer within ${millis} ms`)
    this.name = 'DeadlineExceeded'
    this.millis = millis
  }
}

/**
 * Starts something at once and waits for it, `millis` at most. At the deadline its signal aborts and the result is a
 * {@link DeadlineExceeded}, whatever `start` does with the signal; a late answer is dropped.
 */
export function within<R>(
  clock: Clock,
  millis: number,
  start: (signal: AbortSignal) => PromiseLike<R> | R,
): Promise<R> {
  return new Promise<R>((resolve, reject) => {
    const controller = new AbortController()
    const timer = clock.setTimeout(() => {
      const error = new DeadlineExceeded(millis)
      controller.abort(error)
      reject(error)
    }, millis)
    const settle = <V>(done: (value: V) => void) => {
      return (value: V) => {
        clock.clearTimeout(timer)
        done(value)
      }
    }
    // An executor that throws rejects the promise, but would leave the timer armed.
    new Promise<R>((begin) => begin(start(controller.signal))).then(settle(resolve), settle(reject))
  })
}
