/** What needs a session of its own: `listen()` and leases of the direct way. It goes through the pool, or through a small one to another address, made when first asked for. */
import { systemClock } from '../base/clock.ts'
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
  #listener: Listener | undefined
  #direct: Engine<Client> | undefined
  #ended = false

  /** @param makeDirect makes the small pool, where the way is another */
  constructor(engine: Engine<Client>, knowledge: Knowledge, makeDirect: (() => Engine<Client>) | undefined) {
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
    const lease = await this.#engine.acquire(options)
    await new Promise<void>((resolve) =>
      this.#knowledge.decide(lease.resource, resolve, () => lease.released),
    )
    const refusal = this.#knowledge.refusal(what)
    if (refusal === undefined) return lease
    if (!lease.released) lease.release()
    throw refusal
  }

  /** Nobody listens any more: gives the connection back, and ends the small pool. */
  async end(options?: EndOptions): Promise<void> {
    this.#ended = true
    this.#listener?.close()
    await this.#direct?.end(options)
  }
}
