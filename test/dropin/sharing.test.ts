// Where the statements of pool.query() travel: the answers are the same, the connections are not.
import { describe, expect, test } from 'vitest'
import { differ, peers } from './peers.ts'
import { opener } from './support.ts'

describe.each(peers)('$name', (peer) => {
  const open = opener(peer)

  test('the same short statement of many callers at once', async () => {
    const pool = open({ max: 20 })
    await Promise.all(Array.from({ length: 20 }, () => pool.query('SELECT pg_sleep(0.05)')))
    // The port of this end tells the connection.
    const burst = async () => {
      const ask = (_: unknown, n: number) =>
        pool.query('SELECT inet_client_port() AS port, $1::int AS n', [n])
      const answers = await Promise.all(Array.from({ length: 20 }, ask))
      expect(answers.map(({ rows }) => rows[0].n)).toEqual(Array.from({ length: 20 }, (_, n) => n))
      return new Set(answers.map(({ rows }) => rows[0].port)).size
    }
    // That it is short is learned.
    let connections = await burst()
    for (let n = 0; n < 50 && connections === 20; n++) connections = await burst()
    const few = differ(peer, 'short-statements-share-connections', { pgPool: false, sluice: true })
    expect(connections < 20).toBe(few)
  })

  test('a statement that comes again', async () => {
    const pool = open({ max: 1 })
    for (let n = 0; n < 3; n++) await pool.query('SELECT $1::int AS repeated', [n])
    const { rows } = await pool.query('SELECT statement FROM pg_prepared_statements')
    const prepared = differ(peer, 'repeated-statements-are-prepared', {
      pgPool: [],
      sluice: [{ statement: 'SELECT $1::int AS repeated' }],
    })
    expect(rows).toEqual(prepared)
  })

  test('a named statement on a connection that has discarded it', async () => {
    const pool = open({ max: 1 })
    const named = { name: 'mine', text: 'SELECT $1::int AS n', values: [1] }
    await pool.query(named)
    await pool.query('DISCARD ALL')
    const outcome = await pool.query(named).then(
      ({ rows }): unknown => rows[0].n,
      ({ code }: { code: string }) => code,
    )
    expect(outcome).toBe(
      differ<unknown>(peer, 'forgotten-statements-are-prepared-again', { pgPool: '26000', sluice: 1 }),
    )
  })

  test('slow statements that could take every connection', async () => {
    const pool = open({ max: 2 })
    const slow = (seconds: number) => pool.query('SELECT pg_sleep($1)', [seconds])
    // Both are known from here on: what was never seen counts as slow while something is.
    await slow(0.05)
    for (let n = 0; n < 3; n++) await pool.query('SELECT 1')
    const reports = [slow(0.4), slow(0.4), slow(0.4)]
    const from = performance.now()
    await pool.query('SELECT 1')
    const wasFast = performance.now() - from < 300
    expect(wasFast).toBe(differ(peer, 'slow-work-leaves-a-slot', { pgPool: false, sluice: true }))
    await Promise.all(reports)
  })
})
