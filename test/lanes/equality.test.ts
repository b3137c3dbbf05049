/** Crowded onto two connections, every statement gets from Sluice what `pg.Pool` gives it, to the last field. */
import { inspect, isDeepStrictEqual } from 'node:util'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { randomOf } from '../../src/demo/workload/random.ts'
import type { PoolConfig, QueryOptions } from '../../src/index.ts'
import { Pool } from '../../src/index.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'
import type { Case } from './corpus.ts'
import { corpusOf, resetOf, SEEDED, schemaOf } from './corpus.ts'
import { expectLanes, shuffled, watchLanes } from './support.ts'

const schema = `sluice_equality_${process.pid}`
const corpus = corpusOf(schema)

/** How often each statement runs: often enough to be learned, prepared and put beside others. */
const TURNS = 6
/** How many turns of all statements are asked at once. */
const TOGETHER = 2

type AnyQuery = (...args: unknown[]) => unknown
type LaneOptions = QueryOptions & { readonly lane?: boolean }

/** What became of the corpus: each answer by its name, and what the tables held at the end. */
interface Outcome {
  readonly answers: ReadonlyMap<string, unknown>
  readonly content: readonly unknown[]
}

/** What there is to say of two equal outcomes. */
const NONE = { answers: 'all', wrong: 0, first: [] as string[], rows: 'the same' }

interface Asked {
  readonly item: Case
  readonly name: string
  readonly key: number
}

const open: (pg.Pool | Pool)[] = []

function pgPool(config: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString: databaseUrl(), max: 2, ...config })
  pool.on('error', () => undefined)
  open.push(pool)
  return pool
}

function sluice(config: PoolConfig = {}): Pool {
  const pool = new Pool({ connectionString: databaseUrl(), max: 2, ...config })
  open.push(pool)
  return pool
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((pool) => pool.end()))
})

beforeAll(() => withClient(async (client) => void (await client.query(schemaOf(schema)))))

afterAll(() =>
  withClient(async (client) => {
    await client.query("SET client_min_messages TO 'warning'")
    await client.query(`DROP SCHEMA ${schema} CASCADE`)
  }),
)

describe('a result or an error', () => {
  let expected: Outcome

  beforeAll(async () => {
    const pool = pgPool()
    expected = await crowd(caller(pool), 'reference')
  })

  test('of the corpus is the same every time, in any order, from pg.Pool itself', async () => {
    expect(differences(expected, await crowd(caller(pgPool()), 'again'))).toEqual(NONE)
  })

  test.each<[when: string, config: PoolConfig, options: (item: Case) => LaneOptions | undefined]>([
    ['the callers are many', {}, () => undefined],
    ['the callers are many, in another order', {}, () => undefined],
    ['there is a single connection', { max: 1 }, () => undefined],
    ['the caller says that everything is simple', {}, () => ({ class: 'simple' })],
    ['the caller lets writes share connections', {}, ({ writes }) => (writes ? { lane: true } : undefined)],
    ['the caller may still abort', {}, () => ({ signal: new AbortController().signal, timeout: 60_000 })],
  ])('is that of pg.Pool when %s', async (when, config, options) => {
    const pool = sluice(config)
    const lanes = watchLanes(pool)
    expect(differences(expected, await crowd(caller(pool, options), when))).toEqual(NONE)
    expect(pool.stats()).toMatchObject({ leased: 0, waiting: 0, lost: 0 })
    expectLanes(lanes.stop())
  })

  test('is that of pg.Pool when it is told to a callback', async () => {
    const pool = sluice()
    const query = pool.query.bind(pool) as AnyQuery
    const toCallback = ({ args }: Case, key: number): Promise<unknown> => {
      const [statement, values] = args(key)
      return settled(
        () =>
          new Promise((resolve, reject) => {
            const back = (error: Error | undefined, result: unknown) =>
              error ? reject(error) : resolve(result)
            if (values === undefined) query(statement, back)
            else query(statement, values, back)
          }),
      )
    }
    expect(differences(expected, await crowd(toCallback, 'callback'))).toEqual(NONE)
  })
})

