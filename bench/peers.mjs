/**
 * The pools of the acquire bench over resources that cost nothing, each with an idle timer of 10 s. Every peer has the same
 * loop in its own words, so that the engine optimises each one for itself.
 */
import { EventEmitter } from 'node:events'
import genericPool from 'generic-pool'
import pg from 'pg'
import { Pool as TarnPool } from 'tarn'
import { Pool } from '../dist/core/index.js'

/**
 * @typedef {object} Loop
 * @property {(times: number) => Promise<void>} caller acquires and releases, so often
 * @property {() => Promise<unknown>} end
 *
 * @typedef {object} Peer
 * @property {string} name
 * @property {boolean} [aside] measured for information; no goal speaks of it
 * @property {(max: number, acquireTimeoutMillis?: number) => Loop} open
 */

const idleTimeoutMillis = 10_000

export const driver = {
  open: async () => ({}),
  close: async () => {},
  check: async () => {},
  reusable: () => true,
  cancel: async () => {},
  permanent: () => false,
}

/** What pg-pool needs of a client. */
export class FakeClient extends EventEmitter {
  _queryable = true
  _ending = false

  connect(/** @type {(error?: Error) => void} */ done) {
    process.nextTick(done)
  }

  end(/** @type {() => void} */ done) {
    process.nextTick(done)
  }

  ref() {}
  unref() {}
}

export function openSluice(/** @type {number} */ max, acquireTimeoutMillis = 30_000) {
  return new Pool(driver, { max, idleTimeoutMillis, acquireTimeoutMillis })
}

function openPgPool(/** @type {number} */ max, acquireTimeoutMillis = 0) {
  return new pg.Pool({
    max,
    Client: FakeClient,
    idleTimeoutMillis,
    connectionTimeoutMillis: acquireTimeoutMillis,
  })
}

/** @type {Peer} */
const sluice = {
  name: 'sluice',
  open(max, acquireTimeoutMillis) {
    const pool = openSluice(max, acquireTimeoutMillis)
    return {
      async caller(times) {
        for (let n = 0; n < times; n++) {
          const lease = await pool.acquire()
          lease.release()
        }
      },
      end: () => pool.end(),
    }
  },
}

/** @type {Peer} */
const pgPool = {
  name: 'pg-pool',
  open(max, acquireTimeoutMillis) {
    const pool = openPgPool(max, acquireTimeoutMillis)
    return {
      async caller(times) {
        for (let n = 0; n < times; n++) {
          const client = await pool.connect()
          client.release()
        }
      },
      end: () => pool.end(),
    }
  },
}

/** @type {Peer} */
const tarn = {
  name: 'tarn',
  open(max, acquireTimeoutMillis = 30_000) {
    const pool = new TarnPool({
      create: async () => ({}),
      destroy: () => {},
      min: 0,
      max,
      idleTimeoutMillis,
      acquireTimeoutMillis,
    })
    return {
      async caller(times) {
        for (let n = 0; n < times; n++) {
          const resource = await pool.acquire().promise
          pool.release(resource)
        }
      },
      end: () => pool.destroy(),
    }
  },
}

/** @type {Peer} */
const generic = {
  name: 'generic-pool',
  open(max, acquireTimeoutMillis) {
    const factory = { create: async () => ({}), destroy: async () => {} }
    const timeouts = acquireTimeoutMillis === undefined ? {} : { acquireTimeoutMillis }
    const pool = genericPool.createPool(factory, {
      max,
      idleTimeoutMillis,
      evictionRunIntervalMillis: 1_000,
      ...timeouts,
    })
    return {
      async caller(times) {
        for (let n = 0; n < times; n++) {
          const resource = await pool.acquire()
          void pool.release(resource)
        }
      },
      end: () => pool.drain().then(() => pool.clear()),
    }
  },
}

// Callers with callbacks hop one microtask before they release: settled in the same turn they would recurse without end.

/** @type {Peer} */
const sluiceCallback = {
  name: 'sluice request()',
  aside: true,
  open(max, acquireTimeoutMillis) {
    const pool = openSluice(max, acquireTimeoutMillis)
    const options = {}
    return {
      caller: (times) =>
        new Promise((resolve) => {
          let left = times
          const next = () => {
            if (left-- === 0) return resolve()
            pool.request(options, (_error, lease) =>
              queueMicrotask(() => {
                lease?.release()
                next()
              }),
            )
          }
          next()
        }),
      end: () => pool.end(),
    }
  },
}

/** @type {Peer} */
const pgPoolCallback = {
  name: 'pg-pool callback',
  aside: true,
  open(max, acquireTimeoutMillis) {
    const pool = openPgPool(max, acquireTimeoutMillis)
    return {
      caller: (times) =>
        new Promise((resolve) => {
          let left = times
          const next = () => {
            if (left-- === 0) return resolve()
            pool.connect((_error, _client, done) =>
              queueMicrotask(() => {
                done()
                next()
              }),
            )
          }
          next()
        }),
      end: () => pool.end(),
    }
  },
}

export const peers = [sluice, pgPool, tarn, generic, sluiceCallback, pgPoolCallback]
