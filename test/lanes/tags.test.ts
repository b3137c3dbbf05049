/** No wrong rows, ever: whatever is aborted, killed or altered meanwhile, each caller gets the answer to his own statement, once. */
import type { DatabaseError } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Random } from '../../src/demo/workload/random.ts'
import { randomOf } from '../../src/demo/workload/random.ts'
import type { QueryOptions, SluiceErrorCode } from '../../src/index.ts'
import { Pool, SluiceError } from '../../src/index.ts'
import { databaseUrl, sessions, withClient } from '../support/postgres.ts'
import { isLost, startChaos } from './chaos.ts'
import type { Kind, Seen } from './statements.ts'
import { kindsOf, schemaOf } from './statements.ts'
import { expectLanes, lanesOf, watchLanes } from './support.ts'

/** How many statements: `SLUICE_TAGS`, for a proof a million. */
const TAGS = Number(process.env.SLUICE_TAGS ?? 50_000)
const CALLERS = 1_000
const STALLED_MILLIS = 30_000
/** No limit but that of the call itself may end it. */
const UNBOUNDED_MILLIS = 300_000
const LIMITS = { acquireTimeoutMillis: UNBOUNDED_MILLIS, classTimeouts: { simple: UNBOUNDED_MILLIS } }

const schema = `sluice_tags_${process.pid}`
const kinds = Object.entries(kindsOf(schema))
const shares = kinds.reduce((sum, [, { share }]) => sum + share, 0)

type Way = 'promise' | 'callback' | 'client' | 'lease' | 'transaction'
type LaneOptions = QueryOptions & { readonly lane?: boolean }

/** One call, the same for the same tag in every run. */
interface Call {
  readonly tag: number
  readonly name: string
  readonly kind: Kind
  readonly way: Way
  readonly statement: string | object
  readonly values: unknown[] | undefined
  readonly timeout: number | undefined
  readonly abortAfter: number | undefined
  readonly simple: boolean
}

/** What a caller knows of his statement at the end. */
type Fate = 'acknowledged' | 'unknown' | 'not-sent' | 'refused'

class Ledger {
  readonly told = new Uint8Array(TAGS + 1)
  readonly writes = new Map<number, Fate>()
  readonly fates: Record<Fate, number> = { acknowledged: 0, unknown: 0, 'not-sent': 0, refused: 0 }
  readonly codes: Record<string, number> = {}
  readonly underway = new Map<number, Call>()
  readonly wrong = { count: 0, first: [] as string[] }
  settled = 0

  mismatch(call: Call, what: string): void {
    this.wrong.count += 1
    if (this.wrong.first.length < 8) this.wrong.first.push(`${describeCall(call)}: ${what}`)
  }

  tell(call: Call, fate: Fate): void {
    this.settled += 1
    this.told[call.tag] = (this.told[call.tag] as number) + 1
    this.fates[fate] += 1
    this.underway.delete(call.tag)
    if (call.kind.writes) this.writes.set(call.tag, fate)
  }
}

beforeAll(() => withClient(async (client) => void (await client.query(schemaOf(schema)))))

afterAll(() =>
  withClient(async (client) => {
    await client.query("SET client_min_messages TO 'warning'")
    await client.query(`DROP SCHEMA ${schema} CASCADE`)
  }),
)

test(
  'a thousand callers get their own rows and errors, once, and no write happens twice, while sessions are killed, statements aborted and tables altered',
  async () => {
    const name = `sluice-tags-${process.pid}`
    await using pool = new Pool({
      connectionString: databaseUrl(),
      max: 10,
      applicationName: name,
      ...LIMITS,
    })
    pool.on('error', () => undefined)
    const ledger = new Ledger()
    const lanes = watchLanes(pool)
    const chaos = startChaos(pool, name, schema)
    let last = 0
    const caller = async (): Promise<void> => {
      while (last < TAGS) {
        last += 1
        await run(pool, callOf(last), ledger)
      }
    }
    await unlessStalled(pool, ledger, Promise.all(Array.from({ length: CALLERS }, caller)))
    await chaos.stop()

    expect(ledger.wrong).toEqual({ count: 0, first: [] })
    expect(chaos.failures).toEqual([])
    expect(ledger.told.findIndex((times, tag) => tag > 0 && times !== 1)).toBe(-1)
    expectLanes(lanes.stop())
    expect(await pool.drain(10_000)).toBe(true)
    expect(pool.stats()).toMatchObject({ leased: 0, cancelling: 0, waiting: 0, lost: 0 })
    expect(lanesOf(pool)).toBe(0)
    await pool.end()
    expect(await sessions(name)).toBe(0)

    // Only now: what was given up may have gone on until its session ended.
    expect(await wrongWrites(ledger)).toEqual({ count: 0, first: [] })
    expect([...ledger.told].reduce((sum, times) => sum + times, 0)).toBe(TAGS)
    // That all of it did happen.
    expect(ledger.fates.acknowledged).toBeGreaterThan(TAGS / 2)
    expect(Object.keys(ledger.codes)).toEqual(
      expect.arrayContaining(['SLUICE_ABORTED', 'SLUICE_QUERY_TIMEOUT']),
    )
    expect(
      Math.min(ledger.fates.unknown, ledger.fates['not-sent'], chaos.kills, chaos.changes),
    ).toBeGreaterThan(0)
    if (process.env.SLUICE_TAGS)
      console.log({ ...ledger.fates, ...ledger.codes, kills: chaos.kills, changes: chaos.changes })
  },
  120_000 + 3 * TAGS,
)

