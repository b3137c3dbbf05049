import { describe, expect, test } from 'vitest'
import { sessions } from '../support/postgres.ts'
import { differ, peers } from './peers.ts'
import {
  backendPid,
  calledBack,
  opener,
  recordEvents,
  rejection,
  unique,
  until,
  warm,
  within,
} from './support.ts'

const afterEnd = 'Cannot use a pool after calling end on the pool'
const endedTwice = 'Called end on pool more than once'

describe.each(peers)('ending $name', (peer) => {
  const open = opener(peer)

  test('end resolves to undefined and closes every connection', async () => {
    const name = unique('dropin_end')
    const pool = open({ application_name: name })
    await warm(pool, 2)
    const ending = pool.end()
    expect(pool.ending).toBe(true)
    expect(await ending).toBeUndefined()
    expect([pool.ending, pool.ended]).toEqual([true, true])
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([0, 0, 0])
    await until(async () => expect(await sessions(name)).toBe(0))
  })

  test('end with a callback returns undefined and calls back without an error', async () => {
    const pool = open()
    await pool.query('select 1')
    const { args, returned } = await calledBack((callback) => pool.end(callback))
    expect([args[0], returned, pool.ended]).toEqual([undefined, undefined, true])
  })

  test('a pool that never connected ends', async () => {
    const pool = open()
    expect(await pool.end()).toBeUndefined()
    expect(pool.ended).toBe(true)
  })

  test('end waits for the clients that are out', async () => {
    const pool = open()
    const client = await pool.connect()
    await pool.query('select 1')
    const words = recordEvents(pool)
    const ending = pool.end().then(() => words.push('ended'))
    expect([pool.ending, pool.ended]).toEqual([true, false])
    expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    await until(() => expect(words).toEqual(['remove']))
    expect(pool.ended).toBe(false)
    client.release()
    await ending
    expect(pool.ended).toBe(true)
    expect(words.filter((word) => word !== 'remove')).toEqual(['release', 'ended'])
    await until(() => expect(words.filter((word) => word === 'remove')).toHaveLength(2))
  })

  test('end lets running queries finish', async () => {
    const pool = open()
    const running = pool.query("select 'finished' as word, pg_sleep(0.05)")
    await pool.end()
    expect((await running).rows[0].word).toBe('finished')
  })

  test('end lets a connection that is opening reach its caller', async () => {
    const pool = open()
    const connecting = pool.connect()
    const ending = pool.end()
    const client = await connecting
    expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    client.release()
    await ending
    expect(pool.totalCount).toBe(0)
  })

  test('connect and query after end are rejected', async () => {
    const pool = open()
    await pool.end()
    expect((await rejection(pool.connect())).message).toBe(afterEnd)
    expect((await rejection(pool.query('select 1'))).message).toBe(afterEnd)
  })

  test('connect while ending is rejected', async () => {
    const pool = open()
    const client = await pool.connect()
    const ending = pool.end()
    expect((await rejection(pool.connect())).message).toBe(afterEnd)
    client.release()
    await ending
  })

  test('connect and query with a callback after end are called back', async () => {
    const pool = open()
    await pool.end()
    const connected = await calledBack((callback) => pool.connect(callback as never))
    expect([(connected.args[0] as Error).message, connected.args[1], connected.returned]).toEqual([
      afterEnd,
      undefined,
      undefined,
    ])
    expect(typeof connected.args[2]).toBe(
      differ(peer, 'done-is-always-a-function', { pgPool: 'undefined', sluice: 'function' }),
    )
    const queried = await calledBack((callback) => pool.query('select 1', callback as never))
    expect([(queried.args[0] as Error).message, queried.args[1]]).toEqual([afterEnd, undefined])
    const sync = differ(peer, 'callbacks-come-later', { pgPool: true, sluice: false })
    expect([connected.synchronously, queried.synchronously]).toEqual([sync, sync])
  })

  test('ending twice is an error, for a promise and for a callback, also after the end', async () => {
    const pool = open()
    await pool.query('select 1')
    const ending = pool.end()
    expect((await rejection(pool.end())).message).toBe(endedTwice)
    await ending
    expect((await rejection(pool.end())).message).toBe(endedTwice)
    const { args, returned, synchronously } = await calledBack((callback) => pool.end(callback))
    expect([(args[0] as Error).message, returned]).toEqual([endedTwice, undefined])
    expect(synchronously).toBe(differ(peer, 'callbacks-come-later', { pgPool: true, sluice: false }))
    expect(pool.ended).toBe(true)
  })

  test('the callback of end on an empty pool', async () => {
    const { synchronously } = await calledBack((callback) => open().end(callback))
    expect(synchronously).toBe(differ(peer, 'callbacks-come-later', { pgPool: true, sluice: false }))
  })

  test('end resolves before or after the connections are closed', async () => {
    const name = unique('dropin_close')
    const pool = open({ application_name: name })
    await warm(pool, 3)
    const words = recordEvents(pool)
    await pool.end().then(() => words.push('ended'))
    await until(() => expect(words).toHaveLength(4))
    expect(words).toEqual(
      differ(peer, 'end-waits-for-the-close', {
        pgPool: ['ended', 'remove', 'remove', 'remove'],
        sluice: ['remove', 'remove', 'remove', 'ended'],
      }),
    )
  })

  test('callers who wait when the pool ends', async () => {
    const pool = open({ max: 1 })
    const client = await pool.connect()
    const connecting = pool.connect().then(
      () => 'served',
      (error: Error) => error.message,
    )
    const querying = pool.query('select 1').then(
      () => 'served',
      (error: Error) => error.message,
    )
    const ending = pool.end()
    const outcome = (waiter: Promise<string>): Promise<string> =>
      within(200, waiter).catch(() => 'still waiting')
    const expected = differ(peer, 'end-rejects-waiters', { pgPool: 'still waiting', sluice: afterEnd })
    expect(await Promise.all([outcome(connecting), outcome(querying)])).toEqual([expected, expected])
    client.release()
    await ending
  })

  test('a client that is never released, and endTimeoutMillis', async () => {
    const pool = open({ endTimeoutMillis: 100 })
    const client = await pool.connect()
    const pid = await backendPid(client)
    client.on('error', () => {})
    const ended = pool.end().then(() => 'ended')
    const { patience, outcome } = differ(peer, 'end-finishes-despite-a-leak', {
      pgPool: { patience: 300, outcome: 'still ending' },
      sluice: { patience: 5_000, outcome: 'ended' },
    })
    expect(await within(patience, ended).catch(() => 'still ending')).toBe(outcome)
    if (peer.name === 'Sluice') {
      const gone = async (): Promise<void> =>
        expect((await open().query('select 1 from pg_stat_activity where pid = $1', [pid])).rows).toEqual([])
      await until(gone)
    } else {
      client.release()
    }
    await ended
  })
})
