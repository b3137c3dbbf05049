/** Lanes whose connection, or whose caller’s own code, fails under them. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Pool } from '../../src/index.ts'
import { SluiceError } from '../../src/index.ts'
import { PgClient } from '../../src/postgres/driver.ts'
import { networks, poolsWith } from '../support/pools.ts'
import { sessions } from '../support/postgres.ts'
import {
  ending,
  failed,
  freshName,
  kill,
  LOOKUP,
  learn,
  lookup,
  lookups,
  SLEEP,
  turn,
  untilRunning,
  WAITING,
} from './faults.ts'
import { lanesOf } from './support.ts'

const network = networks()
const open = poolsWith({ max: 1 })

// Nothing that goes wrong on a lane may go wrong for nobody.
const unhandled: unknown[] = []
const note = (error: unknown) => unhandled.push(error)
beforeEach(() => process.on('unhandledRejection', note))
afterEach(() => {
  process.off('unhandledRejection', note)
  const [first] = unhandled.splice(0)
  if (first !== undefined) throw new Error('unhandled', { cause: first })
})

test('when a session is killed the head keeps the server’s error, its neighbours are told what is known, and the pool goes on', async () => {
  const name = freshName()
  const pool = open({ applicationName: name })
  await learn(pool)
  const head = ending(pool.query(SLEEP, [30]))
  const behind = Array.from({ length: 3 }, (_, n) => ending(pool.query(LOOKUP, [n])))
  await untilRunning(name, 1)
  await kill(name)
  expect(await head).toEqual(failed('57P01'))
  for (const end of await Promise.all(behind)) {
    expect(end).toEqual(failed('SLUICE_CONNECTION_LOST', 'unknown'))
    const { error, message } = end as { error: SluiceError; message: string }
    expect(SluiceError.is(error)).toBe(true)
    expect(message).toContain('Connection terminated unexpectedly')
    expect(error).toMatchObject({ phase: 'query', cause: { message: 'Connection terminated unexpectedly' } })
  }
  await lookups(pool, 20)
  expect(pool.stats()).toMatchObject({ opened: 2, lost: 0 })
  await vi.waitFor(async () => expect(await sessions(name)).toBe(1), WAITING)
})

test('when the network is cut the head keeps the socket’s error, and its neighbours are told what is known', async () => {
  const { proxy, connectionString } = await network()
  const name = freshName()
  const pool = open({ applicationName: name, connectionString })
  await learn(pool)
  const head = ending(pool.query(SLEEP, [0.5]))
  const behind = Array.from({ length: 3 }, (_, n) => ending(pool.query(LOOKUP, [n])))
  await untilRunning(name, 1)
  proxy.cut()
  const { message } = (await head) as { message: string }
  expect(message).toMatch(/ECONNRESET|Connection terminated unexpectedly/)
  const lost = failed('SLUICE_CONNECTION_LOST', 'unknown')
  for (const end of await Promise.all(behind)) {
    expect(end).toEqual(lost)
    expect((end as { message: string }).message).toContain(message)
  }
  await lookups(pool, 20)
  expect(pool.stats()).toMatchObject({ opened: 2 })
})

/** Breaks the socket of a pool's only connection. */
function cut(pool: Pool): void {
  const { _clients } = pool as unknown as { _clients: { connection: { stream: Socket } }[] }
  for (const { connection } of _clients) connection.stream.destroy(new Error('cut'))
}

test('what was not sent when its connection died goes over another one', async () => {
  const pool = open()
  await learn(pool)
  const held = lookups(pool, 5)
  cut(pool)
  await held
  expect(pool.stats()).toMatchObject({ opened: 2 })
})

test('what is held behind statements whose connection dies goes over another one', async () => {
  const name = freshName()
  const pool = open({ applicationName: name })
  await learn(pool)
  const head = ending(pool.query(SLEEP, [0.5]))
  await untilRunning(name, 1)
  cut(pool)
  const held = lookups(pool, 5)
  expect(await head).toMatchObject({ message: 'cut' })
  await held
})

test('a lane whose session is in a transaction takes no more and its connection is closed', async () => {
  let status: 'T' | undefined
  // SQL alone cannot do this to an autocommit SELECT; something between pool and server can.
  class Transacting extends PgClient {
    override getTransactionStatus() {
      return status ?? super.getTransactionStatus()
    }
  }
  const pool = open({ Client: Transacting, max: 2 })
  await learn(pool)
  status = 'T'
  expect(await lookup(pool, 1)).toBe(1)
  await turn()
  status = undefined
  expect(await lookup(pool, 2)).toBe(2)
  await vi.waitFor(() => expect(pool.stats()).toMatchObject({ opened: 2, closed: { dirty: 1 } }), WAITING)
})

