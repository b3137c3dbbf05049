/** The engine on a manual clock, over pg clients whose server is worked by hand. */
import pg from 'pg'
import type { Lease } from '../../src/core/lease.ts'
import type { PoolOptions, RequestOptions } from '../../src/core/options.ts'
import { Pool } from '../../src/core/pool.ts'
import { Checkout } from '../../src/postgres/checkout.ts'
import type { Client } from '../../src/postgres/driver.ts'
import { Names } from '../../src/postgres/lanes/names.ts'
import { Sessions } from '../../src/postgres/sessions.ts'
import { HandServer } from './hand-server.ts'
import { ManualClock, settle } from './manual-clock.ts'

export interface HandPool {
  readonly clock: ManualClock
  readonly server: HandServer
  readonly sessions: Sessions
  readonly engine: Pool<Client>
  readonly checkout: Checkout
  readonly namesOf: (client: Client) => Names
  /** Asks for a connection that must be lent by the time all promises have settled. */
  lend(options?: RequestOptions): Promise<Lease<Client>>
}

export function handPool(options: PoolOptions = {}): HandPool {
  const clock = new ManualClock()
  const server = new HandServer()
  const source = {
    Client: () => pg.Client as never,
    options: () => ({ host: 'by-hand', port: 1, user: 'test', password: 'test', stream: server.stream }),
    onConnect: undefined,
    onError: () => undefined,
    onEnd: () => undefined,
    onGone: () => undefined,
    onEnding: () => undefined,
  }
  const sessions = new Sessions(source, clock)
  const engine = new Pool<Client>(sessions, options, { clock, random: () => 0.5 })
  const kept = new WeakMap<Client, Names>()
  const namesOf = (client: Client) => {
    const names = kept.get(client) ?? new Names(client, 100)
    kept.set(client, names)
    return names
  }
  const lend = async (how: RequestOptions = {}) => {
    let lent: Lease<Client> | undefined
    let failure: unknown
    engine.request(how, (error, lease) => {
      failure = error
      lent = lease
    })
    for (let n = 0; n < 5 && lent === undefined; n++) await settle()
    if (lent === undefined) throw new Error('nothing was lent', { cause: failure })
    return lent
  }
  return { clock, server, sessions, engine, checkout: new Checkout(engine, undefined, 1_000), namesOf, lend }
}