function callOf(tag: number): Call {
  const random = randomOf('tags', tag)
  const [name, kind] = pickKind(random)
  const { statement, values } = kind.make(tag, random)
  const bounded = random.next()
  const soon = () => 1 + random.next() ** 3 * 250
  return {
    tag,
    name,
    kind,
    way: pickWay(random, statement),
    statement,
    values,
    timeout: bounded < 0.01 ? soon() : undefined,
    abortAfter: bounded >= 0.01 && bounded < 0.02 ? soon() : undefined,
    simple: random.chance(0.1),
  }
}

function pickKind(random: Random): [string, Kind] {
  let at = random.next() * shares
  return kinds.find(([, { share }]) => {
    at -= share
    return at < 0
  }) as [string, Kind]
}

/** A text with a transaction of its own is asked of the pool alone. */
function pickWay(random: Random, statement: string | object): Way {
  const at = random.next()
  if (at < 0.7) return 'promise'
  if (at < 0.95 || isTransaction(statement)) return 'callback'
  return at < 0.97 ? 'client' : at < 0.985 ? 'lease' : 'transaction'
}

function isTransaction(statement: string | object): boolean {
  return typeof statement === 'string' && statement.startsWith('BEGIN')
}

/** Makes a call and enters its outcome. Resolves with the first; another would show in the ledger. */
async function run(pool: Pool, call: Call, ledger: Ledger): Promise<void> {
  ledger.underway.set(call.tag, call)
  const controller = call.abortAfter === undefined ? undefined : new AbortController()
  const timer = controller && setTimeout(() => controller.abort(), call.abortAfter)
  const options: LaneOptions = {
    ...(call.timeout === undefined ? {} : { timeout: call.timeout }),
    ...(controller === undefined ? {} : { signal: controller.signal }),
    ...(call.simple ? { class: 'simple' } : {}),
    ...(call.kind.lane ? { lane: true } : {}),
  }
  await new Promise<void>((resolve) => {
    const succeeded = (result: unknown) => {
      if (call.kind.right === undefined) ledger.mismatch(call, 'it did not fail')
      else if (!isRight(call, result)) ledger.mismatch(call, JSON.stringify(result).slice(0, 300))
      ledger.tell(call, 'acknowledged')
      resolve()
    }
    const failed = (error: unknown) => {
      ledger.tell(call, fateOf(call, error, ledger))
      resolve()
    }
    start(pool, call, options, succeeded, failed)
  })
  clearTimeout(timer)
}

function isRight({ kind, tag }: Call, result: unknown): boolean {
  try {
    return kind.right?.(result as Seen, tag) === true
  } catch {
    return false
  }
}

function start(
  pool: Pool,
  call: Call,
  options: LaneOptions,
  succeeded: (result: unknown) => void,
  failed: (error: unknown) => void,
): void {
  if (call.way === 'callback') {
    const config = typeof call.statement === 'string' ? { text: call.statement } : call.statement
    const back = (error: unknown, result: unknown) => (error ? failed(error) : succeeded(result))
    const query = pool.query.bind(pool) as (...args: unknown[]) => void
    query({ ...config, ...options, ...(call.values && { values: call.values }) }, back)
  } else promised(pool, call, options).then(succeeded, failed)
}

