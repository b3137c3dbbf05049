/** Getting a connection: from the engine, and past the caller's `verify` where the connection is new. */
import { onAbort } from '../base/aborts.ts'
import { systemClock } from '../base/clock.ts'
import { describeNumbers, messageOf, SluiceError } from '../base/errors.ts'
import { DeadlineExceeded, within } from '../base/within.ts'
import type { Lease } from '../core/lease.ts'
import type { RequestOptions } from '../core/options.ts'
import type { Pool as Engine } from '../core/pool.ts'
import type { Settle } from '../core/waiter.ts'
import type { PoolConfig } from './config.ts'
import type { Client } from './driver.ts'

export class Checkout {
  readonly #engine: Engine<Client>
  readonly #verify: PoolConfig['verify']
  readonly #verifyMillis: number

  /** @param verifyMillis how long `verify` may take: as long as an open */
  constructor(engine: Engine<Client>, verify: PoolConfig['verify'], verifyMillis: number) {
    this.#engine = engine
    this.#verify = verify
    this.#verifyMillis = verifyMillis
  }

  /** Asks for a connection; `settle` is called once. */
  request(options: RequestOptions, settle: Settle<Client>): void {
    if (this.#verify === undefined) return this.#engine.request(options, settle)
    this.#engine.request(options, (error, lease) => {
      if (lease === undefined || lease.connection.uses > 1) settle(error, lease)
      else this.#verified(lease, options, settle)
    })
  }

  /** A connection that does not pass, or not while its caller waits, is closed, and the caller gets the reason. */
  #verified(lease: Lease<Client>, { signal, timeoutMillis }: RequestOptions, settle: Settle<Client>): void {
    const client = lease.resource
    const millis = Math.min(this.#verifyMillis, timeoutMillis ?? Number.POSITIVE_INFINITY)
    let stopListening: (() => void) | undefined
    const ask = () => {
      return new Promise<void>((resolve, reject) => {
        const gaveUp = () => reject(this.#aborted(signal?.reason))
        // A listener that was told of the lease may have aborted it.
        if (signal?.aborted) return gaveUp()
        if (signal !== undefined) stopListening = onAbort(signal, gaveUp)
        this.#verify?.(client, (fault) => (fault ? reject(fault) : resolve()))
      })
    }
    const failed = (fault: unknown) => {
      stopListening?.()
      if (!lease.released) lease.release(fault)
      settle(fault instanceof DeadlineExceeded ? this.#overdue(fault) : fault, undefined)
    }
    const passed = () => {
      stopListening?.()
      if (lease.released) settle(new Error('Cannot use a pool after calling end on the pool'), undefined)
      else settle(undefined, lease)
    }
    within(systemClock, millis, ask).then(passed, failed)
  }

  #aborted(reason: unknown): SluiceError {
    const numbers = this.#engine.numbers()
    const text = `aborted by the caller while verify looked at its new connection (${describeNumbers(numbers)}): ${messageOf(reason)}`
    return new SluiceError('SLUICE_ABORTED', text, {
      phase: 'check',
      numbers,
      outcome: 'not-sent',
      cause: reason,
    })
  }

  #overdue(fault: DeadlineExceeded): SluiceError {
    const numbers = this.#engine.numbers()
    const text = `verify gave ${fault.message}, so its new connection was closed (${describeNumbers(numbers)}); see why it does not call back, or raise connectionTimeoutMillis or the timeout of the call`
    return new SluiceError('SLUICE_OPEN_TIMEOUT', text, {
      phase: 'check',
      numbers,
      outcome: 'not-sent',
      cause: fault,
    })
  }
}
