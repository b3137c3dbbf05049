/** Whose connection `listen()` uses: one of the pool's, or one of a pool of one to another address; made when first asked for. */
import { systemClock } from '../base/clock.ts'
import type { EndOptions } from '../core/ending.ts'
import type { Pool as Engine } from '../core/pool.ts'
import type { Client } from './driver.ts'
import { Listener } from './listen.ts'

export class Listening {
  readonly #engine: Engine<Client>
  readonly #makeDirect: (() => Engine<Client>) | undefined
  #listener: Listener | undefined
  #direct: Engine<Client> | undefined

  /** @param makeDirect makes the pool of one, where the way is another */
  constructor(engine: Engine<Client>, makeDirect: (() => Engine<Client>) | undefined) {
    this.#engine = engine
    this.#makeDirect = makeDirect
  }

  get listener(): Listener {
    this.#listener ??= new Listener({
      clock: systemClock,
      random: Math.random,
      acquire: () => this.#way.acquire({ agent: 'listen', longLived: true }),
    })
    return this.#listener
  }

  get #way(): Engine<Client> {
    if (this.#makeDirect === undefined) return this.#engine
    this.#direct ??= this.#makeDirect()
    return this.#direct
  }

  /** Nobody listens any more: gives the connection back, and ends the pool of one. */
  async end(options?: EndOptions): Promise<void> {
    this.#listener?.close()
    await this.#direct?.end(options)
  }
}