async function promised(pool: Pool, call: Call, options: LaneOptions): Promise<unknown> {
  const { way, values } = call
  const statement = call.statement as string
  switch (way) {
    case 'client': {
      await using client = await pool.connect()
      return await client.query(statement, values)
    }
    case 'lease': {
      await using lease = await pool.lease()
      return await lease.query(statement, values, options)
    }
    case 'transaction': {
      const { signal, timeout = UNBOUNDED_MILLIS } = options
      const limits = { signal, timeout, maxWait: UNBOUNDED_MILLIS }
      return pool.transaction((tx) => tx.query(statement, values), limits)
    }
    case 'promise':
    case 'callback':
      return pool.query(statement, values, options)
  }
}

/** What an error says of its statement; one that nobody asked for is a mismatch. */
function fateOf(call: Call, error: unknown, ledger: Ledger): Fate {
  const { code, severity } = error as Partial<DatabaseError>
  ledger.codes[code ?? 'no code'] = (ledger.codes[code ?? 'no code'] ?? 0) + 1
  if (call.kind.wrong?.(error as Error, call.tag)) return 'refused'
  if (SluiceError.is(error)) {
    if (!isAskedFor(call, error)) ledger.mismatch(call, `${error.code} ${error.message}`)
    return error.outcome === 'not-sent' ? 'not-sent' : 'unknown'
  }
  if (isLost(error)) return 'unknown'
  ledger.mismatch(call, `${code} ${String(error)}`)
  return severity === 'ERROR' ? 'refused' : 'unknown'
}

/** Errors of Sluice that a bound of the call itself explains. */
const BOUNDS: Partial<Record<SluiceErrorCode, 'timeout' | 'abortAfter'>> = {
  SLUICE_ABORTED: 'abortAfter',
  SLUICE_QUERY_TIMEOUT: 'timeout',
  SLUICE_ACQUIRE_TIMEOUT: 'timeout',
  SLUICE_SHED: 'timeout',
  SLUICE_OPEN_TIMEOUT: 'timeout',
  SLUICE_OPEN_FAILED: 'timeout', // a connection killed while it opened, and no time for another
  SLUICE_TRANSACTION_TIMEOUT: 'timeout',
}

function isAskedFor(call: Call, { code }: SluiceError): boolean {
  const bound = BOUNDS[code]
  return bound === undefined ? code === 'SLUICE_CONNECTION_LOST' : call[bound] !== undefined
}

/** Compares the rows of each tag with what its caller was told. */
async function wrongWrites(ledger: Ledger): Promise<{ count: number; first: string[] }> {
  const { rows } = await withClient((client) =>
    client.query<{ tag: number; n: number }>(
      `SELECT tag, count(*)::int AS n FROM ${schema}.tagged GROUP BY tag ORDER BY tag`,
    ),
  )
  const found = new Map(rows.map(({ tag, n }) => [tag, n]))
  const wrong: string[] = rows
    .filter(({ tag }) => !ledger.writes.has(tag))
    .map(({ tag }) => `a row of tag ${tag}, which was not inserted`)
  for (const [tag, fate] of ledger.writes) {
    const n = found.get(tag) ?? 0
    const fits = fate === 'acknowledged' ? n === 1 : fate === 'unknown' ? n <= 1 : n === 0
    if (!fits) wrong.push(`${describeCall(callOf(tag))}: ${fate}, and ${n} rows`)
  }
  return { count: wrong.length, first: wrong.slice(0, 8) }
}

/** Fails, with what is under way, when nobody gets an answer for a long time. */
async function unlessStalled(pool: Pool, ledger: Ledger, done: Promise<unknown>): Promise<void> {
  let watch: NodeJS.Timeout | undefined
  let before = -1
  const stalled = new Promise<never>((_resolve, reject) => {
    watch = setInterval(() => {
      if (ledger.settled !== before) {
        before = ledger.settled
        return
      }
      const some = [...ledger.underway.values()].slice(0, 8).map(describeCall)
      const { wrong, underway } = ledger
      reject(
        new Error(
          `no answer for ${STALLED_MILLIS} ms: ${underway.size} under way, among them\n${some.join('\n')}\n` +
            `${JSON.stringify(pool.stats())}\nmismatches: ${wrong.count} ${wrong.first.join('\n')}`,
        ),
      )
    }, STALLED_MILLIS)
  })
  try {
    await Promise.race([done, stalled])
  } finally {
    clearInterval(watch)
  }
}

function describeCall({ tag, name, way, statement, timeout, abortAfter, simple }: Call): string {
  const text = typeof statement === 'string' ? statement : JSON.stringify(statement)
  const how = Object.entries({ timeout, abortAfter, simple }).filter(([, given]) => given)
  return `tag ${tag}, ${name}, by ${way}${how.map(([key, given]) => `, ${key} ${given}`).join('')}: ${text}`
}
