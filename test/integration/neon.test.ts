import { Socket } from 'node:net'
import { Client, neonConfig } from '@neondatabase/serverless'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import WebSocket from 'ws'
import type { ClientClass } from '../../src/index.ts'
import { bridges } from '../support/bridge.ts'
import { poolsWith } from '../support/pools.ts'
import { databaseUrl, sessions, withClient } from '../support/postgres.ts'

const NAME = 'sluice-neon'
const bridge = bridges()
const open = poolsWith({ Client: Client as unknown as ClientClass, max: 3, applicationName: NAME })

/** A pool whose clients speak through a bridge of their own. */
async function bridged(config = {}) {
  const { address } = await bridge()
  neonConfig.wsProxy = () => address
  return open(config)
}

beforeEach(() => {
  neonConfig.webSocketConstructor = WebSocket
  neonConfig.useSecureWebSocket = false
  neonConfig.pipelineConnect = false
  neonConfig.pipelineTLS = false
})

afterEach(() => {
  neonConfig.wsProxy = undefined as never
})

describe('with the WebSocket client of @neondatabase/serverless', () => {
  it('statements, leases and transactions bring their rows', async () => {
    const pool = await bridged()
    expect((await pool.query('SELECT $1::int AS n', [7])).rows).toEqual([{ n: 7 }])
    const many = Array.from({ length: 40 }, (_, n) => pool.query('SELECT $1::int AS n', [n]))
    expect((await Promise.all(many)).map(({ rows }) => rows[0].n)).toEqual(
      Array.from({ length: 40 }, (_, n) => n),
    )
    await using lease = await pool.lease()
    expect((await lease.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
    const inside = await pool.transaction(async (tx) => {
      await tx.query('CREATE TEMP TABLE through_web_socket (n int) ON COMMIT DROP')
      await tx.query('INSERT INTO through_web_socket VALUES (1), (2)')
      return (await tx.query('SELECT count(*)::int AS n FROM through_web_socket')).rows
    })
    expect(inside).toEqual([{ n: 2 }])
  })

  it('what a transaction has done is undone when it fails', async () => {
    const pool = await bridged()
    await withClient((client) => client.query('CREATE TABLE IF NOT EXISTS by_web_socket (n int)'))
    await pool.query('TRUNCATE by_web_socket')
    const failed = pool.transaction(async (tx) => {
      await tx.query('INSERT INTO by_web_socket VALUES (1)')
      throw new Error('undone')
    })
    await expect(failed).rejects.toThrow('undone')
    await expect(pool.batch(['INSERT INTO by_web_socket VALUES (2)', 'SELECT 1 / 0'])).rejects.toThrow('zero')
    expect((await pool.query('SELECT * FROM by_web_socket')).rows).toEqual([])
  })

  it('errors of the server are the server’s, and the pool goes on', async () => {
    const pool = await bridged()
    await expect(pool.query('SELECT nothing_of_the_kind')).rejects.toMatchObject({ code: '42703' })
    expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
  })

  it('a caller who has waited long enough gets his error, and the statement ends at the server', async () => {
    const pool = await bridged({ max: 1 })
    await pool.query('SELECT 1')
    const slow = pool.query('SELECT pg_sleep(600)', [], { timeout: 200 })
    await expect(slow).rejects.toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
    // On the one connection there is, which a statement of ten minutes would hold.
    expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
    expect(pool.stats().opened).toBe(1)
  })

  it('end() closes every session', async () => {
    const pool = await bridged()
    await Promise.all([pool.query('SELECT 1'), pool.query('SELECT 2'), pool.query('SELECT 3')])
    expect(await sessions(NAME)).toBeGreaterThan(0)
    await pool.end()
    await expect.poll(() => sessions(NAME)).toBe(0)
  })

  it('Sluice opens no socket of its own to the server', async () => {
    const dialled: unknown[] = []
    const dial = vi.spyOn(Socket.prototype, 'connect')
    try {
      const pool = await bridged({ max: 1, silenceTimeoutMillis: 500 })
      await pool.query('SELECT 1')
      await pool.query('SELECT pg_sleep(1.5)')
      const slow = pool.query('SELECT pg_sleep(2)', [], { timeout: 200 })
      await expect(slow).rejects.toMatchObject({ code: 'SLUICE_QUERY_TIMEOUT' })
      await pool.query('SELECT 1')
      await pool.end()
      // Those of the WebSockets, and those of the bridge behind them.
      for (const [first] of dial.mock.calls) dialled.push(first)
    } finally {
      dial.mockRestore()
    }
    const port = Number(new URL(databaseUrl()).port)
    const toServer = dialled.filter((given) => JSON.stringify(given).includes(String(port)))
    const toBridge = dialled.length - toServer.length
    expect(toServer.length).toBe(toBridge)
  })

  it('its endpoint is told by the address alone: nobody is asked', async () => {
    const pool = await bridged()
    for (let n = 0; n < 3; n++) await pool.query('SELECT 1')
    expect(pool.endpoint()).toMatchObject({ endpoint: 'direct', known: 'assumed', isOpen: false })
  })
})
