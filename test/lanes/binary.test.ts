// Results that come in binary are the ones that come as text, to the last value; what could lose anything stays text.
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Pool } from '../../src/index.ts'
import { databaseUrl } from '../support/postgres.ts'

const connectionString = databaseUrl()
let binary: Pool
let text: Pool

beforeAll(() => {
  binary = new Pool({ connectionString, max: 2, binaryResults: true })
  text = new Pool({ connectionString, max: 2 })
})
afterAll(async () => {
  await binary.end()
  await text.end()
})

/** Runs a statement until it is prepared and its columns are known, and returns the last result. */
async function repeated(pool: Pool, statement: string | pg.QueryConfig, values: unknown[] = []) {
  let result = await pool.query(statement, values)
  for (let n = 0; n < 3; n++) result = await pool.query(statement, values)
  return result
}

const ALLOWED = `SELECT $1::bool AS bool, $2::int2 AS int2, $3::int4 AS int4, $4::int8 AS int8, $5::float8 AS float8,
  $6::text AS text, $7::varchar(40) AS varchar, $8::char(5) AS char, $9::uuid AS uuid, $10::bytea AS bytea,
  $11::json AS json, $12::jsonb AS jsonb, $13::oid AS oid, $6::name AS name`

const NULLS = Array.from({ length: 13 }, () => null)

const word = fc.string({ unit: 'binary', maxLength: 40 }).map((string) => string.replaceAll('\0', ''))

const row = fc.tuple(
  fc.boolean(),
  fc.integer({ min: -32_768, max: 32_767 }),
  fc.integer({ min: -2_147_483_648, max: 2_147_483_647 }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.double(),
  word,
  fc.string({ maxLength: 40 }).map((string) => string.replaceAll('\0', '')),
  fc.constantFrom('ab', 'é', ''),
  fc.uuid(),
  fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  fc.json(),
  fc.json({ maxDepth: 2 }).map((json) => json.replaceAll('\\u0000', '')),
  fc.integer({ min: 0, max: 2_147_483_647 }),
)
const values = row.chain((all) =>
  fc.tuple(...all.map((value) => fc.option(fc.constant(value), { freq: 5, nil: null }))),
)

test('every allowed type gives the same values in binary as in text', async () => {
  await repeated(binary, ALLOWED, NULLS)
  await repeated(text, ALLOWED, NULLS)
  await fc.assert(
    fc.asyncProperty(values, async (given) => {
      const [ours, theirs] = await Promise.all([
        binary.query(ALLOWED, [...given]),
        text.query(ALLOWED, [...given]),
      ])
      expect(ours.rows).toEqual(theirs.rows)
      expect(Object.keys(ours.rows[0])).toEqual(Object.keys(theirs.rows[0]))
      expect(ours.fields.map(({ format }) => format)).toEqual(Array.from({ length: 14 }, () => 'binary'))
    }),
    { numRuns: 300 },
  )
})

test('a statement with one column of any other type comes as text', async () => {
  for (const type of ['numeric', 'date', 'timestamptz', 'interval', 'inet', 'float4', 'int4[]', 'point']) {
    const result = await repeated(binary, `SELECT 1 AS one, NULL::${type} AS other WHERE $1`, [true])
    expect([type, ...result.fields.map(({ format }) => format)]).toEqual([type, 'text', 'text'])
  }
})

test('rows as arrays and rows larger than a packet come whole', async () => {
  const bytes = randomBytes(300_000)
  const statement = {
    text: 'SELECT n::int4, $1::bytea AS bytes FROM generate_series(1, 20) AS n',
    rowMode: 'array' as const,
  }
  const { rows, fields } = await repeated(binary, statement, [bytes])
  expect(fields.map(({ format }) => format)).toEqual(['binary', 'binary'])
  expect(rows.map(([n]: unknown[]) => n)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1))
  expect(rows.every(([, back]: [number, Buffer]) => back.equals(bytes))).toBe(true)
})

test('a type that somebody reads in another way comes as text, also when that is decided late', async () => {
  const own = new Pool({ connectionString, max: 1, binaryResults: true })
  const statement = 'SELECT $1::int8 AS big'
  expect((await repeated(own, statement, [7])).fields[0]?.format).toBe('binary')
  const asText = pg.types.getTypeParser(20)
  try {
    pg.types.setTypeParser(20, Number)
    const { rows, fields } = await own.query(statement, [7])
    expect([rows, fields[0]?.format]).toEqual([[{ big: 7 }], 'text'])
  } finally {
    pg.types.setTypeParser(20, asText)
  }
  const types = { getTypeParser: () => (value: string) => `<${value}>` }
  expect((await own.query({ text: statement, values: [7], types })).rows).toEqual([{ big: '<7>' }])
  await own.end()
})

test('errors and notifications come as ever beside rows in binary', async () => {
  await repeated(binary, 'SELECT $1::int4 AS n', [1])
  const [first, failed, last] = await Promise.allSettled([
    binary.query('SELECT $1::int4 AS n', [1]),
    binary.query('SELECT 1 / $1::int4 AS n', [0]),
    binary.query('SELECT $1::int4 AS n', [2]),
  ])
  expect([first, last]).toMatchObject([{ value: { rows: [{ n: 1 }] } }, { value: { rows: [{ n: 2 }] } }])
  expect(failed).toMatchObject({ reason: { code: '22012' } })
  expect((failed as PromiseRejectedResult).reason).toBeInstanceOf(pg.DatabaseError)
})
