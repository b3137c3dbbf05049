/** Getting a connection: from the engine, and past the caller's `verify` where the connection is new. */
import { systemClock } from '../base/clock.ts'
import { within } from '../base/within.ts'
import type { Lease } from '../core/lease.ts'
import type { AcquireOptions } from '../core/options.ts'
import type { Pool as Engine } from '../core/pool.ts'
import type { Settle } from '../core/waiters.ts'
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
  request(options: AcquireOptions, settle: Settle<Client>): void {
    if (this.#verify === undefined) return this.#engine.request(options, settle)
    this.#engine.request(options, (error, lease) => {
      if (lease === undefined || lease.connection.uses > 1) settle(error, lease)
      else this.#verified(lease, settle)
    })
  }

  /** A connection that does not pass is closed, and its caller gets the reason. */
  #verified(lease: Lease<Client>, settle: Settle<Client>): void {
    const client = lease.resource
    const ask = () => {
      return new Promise<void>((resolve, reject) =>
        this.#verify?.(client, (fault) => (fault ? reject(fault) : resolve())),
      )
    }
    within(systemClock, this.#verifyMillis, ask).then(
      () => settle(undefined, lease),
      (fault: unknown) => {
        if (!lease.released) lease.release(fault)
        settle(fault, undefined)
      },
    )
  }
}
