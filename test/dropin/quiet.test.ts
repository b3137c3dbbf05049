// A pool that runs for months: nothing piles up, and nothing is printed.
import type { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { differ, peers } from './peers.ts'
import { inAChild, opener, rejection } from './support.ts'

function listeners(of: EventEmitter): Record<string, number> {
  return Object.fromEntries(of.eventNames().map((name) => [String(name), of.listenerCount(name)]))
}

describe.each(peers)('$name in the long run', (peer) => {
  const open = opener(peer)

  test('the listeners on a client do not grow over many leases', async () => {
    const pool = open({ max: 1 })
    const client = await pool.connect()
    client.release()
    await pool.query('select 1')
    const before = {
      idle: listeners(client),
      connection: listeners(client.connection),
      stream: listeners(client.connection.stream),
    }
    ;(await pool.connect()).release()
    for (let lease = 0; lease < 200; lease += 1) {
      const again = await pool.connect()
      await again.query('select 1')
      again.release()
      await pool.query('select 1')
    }
    expect(pool.totalCount).toBe(1)
    expect({
      idle: listeners(client),
      connection: listeners(client.connection),
      stream: listeners(client.connection.stream),
    }).toEqual(before)
  })

  test('the listeners on a leased client are the same in every lease', async () => {
    const pool = open({ max: 1 })
    const seen = new Set<string>()
    for (let lease = 0; lease < 50; lease += 1) {
      const client = await pool.connect()
      seen.add(JSON.stringify(listeners(client)))
      client.release()
    }
    expect(seen.size).toBe(1)
  })

  test('the listeners on the pool are those of its users', async () => {
    const pool = open({ max: 2 })
    await Promise.all(Array.from({ length: 20 }, () => pool.query('select 1')))
    await rejection(pool.query('select 1 / 0'))
    expect(listeners(pool)).toEqual({})
  })

  test('no warning is printed by a busy pool', async () => {
    const { code, stdout, stderr } = await inAChild(
      peer,
      `process.on('warning', (warning) => console.log(warning.name, warning.message))
       const pool = new Pool({ connectionString: url, max: 4, maxLifetimeSeconds: 60, connectionTimeoutMillis: 10_000 })
       pool.on('error', () => {})
       const lease = async () => {
         const client = await pool.connect()
         await client.query('begin')
         await client.query('select $1::int', [1])
         const committed = client.query('commit')
         client.release()
         await committed
       }
       const work = []
       for (let i = 0; i < 100; i += 1) {
         work.push(pool.query('select 1'), pool.query({ name: 'n', text: 'select $1::int', values: [i] }))
         work.push(lease(), pool.query('select 1 / 0').catch(() => {}))
         work.push(new Promise((resolve) => pool.connect((error, client, done) => { done(); resolve() })))
         work.push(new Promise((resolve) => pool.query('select 1', () => resolve())))
       }
       await Promise.all(work)
       await pool.end()
       await new Promise((resolve) => setImmediate(resolve))
       console.log('quiet')`,
    )
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'quiet\n', stderr: '' })
  })

  test('a listener of connect that queries, and a caller who queries', async () => {
    const { code, stdout, stderr } = await inAChild(
      peer,
      `const pool = new Pool({ connectionString: url })
       pool.on('connect', (client) => client.query("set application_name to 'set by a listener'"))
       const { rows } = await pool.query("select current_setting('application_name') as name")
       await pool.end()
       console.log(rows[0].name)`,
    )
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'set by a listener\n' })
    expect(/DeprecationWarning/.test(stderr)).toBe(
      differ(peer, 'connect-listener-may-query', { pgPool: true, sluice: false }),
    )
  })
})