describe('a statement', () => {
  test('is ended by statement_timeout alone: its neighbours keep their answers', async () => {
    const config = { statement_timeout: 300 }
    const sleep = ask('a long sleep', 'SELECT pg_sleep($1) AS v', [20])
    const quick = ask('a lookup', 'SELECT $1::int AS n', [1])
    const cases = [...Array<Case>(3).fill(sleep), ...Array<Case>(40).fill(quick)]
    const of = (pool: pg.Pool | Pool) => Promise.all(cases.map((item, key) => caller(pool)(item, key)))
    const [theirs, ours] = await Promise.all([of(pgPool(config)), of(sluice(config))])
    expect(theirs[0]).toMatchObject({ message: 'canceling statement due to statement timeout' })
    expect(ours).toStrictEqual(theirs)
  })

  test('that has the name of another text is refused as by pg', async () => {
    const texts = ['SELECT 1 AS a', 'SELECT 1 AS a', 'SELECT 2 AS b', 'SELECT 1 AS a', 'SELECT 2 AS b']
    const statements = texts.map((text) => ({ name: 'taken', text }))
    const theirs = await inTurn(pgPool({ max: 1 }), statements)
    expect(theirs[2]).toMatchObject({
      message: "Prepared statements must be unique - 'taken' was used for a different statement",
    })
    expect(await inTurn(sluice({ max: 1 }), statements)).toStrictEqual(theirs)
  })

  // pg takes the statement back at the server and still counts it as prepared. pg.Pool closes the connection; who keeps it
  // must know better, or every later use of the name fails there with 26000.
  test('that has a name runs again after values that could not be sent', async () => {
    const text = 'SELECT $1::text AS v'
    const of = (pool: pg.Pool | Pool): Promise<unknown[]> =>
      inTurn(pool, [
        { name: 'shy', text, values: [circular()] },
        { name: 'shy', text, values: ['a'] },
      ])
    expect(await of(sluice({ max: 1 }))).toStrictEqual(await of(pgPool({ max: 1 })))
  })

  // The same with a statement that the server has dropped: pg.Pool fails once and then opens another connection. To know
  // better and prepare it again at once would be no less right.
  test('that has a name runs again, at the latest at the second try, after DISCARD ALL', async () => {
    const named = { name: 'dropped', text: 'SELECT 1 AS n' }
    const of = async (pool: pg.Pool | Pool): Promise<unknown> =>
      (await inTurn(pool, [named, 'DISCARD ALL', named, named])).at(-1)
    expect(await of(sluice({ max: 1 }))).toStrictEqual(await of(pgPool({ max: 1 })))
  })

  test('is read by the types of its pool', async () => {
    const types = { getTypeParser: () => (value: unknown) => `<${String(value)}>` } as never
    const item = ask('with types', 'SELECT $1::int AS n, now() IS NULL AS b, NULL AS c', [1])
    const of = (pool: pg.Pool | Pool) =>
      Promise.all(Array.from({ length: 30 }, (_, key) => caller(pool)(item, key)))
    expect(await of(sluice({ types }))).toStrictEqual(await of(pgPool({ types })))
  })

  test('sees its table as it is after every ALTER TABLE', async () => {
    const table = `${schema}.altered`
    const pools = [pgPool(), sluice()]
    const cases = [
      ask('by id', `SELECT * FROM ${table} WHERE id = $1`, [1]),
      ask('all', `SELECT * FROM ${table} ORDER BY id`),
      ask('RETURNING', `UPDATE ${table} SET id = id WHERE id = $1 RETURNING *`, [2]),
      ask('one column', `SELECT word FROM ${table} WHERE id = $1`, [1]),
    ]
    const steps = [
      `CREATE TABLE ${table} AS SELECT n AS id, 'word ' || n AS word FROM generate_series(1, 3) n`,
      `ALTER TABLE ${table} ADD COLUMN more int DEFAULT 7`,
      `ALTER TABLE ${table} ALTER COLUMN more TYPE text`,
      `ALTER TABLE ${table} RENAME COLUMN word TO was`,
      `ALTER TABLE ${table} RENAME COLUMN was TO word`,
      `ALTER TABLE ${table} DROP COLUMN more`,
      `CREATE INDEX ON ${table} (id)`,
      `ALTER TABLE ${table} RENAME TO altered_away`,
      `CREATE TABLE ${table} AS SELECT word AS id, id AS word FROM ${table}_away`,
      `DROP TABLE ${table}`,
    ]
    for (const step of steps) {
      await withClient((client) => client.query(step))
      for (let turn = 0; turn < 3; turn++) {
        const [theirs, ours] = await Promise.all(
          pools.map((pool) => Promise.all(Array(10).fill(cases).flat().map(caller(pool)))),
        )
        if (!isDeepStrictEqual(ours, theirs)) expect.fail(`after ${step}: ${parting(theirs, ours)}`)
        expect(ours).toHaveLength(10 * cases.length)
      }
    }
  })

  test('without a name runs on after DISCARD ALL and DEALLOCATE ALL', async () => {
    const pool = sluice()
    const item = ask('a lookup', `SELECT * FROM ${schema}.strict WHERE id = $1`, [1])
    const theirs = await caller(pgPool())(item, 0)
    for (const reset of ['DISCARD ALL', 'DEALLOCATE ALL', 'DISCARD PLANS', 'DISCARD ALL']) {
      const asked = Array.from({ length: 40 }, (_, key) => caller(pool)(item, key))
      const resets = [pool.query(reset), pool.query(reset)]
      asked.push(...Array.from({ length: 40 }, (_, key) => caller(pool)(item, key)))
      expect((await Promise.all(resets)).map(({ command }) => command)).toEqual(
        Array(2).fill(reset.split(' ')[0]),
      )
      for (const answer of await Promise.all(asked)) expect(answer).toStrictEqual(theirs)
    }
  })
})

function ask(what: string, ...args: unknown[]): Case {
  return { what, args: () => args, writes: false }
}

