/** `explain()` against a real server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Pool } from '../../src/index.ts'
import { explain } from '../../src/monitor/explain.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'

let pool: Pool
const schema = 'explain "test"'
const quoted = '"explain ""test"""'

beforeAll(async () => {
  await withClient(async (client) => {
    await client.query(`
      DROP SCHEMA IF EXISTS ${quoted} CASCADE;
      CREATE SCHEMA ${quoted};
      CREATE TABLE ${quoted}.big (id int PRIMARY KEY, "the key" int, name varchar(40), at timestamptz, note text);
      INSERT INTO ${quoted}.big
        SELECT i, i % 20000, 'n' || i, now(), repeat('x', 80) FROM generate_series(1, 120000) AS i;
      CREATE TABLE ${quoted}.small AS SELECT i AS id FROM generate_series(1, 100) AS i;
      CREATE TABLE ${quoted}.skewed AS SELECT i % 100 AS a, i % 100 AS b, i % 100 AS c FROM generate_series(1, 200000) AS i;
      ANALYZE ${quoted}.big; ANALYZE ${quoted}.small; ANALYZE ${quoted}.skewed;`)
  })
  pool = new Pool({ connectionString: databaseUrl(), max: 2, application_name: 'explain-test' })
})
afterAll(async () => {
  await pool.end()
  await withClient((client) => client.query(`DROP SCHEMA ${quoted} CASCADE`))
})

const codes = async (sql: string, options?: Parameters<typeof explain>[2]): Promise<string[]> =>
  (await explain(pool, sql, options)).findings.map(({ code }) => code)

describe('a missing index', () => {
  const sql = `SELECT * FROM ${quoted}.big b WHERE b."the key" = $1`

  test('is found without values, and the proposed statement makes the finding go away', async () => {
    const { findings, tables, plan, millis } = await explain(pool, sql)
    expect(findings).toMatchObject([{ code: 'missing-index', severity: 'warning' }])
    expect(findings[0]?.change).toBe(`CREATE INDEX CONCURRENTLY ON ${quoted}."big" ("the key")`)
    expect([tables, millis]).toEqual([[`${schema}.big`], undefined])
    expect(plan.join('\n')).toContain('Seq Scan on')
    await withClient(async (client) => {
      await client.query(findings[0]?.change ?? '')
      await client.query(`ANALYZE ${quoted}.big`)
    })
    expect(await codes(sql)).toEqual([])
    expect(await codes(sql, { values: [7] })).toEqual([])
  })

  test('is found with values, which nothing repeats', async () => {
    const found = await explain(pool, `SELECT * FROM ${quoted}.big WHERE name = $1 AND note <> 'hush'`, {
      values: ['n4711'],
    })
    expect(found.findings).toMatchObject([{ code: 'missing-index' }])
    expect(JSON.stringify(found)).not.toMatch(/n4711|hush/)
  })

  test('is not missed in a small table', async () => {
    expect(await codes(`SELECT * FROM ${quoted}.small WHERE id = 5`)).toEqual([])
  })
})

describe('an analysed statement', () => {
  test('leaves no lock behind in a session of the pool, also where it fails', async () => {
    const locks = `SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND objid = 471147`
    await explain(pool, 'SELECT pg_advisory_lock(471147)', { analyze: true })
    const failing = 'SELECT 1 / (length(pg_advisory_lock(471147)::text) - length($1))'
    await expect(explain(pool, failing, { analyze: true, values: [''] })).rejects.toThrow('division by zero')
    await expect.poll(async () => (await pool.query(locks)).rows, { timeout: 20_000 }).toEqual([{ n: 0 }])
  })

  test('tells of a sort that went to disk', async () => {
    const sql = `SELECT * FROM ${quoted}.big ORDER BY note, name`
    expect(await codes(sql)).toContain('spill-expected')
    const found = await explain(pool, sql, { analyze: true })
    expect(found.findings.map(({ code }) => code)).toContain('spilled')
    expect(found.millis).toBeGreaterThan(0)
  })

  test('tells of an estimate that is far off', async () => {
    const sql = `SELECT * FROM ${quoted}.skewed WHERE a = 1 AND b = 1 AND c = 1`
    expect(await codes(sql, { analyze: true })).toContain('estimate-off')
  })

  test('tells of a nested loop over many rows', async () => {
    const sql = `SELECT count(*) FROM ${quoted}.big b,
      LATERAL (SELECT FROM ${quoted}.small s WHERE s.id < b.id OFFSET 0) AS each`
    expect(await codes(sql)).toContain('nested-loop')
  })

  test('is refused when it writes, and rolled back when that is wanted', async () => {
    const sql = `DELETE FROM ${quoted}.small`
    await expect(explain(pool, sql, { analyze: true })).rejects.toMatchObject({
      code: 'SLUICE_BAD_OPTION',
      message: expect.stringContaining('writes: true'),
    })
    await explain(pool, sql, { analyze: true, writes: true })
    const { rows } = await pool.query(`SELECT count(*)::int AS n FROM ${quoted}.small`)
    expect(rows).toEqual([{ n: 100 }])
  })

  test('cannot write through a function either', async () => {
    await withClient((client) =>
      client.query(`CREATE OR REPLACE FUNCTION ${quoted}.sly() RETURNS int LANGUAGE sql
        AS 'DELETE FROM ${quoted}.small RETURNING 1'`),
    )
    const sly = explain(pool, `SELECT ${quoted}.sly()`, { analyze: true })
    await expect(sly).rejects.toMatchObject({ code: '25006' })
  })

  test('is ended after its time', async () => {
    const slow = explain(pool, 'SELECT pg_sleep(60)', { analyze: true, timeoutMillis: 50 })
    await expect(slow).rejects.toMatchObject({ code: '57014' })
  })

  test('needs its values', async () => {
    await expect(explain(pool, 'SELECT $1::int + $2', { analyze: true })).rejects.toThrow(
      'values must have 2 of them',
    )
  })
})

test('lookups that the pool has seen once for each row of a list are told with the list, and with the lookup', async () => {
  const loop = new Pool({ connectionString: databaseUrl(), max: 2 })
  try {
    const list = `SELECT id FROM ${quoted}.small WHERE id <= $1`
    const lookup = `SELECT name FROM ${quoted}.big WHERE id = $1`
    for (let i = 0; i < 12; i++) {
      const { rows } = await loop.query<{ id: number }>(list, [20])
      for (const { id } of rows) await loop.query(lookup, [id])
    }
    for (const [sql, value] of [
      [list, 20],
      [lookup, 1],
    ] as const) {
      const { findings } = await explain(loop, sql, { values: [value] })
      expect(findings).toMatchObject([
        { code: 'repeated-lookup', change: expect.stringContaining('WHERE id = ANY ($1)') },
      ])
    }
  } finally {
    await loop.end()
  }
})

describe('one statement', () => {
  test.each([
    ['a second one', 'SELECT 1; DROP SCHEMA public'],
    ['the end of the transaction', 'SELECT 1; COMMIT; SELECT 2'],
    ['an option that runs it', 'ANALYZE DELETE FROM small'],
    ['what has no plan', 'DROP SCHEMA public'],
    ['nothing', '-- nothing'],
  ])('is all that is taken: %s is refused, with and without values', async (_, sql) => {
    for (const options of [{}, { values: [] }, { values: [], analyze: true, writes: true }])
      await expect(explain(pool, sql, options)).rejects.toMatchObject({ code: '42601' })
  })

  test('leaves nothing behind, whether it worked or not', async () => {
    const one = new Pool({ connectionString: databaseUrl(), max: 1 })
    try {
      await explain(one, 'SELECT $1::int')
      await expect(explain(one, 'SELECT nonsense FROM nowhere')).rejects.toMatchObject({ code: '42P01' })
      await explain(one, 'SELECT $1::int')
      const { rows } = await one.query(
        `SELECT (SELECT count(*)::int FROM pg_prepared_statements WHERE name = 'sluice_explain') AS left,
          current_setting('plan_cache_mode') AS mode, current_setting('transaction_read_only') AS closed`,
      )
      expect(rows).toEqual([{ left: 0, mode: 'auto', closed: 'off' }])
    } finally {
      await one.end()
    }
  })

  test.each([
    ['', {}, 'the text of one statement'],
    ['SELECT 1', { timeoutMillis: 0 }, 'timeoutMillis must be'],
    ['SELECT 1', { analyze: 'yes' }, 'analyze must be true or false'],
    ['SELECT 1', { values: 5 }, 'values must be a list'],
  ])('%j with %j is refused in a sentence', async (sql, options, message) => {
    await expect(explain(pool, sql, options as never)).rejects.toMatchObject({
      code: 'SLUICE_BAD_OPTION',
      message: expect.stringContaining(message),
    })
  })
})