describe('a caller’s own code that throws', () => {
  test('as a type parser fails the caller alone', async () => {
    const pool = open()
    await learn(pool)
    const types = {
      getTypeParser: () => () => {
        throw new Error('cannot read this')
      },
    }
    const asked = ending(pool.query({ text: LOOKUP, values: [0], types: types as never }))
    await lookups(pool, 10)
    expect(await asked).toMatchObject({ message: 'cannot read this' })
    expect(await lookup(pool, 1)).toBe(1)
    expect(pool.stats()).toMatchObject({ opened: 1 })
  })

  test('while it looks for a type parser fails the caller alone', async () => {
    const pool = open()
    await learn(pool)
    const types = {
      getTypeParser: () => {
        throw new Error('no parser')
      },
    }
    const known = ending(pool.query({ text: LOOKUP, values: [0], types: types as never }))
    const fresh = ending(
      pool.query({ text: 'SELECT $1::int AS other', values: [0], types: types as never }, undefined, {
        class: 'simple',
      }),
    )
    await lookups(pool, 10)
    expect(await known).toMatchObject({ message: 'no parser' })
    expect(await fresh).toMatchObject({ message: 'no parser' })
    expect(pool.stats()).toMatchObject({ opened: 1 })
  })

  test('as a value that cannot be sent, or text that the server cannot read, fails the caller alone', async () => {
    const pool = open()
    await learn(pool)
    const unsendable = {
      toPostgres() {
        throw new Error('unsendable')
      },
    }
    const ends = [
      ending(pool.query(LOOKUP, [unsendable])),
      ending(pool.query("SELECT 'a\0b' AS n", [], { class: 'simple' })),
      ending(pool.query('SELECT $1::text AS n', ['a\0b'], { class: 'simple' })),
      ending(pool.query(LOOKUP, [1, 2])),
      ending(pool.query(LOOKUP, [])),
    ]
    await lookups(pool, 10)
    const [unsent, ...rest] = await Promise.all(ends)
    expect(unsent).toMatchObject({ message: 'unsendable' })
    expect(rest).toEqual([failed('08P01'), failed('22021'), failed('08P01'), failed('42P02')])
    expect(pool.stats()).toMatchObject({ opened: 1 })
  })

  test('as a client fails the caller alone', async () => {
    let armed = false
    class Instrumented extends PgClient {
      override query(...given: unknown[]): never {
        const once = armed
        armed = false
        if (once) throw new Error('instrumented')
        return (PgClient.prototype.query as (...all: unknown[]) => never).apply(this, given)
      }
    }
    const pool = open({ Client: Instrumented })
    await learn(pool)
    armed = true
    const [first, ...rest] = [1, 2, 3].map((n) => ending(pool.query(LOOKUP, [n])))
    expect(await first).toMatchObject({ message: 'instrumented' })
    expect(await Promise.all(rest)).toMatchObject([{ rows: [{ n: 2 }] }, { rows: [{ n: 3 }] }])
    armed = true
    expect(await ending(pool.query(LOOKUP, [1], { lane: false }))).toMatchObject({ message: 'instrumented' })
    expect(await lookup(pool, 4)).toBe(4)
    await vi.waitFor(() => expect(pool.stats()).toMatchObject({ shared: 0, leased: 0, idle: 1 }), WAITING)
  })

  test('as a callback is an uncaught exception, and everybody else gets rows', async () => {
    const pool = open()
    await learn(pool)
    const thrown: unknown[] = []
    const before = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => thrown.push(error))
    try {
      for (let n = 0; n < 3; n++) {
        pool.query(LOOKUP, [n], () => {
          throw new Error(`thrown ${n}`)
        })
      }
      await lookups(pool, 10)
      await vi.waitFor(() => expect(thrown).toHaveLength(3), WAITING)
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of before) process.on('uncaughtException', listener)
    }
    expect(thrown.map((error) => (error as Error).message)).toEqual(['thrown 0', 'thrown 1', 'thrown 2'])
    expect(pool.stats()).toMatchObject({ opened: 1 })
  })

  test('as a promise’s continuation is that promise’s rejection, and everybody else gets rows', async () => {
    const pool = open()
    await learn(pool)
    const end = ending(
      pool.query(LOOKUP, [1]).then(() => {
        throw new Error('after the answer')
      }),
    )
    await lookups(pool, 10)
    expect(await end).toMatchObject({ message: 'after the answer' })
  })
})

test('a caller who changes its result changes nobody else’s', async () => {
  const pool = open()
  const ask = async () => {
    const { rows, fields } = await pool.query('SELECT $1::int AS snake_case', [1])
    const [field] = fields
    const seen = [[...rows], field?.name, fields.length]
    if (field !== undefined) field.name = 'camelCase'
    fields.push(...fields)
    rows.push('junk')
    return seen
  }
  for (let n = 0; n < 6; n++) expect(await ask()).toEqual([[{ snake_case: 1 }], 'snake_case', 1])
  const all = await Promise.all([ask(), ask(), ask()])
  for (const seen of all) expect(seen).toEqual([[{ snake_case: 1 }], 'snake_case', 1])
})

test('callers keep their context, whoever’s turn brings the answer', async () => {
  const pool = open()
  await learn(pool)
  const storage = new AsyncLocalStorage<number>()
  const asked = Array.from({ length: 20 }, (_, n) =>
    storage.run(n, async () => {
      if (n % 2 === 0) await lookup(pool, n)
      else await new Promise((resolve) => pool.query(LOOKUP, [n], () => resolve(storage.getStore() === n)))
      return storage.getStore()
    }),
  )
  const called = storage.run(
    99,
    () => new Promise((resolve) => pool.query(LOOKUP, [1], () => resolve(storage.getStore()))),
  )
  expect(lanesOf(pool)).toBe(1)
  expect(await Promise.all(asked)).toEqual(asked.map((_, n) => n))
  expect(await called).toBe(99)
})
