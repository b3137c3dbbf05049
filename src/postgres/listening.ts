/** What needs a session of its own: `listen()` and leases of the direct way. It goes through the pool, or through a small one to another address, made when first asked for. */
import { onAbort } from '../base/aborts.ts'
import { systemClock } from '../base/clock.ts'
import { describeNumbers, SluiceError } from '../base/errors.ts'
import { DeadlineExceeded, within } from '../base/within.ts'
import type { EndOptions } from '../core/ending.ts'
import type { Lease } from '../core/lease.ts'
import type { RequestOptions } from '../core/options.ts'
import type { Pool as Engine } from '../core/pool.ts'
import type { Client } from './driver.ts'
import type { Knowledge } from './knowledge.ts'
import { Listener } from './listen.ts'

export class Listening {
  readonly #engine: Engine<Client>
  readonly #knowledge: Knowledge
  readonly #makeDirect: (() => Engine<Client>) | undefined
  readonly #waitMillis: number
  #listener: Listener | undefined
  #direct: Engine<Client> | undefined
  #ended = false

  /** @param waitMillis how long to wait for a session at most, @param makeDirect makes the small pool, where the way is another */
  constructor(
    engine: Engine<Client>,
    knowledge: Knowledge,
    waitMillis: number,
    makeDirect: (() => Engine<Client>) | undefined,
  ) {
    this.#waitMillis = waitMillis
    this.#engine = engine
    this.#knowledge = knowledge
    this.#makeDirect = makeDirect
  }

  get listener(): Listener {
    this.#listener ??= new Listener({
      clock: systemClock,
      random: Math.random,
      acquire: () => this.acquire('LISTEN', { agent: 'listen', longLived: true }),
    })
    return this.#listener
  }

  /**
   * A connection whose session stays for as long as it is lent.
   * @param what it is needed for, in an error
   * @throws SLUICE_UNSUPPORTED_ON_ENDPOINT where there is none; what `acquire()` of the engine throws
   */
  async acquire(what: string, options: RequestOptions): Promise<Lease<Client>> {
    // A pool that has ended says so itself, and nothing is opened any more on another way.
    if (this.#makeDirect !== undefined && !this.#ended) {
      this.#direct ??= this.#makeDirect()
      return this.#direct.acquire(options)
    }
    const { timeoutMillis = this.#waitMillis, signal } = options
    const since = systemClock.now()
    const lease = await this.#engine.acquire(options)
    try {
      await this.#decided(lease, Math.max(1, timeoutMillis - (systemClock.now() - since)), signal)
    } catch (error) {
      if (!lease.released) lease.cancel()
      throw this.#gaveUp(error, what)
    }
    if (lease.released) throw lease.revoked ?? this.#tookAway(what)
    const refusal = this.#knowledge.refusal(what)
    if (refusal === undefined) return lease
    lease.release()
    throw refusal
  }

  /** The question goes over the connection itself, which may answer nothing. */
  #decided(lease: Lease<Client>, millis: number, signal: AbortSignal | undefined): Promise<void> {
    let stop: (() => void) | undefined
    const asked = () =>
      new Promise<void>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        if (signal !== undefined) stop = onAbort(signal, () => reject(signal.reason))
        this.#knowledge.decide(lease.resource, resolve, () => lease.released)
      })
    return within(systemClock, millis, asked).finally(() => stop?.())
  }

  /** `end()` closes in time what does not come back by itself. */
  #tookAway(what: string): SluiceError {
    const text = `the pool has closed the connection for ${what} while the server was asked about it`
    const numbers = this.#engine.numbers()
    return new SluiceError('SLUICE_POOL_ENDED', text, { phase: 'check', numbers, outcome: 'not-sent' })
  }

  #gaveUp(cause: unknown, what: string): SluiceError {
    const numbers = this.#engine.numbers()
    const details = { phase: 'check', numbers, outcome: 'not-sent', cause } as const
    const asked = `the server was asked whether ${what} has a session of its own here (${describeNumbers(numbers)})`
    if (!(cause instanceof DeadlineExceeded))
      return new SluiceError('SLUICE_ABORTED', `aborted by the caller while ${asked}`, details)
    const text = `no answer within ${Math.round(cause.millis)} ms when ${asked}; see whether it answers at all, or say what the endpoint is (endpoint)`
    return new SluiceError('SLUICE_ACQUIRE_TIMEOUT', text, details)
  }

  /** Nobody listens any more: gives the connection back, and ends the small pool. */
  async end(options?: EndOptions): Promise<void> {
    this.#ended = true
    this.#listener?.close()
    await this.#direct?.end(options)
  }
}
