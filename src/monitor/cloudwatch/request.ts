/** Requests to CloudWatch, one at a time, each with its deadline. */
import type { Clock } from '../../base/clock.ts'
import { DeadlineExceeded } from '../../base/within.ts'
import type { CloudWatchClient, PutMetricDataInput } from './client.ts'

/** One request after the other. */
export class Requests {
  readonly #client: CloudWatchClient
  readonly #clock: Clock
  readonly #timeoutMillis: number
  #end: (why: unknown) => void = () => undefined
  #isOver = false

  constructor(client: CloudWatchClient, clock: Clock, timeoutMillis: number) {
    this.#client = client
    this.#clock = clock
    this.#timeoutMillis = timeoutMillis
  }

  /** Sends one. It does not keep the process up by itself. @throws what the client throws, and DeadlineExceeded */
  send(input: PutMetricDataInput): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const controller = new AbortController()
      const end = (why: unknown) => {
        clearTimer()
        reject(why)
        controller.abort(why)
      }
      const timer = this.#clock.setTimeout(
        () => end(new DeadlineExceeded(this.#timeoutMillis)),
        this.#timeoutMillis,
      )
      timer.unref()
      const clearTimer = () => this.#clock.clearTimeout(timer)
      this.#end = end
      const { signal } = controller
      // A client that throws at once rejects, as one that does later.
      new Promise((begin) => begin(this.#client.putMetricData(input, { abortSignal: signal }))).then(
        (answer) => {
          clearTimer()
          resolve(answer)
        },
        end,
      )
    })
  }

  /** Whether none may be sent any more. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Ends the one that is under way; it is the last. */
  abort(why: unknown): void {
    this.#isOver = true
    this.#end(why)
  }
}
