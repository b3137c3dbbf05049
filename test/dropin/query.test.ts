import pg from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { describe, expect, test } from 'vitest'
import { differ, peers } from './peers.ts'
import type { OpenPool } from './support.ts'
import { calledBack, opener, rejection, unique, until } from './support.ts'

const sum = 'select $1::int + $2::int as n'

/** pg's query methods in a shape that lets a test pass what the types would not. */
type AnyQuery = (...args: unknown[]) => Promise<pg.QueryResult>
const loose = (of: pg.Pool | pg.PoolClient): AnyQuery => of.query.bind(of) as AnyQuery

describe.each(peers)('querying through $name', (peer) => {
  const open = opener(peer)

  test.each<[string, unknown[]]>([
    ['a text and values', [sum, [2, 3]]],
    ['a config', [{ text: sum, values: [2, 3] }]],
    ['a config and values beside it', [{ text: sum }, [2, 3]]],
    ['a config with values and undefined beside it', [{ text: sum, values: [2, 3] }, undefined]],
    ['a config whose values give way to those beside it', [{ text: sum, values: [8, 9] }, [2, 3]]],
    ['a named config', [{ name: 'sum', text: sum, values: [2, 3] }]],
  ])('%s may be asked, for a promise and for a callback', async (_what, args) => {
    const pool = open()
    expect((await loose(pool)(...args)).rows).toEqual([{ n: 5 }])
    const called = await calledBack((callback) => loose(pool)(...args, callback))
    expect(called.returned).toBeUndefined()
    expect(called.synchronously).toBe(false)
    expect(called.args).toHaveLength(2)
    expect(called.args[0]).toBeUndefined()
    expect((called.args[1] as pg.QueryResult).rows).toEqual([{ n: 5 }])
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 1, 0])
  })

  test('a text alone, for a promise and for a callback', async () => {
    const pool = open()
    expect((await pool.query('select 5 as n')).rows).toEqual([{ n: 5 }])
    const { args } = await calledBack((callback) => loose(pool)('select 5 as n', callback))
    expect((args[1] as pg.QueryResult).rows).toEqual([{ n: 5 }])
    const beside = await calledBack((callback) => loose(pool)('select 5 as n', undefined, callback))
    expect((beside.args[1] as pg.QueryResult).rows).toEqual([{ n: 5 }])
  })

  test('a result has what pg gives it', async () => {
    const result = await open().query('select 1 as n union all select 2')
    expect(result).toBeInstanceOf((pg as unknown as { Result: new () => unknown }).Result)
    expect(result).toMatchObject({ command: 'SELECT', rowCount: 2, rows: [{ n: 1 }, { n: 2 }] })
    expect(result.fields.map(({ name, dataTypeID }) => [name, dataTypeID])).toEqual([['n', 23]])
  })

  test('several statements in one text give a list of results', async () => {
    const results = (await open().query('select 1 as a; select 2 as b')) as unknown as pg.QueryResult[]
    expect(results.map(({ rows }) => rows)).toEqual([[{ a: 1 }], [{ b: 2 }]])
  })

  test('an empty text gives an empty result', async () => {
    expect(await open().query('')).toMatchObject({ rows: [], rowCount: null, command: null })
  })

  test('rowMode array gives rows as arrays', async () => {
    const pool = open()
    const config = { text: 'select 1 as a, 2 as a, $1::text as b', rowMode: 'array' as const }
    expect((await pool.query(config, ['x'])).rows).toEqual([[1, 2, 'x']])
    expect((await pool.query({ text: 'select 1 as a, 2 as a' })).rows).toEqual([{ a: 2 }])
  })

  test('types of a query read its columns, and no other query’s', async () => {
    const pool = open()
    const getTypeParser = () => (text: unknown) => `<${String(text)}>`
    const types = { getTypeParser } as unknown as pg.CustomTypesConfig
    expect((await pool.query({ text: 'select 1 as n', types })).rows).toEqual([{ n: '<1>' }])
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })

  test('types of the pool read the columns of every query', async () => {
    const types = { getTypeParser: () => (text: string) => `<${text}>` }
    expect((await open({ types }).query('select 1 as n')).rows).toEqual([{ n: '<1>' }])
  })

  test('a named statement is prepared once and runs again', async () => {
    const pool = open({ max: 1 })
    for (const n of [1, 2, 3]) {
      expect((await pool.query({ name: 'again', text: 'select $1::int as n', values: [n] })).rows).toEqual([
        { n },
      ])
    }
    const { rows } = await pool.query(
      "select count(*)::int as n from pg_prepared_statements where name = 'again'",
    )
    expect(rows).toEqual([{ n: 1 }])
  })

  test('a name used for another text is refused', async () => {
    const pool = open({ max: 1 })
    await pool.query({ name: 'taken', text: 'select 1 as n' })
    expect((await rejection(pool.query({ name: 'taken', text: 'select 2 as n' }))).message).toBe(
      "Prepared statements must be unique - 'taken' was used for a different statement",
    )
    expect((await pool.query('select 3 as n')).rows).toEqual([{ n: 3 }])
  })

  test('values of every kind arrive', async () => {
    const at = new Date('2024-02-29T12:00:00.000Z')
    const text =
      'select $1::timestamptz as at, $2::bytea as bytes, $3::int[] as list, $4::jsonb as json, $5::text as nothing, $6::text as own'
    const { rows } = await open().query(text, [
      at,
      Buffer.from('abc'),
      [1, 2],
      { a: [1] },
      undefined,
      { toPostgres: () => 'said so itself' },
    ])
    expect(rows).toEqual([
      { at, bytes: Buffer.from('abc'), list: [1, 2], json: { a: [1] }, nothing: null, own: 'said so itself' },
    ])
  })

  test("the caller's config is not changed", async () => {
    const config = Object.freeze({ text: sum, values: Object.freeze([2, 3]) as unknown as number[] })
    expect((await open().query(config)).rows).toEqual([{ n: 5 }])
    expect(Object.keys(config)).toEqual(['text', 'values'])
  })

  test('a pg.Query is run and its result given', async () => {
    const pool = open()
    expect((await loose(pool)(new pg.Query('select 5 as n'))).rows).toEqual([{ n: 5 }])
    expect((await loose(pool)(new pg.Query(sum, [2, 3]))).rows).toEqual([{ n: 5 }])
    const { args } = await calledBack((callback) => loose(pool)(new pg.Query('select 5 as n'), callback))
    expect((args[1] as pg.QueryResult).rows).toEqual([{ n: 5 }])
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1])
  })

  test('a pg.Query emits its rows on a client', async () => {
    const client = await open().connect()
    const query = client.query(new pg.Query('select generate_series(1, 3) as n'))
    const rows: unknown[] = []
    query.on('row', (row) => rows.push(row))
    await new Promise((resolve) => query.on('end', resolve))
    expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    client.release()
  })

  test('a cursor reads in steps on a client, which is lent again afterwards', async () => {
    const pool = open({ max: 1 })
    const client = await pool.connect()
    const cursor = client.query(new Cursor('select generate_series(1, 5) as n'))
    expect(await cursor.read(2)).toEqual([{ n: 1 }, { n: 2 }])
    expect(await cursor.read(100)).toEqual([{ n: 3 }, { n: 4 }, { n: 5 }])
    await cursor.close()
    client.release()
    expect(await pool.connect()).toBe(client)
    expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    client.release()
  })

  test('a cursor closed half way leaves a client that can be lent again', async () => {
    const pool = open({ max: 1 })
    const client = await pool.connect()
    const cursor = client.query(new Cursor('select generate_series(1, 1000) as n'))
    expect(await cursor.read(1)).toEqual([{ n: 1 }])
    await cursor.close()
    client.release()
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    expect(pool.totalCount).toBe(1)
  })

  test('a query stream streams on a client, which is lent again afterwards', async () => {
    const pool = open({ max: 1 })
    const client = await pool.connect()
    const numbers: number[] = []
    for await (const row of client.query(new QueryStream('select generate_series(1, $1::int) as n', [250]))) {
      numbers.push((row as { n: number }).n)
    }
    expect([numbers.length, numbers.at(-1)]).toEqual([250, 250])
    client.release()
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    expect(pool.totalCount).toBe(1)
  })

  test.each([[null], [undefined]])('%s instead of a query is an error', async (nothing) => {
    const pool = open()
    const error = await rejection(loose(pool)(nothing))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe('Client was passed a null or undefined query')
    const { args, synchronously } = await calledBack((callback) => loose(pool)(nothing, callback))
    expect([(args[0] as Error).message, synchronously]).toEqual([error.message, false])
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })

  test('a function instead of a query is called back with an error, later', async () => {
    const pool = open()
    const { args, returned, synchronously } = await calledBack((callback) => loose(pool)(callback))
    expect(args).toHaveLength(1)
    expect((args[0] as Error).message).toBe(
      'Passing a function as the first parameter to pool.query is not supported',
    )
    expect([returned, synchronously, pool.totalCount]).toEqual([undefined, false, 0])
  })

  test('values that cannot be serialised are an error, and harm nobody else', async () => {
    const pool = open({ max: 1 })
    const circular: Record<string, unknown> = {}
    circular.self = circular
    const shy = {
      toPostgres(): never {
        throw new Error('I would rather not')
      },
    }
    expect((await rejection(pool.query('select $1', [{ n: 1n }]))).message).toBe(
      'Do not know how to serialize a BigInt',
    )
    expect((await rejection(pool.query('select $1', [circular]))).message).toMatch(/circular/)
    expect((await rejection(pool.query('select $1', [shy]))).message).toBe('I would rather not')
    const { args } = await calledBack((callback) => loose(pool)('select $1', [shy], callback))
    expect((args[0] as Error).message).toBe('I would rather not')
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    await until(() => expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 1, 0]))
  })

  test('values that are no array are an error, and harm nobody else', async () => {
    const pool = open({ max: 1 })
    expect((await rejection(loose(pool)({ text: 'select $1', values: 'x' }))).message).toBe(
      'Query values must be an array',
    )
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })

  describe('that end in an error of the server', () => {
    const failing = (pool: OpenPool): Promise<Error & { code?: string }> =>
      rejection(pool.query('select 1 / 0'))

    test('rejects with it, for a promise and for a callback', async () => {
      const pool = open()
      const error = await failing(pool)
      expect(error).toBeInstanceOf(pg.DatabaseError)
      expect([error.message, error.code]).toEqual(['division by zero', '22012'])
      const { args } = await calledBack((callback) => loose(pool)('select 1 / 0', callback))
      expect((args[0] as Error).message).toBe('division by zero')
      expect(args[1]).toBeUndefined()
    })

    test('the stack leads to the caller', async () => {
      expect((await failing(open())).stack).toMatch(/query\.test\.ts/)
    })

    test('the connection is kept or closed', async () => {
      const pool = open()
      await failing(pool)
      const kept = differ(peer, 'connection-kept-after-sql-error', { pgPool: 0, sluice: 1 })
      await until(() => expect([pool.totalCount, pool.idleCount]).toEqual([kept, kept]))
    })

    test('with discardOnError the connection is closed', async () => {
      const pool = open({ discardOnError: true })
      await failing(pool)
      expect(pool.totalCount).toBe(0)
    })

    test('a client that is checked out stays usable, and is kept when released', async () => {
      const pool = open()
      const client = await pool.connect()
      expect((await rejection(client.query('select 1 / 0'))).message).toBe('division by zero')
      expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }])
      client.release()
      expect([pool.totalCount, pool.idleCount]).toEqual([1, 1])
    })

    test('the next query runs', async () => {
      const pool = open({ max: 1 })
      const answers = await Promise.allSettled([
        pool.query('select 1 / 0'),
        pool.query('select 1 as n'),
        pool.query('no such statement'),
        pool.query('select 2 as n'),
      ])
      expect(
        answers.map((answer) =>
          answer.status === 'fulfilled' ? answer.value.rows[0].n : answer.reason.code,
        ),
      ).toEqual(['22012', 1, '42601', 2])
    })
  })

  test('a unique violation carries its code, constraint and detail', async () => {
    const pool = open()
    const table = unique('dropin_unique')
    await pool.query(`create table ${table} (id int constraint ${table}_key primary key)`)
    await pool.query(`insert into ${table} values (1)`)
    expect(await rejection(pool.query(`insert into ${table} values ($1)`, [1]))).toMatchObject({
      code: '23505',
      constraint: `${table}_key`,
      detail: 'Key (id)=(1) already exists.',
    })
    await pool.query(`drop table ${table}`)
  })

  test('the client is free again when the answer of pool.query arrives', async () => {
    const pool = open({ max: 1 })
    await pool.query('select 1')
    expect(pool.idleCount).toBe(1)
    await new Promise<void>((resolve) => {
      pool.query('select 1', () => {
        expect(pool.idleCount).toBe(1)
        resolve()
      })
    })
  })

  test('notices, parameters of the session and client methods are those of pg', async () => {
    const client = await open().connect()
    const notices: (string | undefined)[] = []
    client.on('notice', (notice) => notices.push(notice.message))
    await client.query("do $$ begin raise notice 'mind the gap'; end $$")
    expect(notices).toEqual(['mind the gap'])
    expect(client.escapeIdentifier('a"b')).toBe('"a""b"')
    expect(client.getTransactionStatus()).toBe('I')
    client.release()
  })
})