/** Asks for one statement after the other. */
async function inTurn(pool: pg.Pool | Pool, statements: readonly unknown[]): Promise<unknown[]> {
  const answers: unknown[] = []
  for (const statement of statements) answers.push(await caller(pool)(ask('in turn', statement), 0))
  return answers
}

function circular(): object {
  const value: Record<string, unknown> = {}
  value.self = value
  return value
}

/** Asks a pool and pictures the answer. */
function caller(
  pool: pg.Pool | Pool,
  options: (item: Case) => LaneOptions | undefined = () => undefined,
): (item: Case, key: number) => Promise<unknown> {
  const query = pool.query.bind(pool) as AnyQuery
  return (item, key) => {
    const [statement, values] = item.args(key)
    const how = statement instanceof pg.Query ? undefined : options(item)
    return settled(() => (how === undefined ? query(statement, values) : query(statement, values, how)))
  }
}

/** Pictures an answer, or that there was none. */
async function settled(start: () => unknown): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve('no answer within 50 s'), 50_000)
  })
  const answer = (async () => picture(await start()))()
  try {
    return await Promise.race([answer, late])
  } catch (error) {
    return pictureOfError(error)
  } finally {
    clearTimeout(timer)
  }
}

/** Runs the corpus on a pool that many crowd onto, from the same state, in an order of its own; and says what the tables hold then. */
async function crowd(run: (item: Case, key: number) => Promise<unknown>, seed: string): Promise<Outcome> {
  await withClient((client) => client.query(resetOf(schema)))
  const answers = new Map<string, unknown>()
  const { next } = randomOf('equality', seed)
  for (let turn = 0; turn < TURNS; turn += TOGETHER) {
    const asked = Array.from({ length: TOGETHER }, (_, n) => turn + n).flatMap((at) =>
      corpus.map((item, n): Asked => ({ item, name: `${item.what}, turn ${at}`, key: n * TURNS + at })),
    )
    await Promise.all(
      shuffled(asked, next).map(async ({ item, name, key }) => answers.set(name, await run(item, key))),
    )
  }
  const content = await withClient(async (client) => {
    const changes = await client.query(`SELECT * FROM ${schema}.changes ORDER BY id`)
    const seeded = await client.query(`SELECT * FROM ${schema}.seeded WHERE note <> 'row ' || id ORDER BY id`)
    const gone = await client.query(`SELECT count(*) FROM ${schema}.seeded`)
    return [changes.rows, seeded.rows, gone.rows]
  })
  return { answers, content }
}

/** Everything that a caller can see of a result. */
function picture(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(picture)
  if (!(result instanceof (pg as unknown as { Result: new () => object }).Result)) return { other: result }
  const { command, rowCount, oid, rows, fields } = result as pg.QueryArrayResult & pg.QueryResult
  return {
    command,
    rowCount,
    oid,
    fields: fields.map((field) => [field.constructor.name, ...Object.entries(field)]),
    rows: rows.map((row: object) => [Object.getPrototypeOf(row), Object.entries(row)]),
  }
}

/** Everything that a caller can see of an error, but where it was made. */
function pictureOfError(error: unknown): unknown {
  if (!(error instanceof Error)) return { thrown: error }
  return {
    class: error.constructor,
    name: error.name,
    message: error.message,
    own: Object.entries(error),
  }
}

/** How many answers differ, in what the first statements of them do, and whether the tables do. */
function differences(expected: Outcome, got: Outcome): typeof NONE {
  const first = new Map<string, string>()
  let wrong = 0
  for (const [name, theirs] of expected.answers) {
    const ours = got.answers.get(name)
    if (isDeepStrictEqual(ours, theirs)) continue
    wrong += 1
    const [what = name] = name.split(', turn ')
    if (first.size < 20 && !first.has(what)) first.set(what, `${name}: ${parting(theirs, ours)}`)
  }
  const rows = isDeepStrictEqual(got.content, expected.content) ? 'the same' : 'others'
  const answers = expected.answers.size === got.answers.size ? 'all' : 'some'
  return { answers, wrong, first: [...first.values()], rows }
}

/** Where two answers part, and what is there. */
function parting(theirs: unknown, ours: unknown, path = ''): string {
  if (isPicture(theirs) && isPicture(ours)) {
    for (const key of new Set([...Object.keys(theirs), ...Object.keys(ours)])) {
      if (!isDeepStrictEqual(ours[key], theirs[key])) return parting(theirs[key], ours[key], `${path}/${key}`)
    }
  }
  const show = (value: unknown) => inspect(value, { depth: 4, breakLength: Infinity }).slice(0, 200)
  return `${path} is ${show(ours)}, of pg.Pool ${show(theirs)}`
}

function isPicture(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Buffer.isBuffer(value)
}

test('the corpus has a name of its own for every statement, and rows enough', () => {
  const names = corpus.map(({ what }) => what)
  expect(names.filter((name, n) => names.indexOf(name) !== n)).toEqual([])
  expect(corpus.length * TURNS).toBeLessThan(SEEDED)
})
