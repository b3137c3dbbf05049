import { expect, test } from 'vitest'
import { ManualClock } from '../../../test/support/manual-clock.ts'
import type { PoolNumbers } from '../../base/errors.ts'
import { SluiceError } from '../../base/errors.ts'
import type { QueryOptions } from '../call.ts'
import type { PoolConfig } from '../config.ts'
import { readConfig } from '../config.ts'
import type { QueryArguments } from '../forms.ts'
import { readQuery } from '../forms.ts'
import { Texts } from '../lanes/texts.ts'
import { Statements } from '../statement.ts'
import { Cache } from './cache.ts'
import type { CachedResult } from './kept.ts'

/** A statement that the cache has asked to run. */
interface Sent {
  readonly given: QueryArguments
  readonly answer: (rows: unknown[]) => void
  readonly fail: (error: unknown) => void
}

const QUEUE_FULL = new SluiceError('SLUICE_QUEUE_FULL', 'the queue is full')

function make(config: PoolConfig = {}) {
  const clock = new ManualClock()
  const sent: Sent[] = []
  const cache = new Cache({
    clock,
    statements: new Statements(clock, () => ({}) as PoolNumbers),
    texts: new Texts(),
    config: readConfig(config),
    run: (given, told) => {
      given.options.signal?.addEventListener('abort', () => told(given.options.signal?.reason, undefined))
      const answer = (rows: unknown[]) => told(undefined, { rows, rowCount: rows.length, fields: [] })
      sent.push({ given, answer, fail: (error) => told(error, undefined) })
    },
  })
  const ask = (options: QueryOptions, text: unknown = 'SELECT 1', values?: unknown) =>
    new Promise<CachedResult>((resolve, reject) => {
      cache.query(readQuery(text, values, options), (error, result) =>
        error === undefined ? resolve(result as CachedResult) : reject(error as Error),
      )
    })
  /** Asks, and has it answered when it was sent. */
  const get = async (options: QueryOptions, text?: unknown, values?: unknown) => {
    const before = sent.length
    const asked = ask(options, text, values)
    if (sent.length > before) last().answer([{ n: sent.length }])
    const { rows, cached } = await asked
    return [rows[0]?.n, cached]
  }
  const last = () => {
    const newest = sent.at(-1)
    if (newest === undefined) throw new Error('nothing was sent')
    return newest
  }
  return { ask, cache, clock, get, last, sent }
}

const MINUTE = { cache: { ttl: 60_000 } }
const STALE = { cache: { ttl: 1_000, staleIfError: 60_000 } }

test('an answer is given again while it is fresh, and asked for anew afterwards', async () => {
  const { ask, clock, get, last, sent } = make()
  expect(await get({ cache: { ttl: 1_000 } })).toEqual([1, undefined])
  await clock.advance(999)
  expect(await ask({ cache: { ttl: 1_000 } })).toMatchObject({
    rows: [{ n: 1 }],
    cached: 'fresh',
    ageMillis: 999,
  })
  expect(sent).toHaveLength(1)
  await clock.advance(1)
  const again = ask({ cache: { ttl: 1_000 } })
  last().answer([{ n: 7 }])
  expect(await again).toMatchObject({ rows: [{ n: 7 }], cached: undefined, ageMillis: 0 })
})

test('fresh is what each caller calls so', async () => {
  const { clock, get } = make()
  await get(MINUTE)
  await clock.advance(500)
  expect(await get({ cache: { ttl: 501 } })).toEqual([1, 'fresh'])
  expect(await get({ cache: { ttl: 500 } })).toEqual([2, undefined])
})

test('answers are told apart by text, values, row mode and types', async () => {
  const { get } = make()
  const types = { getTypeParser: () => String }
  const asks: [unknown, unknown?][] = [
    ['SELECT 1'],
    ['SELECT $1', ['1']],
    ['SELECT $1', [Buffer.from('1')]],
    ['SELECT $1', [null]],
    ['SELECT $1', ['null']],
    ['SELECT $1, $2', ['a', 'b,c']],
    ['SELECT $1, $2', ['a,b', 'c']],
    [{ text: 'SELECT 1', rowMode: 'array' }],
    [{ text: 'SELECT 1', types }],
    [{ text: 'SELECT 1', types: { ...types } }],
  ]
  const first: unknown[] = []
  for (const [text, values] of asks) first.push((await get(MINUTE, text, values))[0])
  expect(first).toEqual(asks.map((_, n) => n + 1))
  for (const [n, [text, values]] of asks.entries())
    expect(await get(MINUTE, text, values)).toEqual([n + 1, 'fresh'])
  expect(await get(MINUTE, 'SELECT $1', [1])).toEqual([2, 'fresh'])
})

test('a key of the caller takes the place of text and values', async () => {
  const { get } = make()
  const options = { cache: { ttl: 60_000, key: 'tenant 5' } }
  await get(options, 'SELECT 1 /* trace 1 */')
  expect(await get(options, 'SELECT 1 /* trace 2 */')).toEqual([1, 'fresh'])
  expect(await get(MINUTE, 'SELECT 1 /* trace 1 */')).toEqual([2, undefined])
})

test('who asks at the same time waits for one run', async () => {
  const { ask, cache, last, sent } = make()
  const asked = Array.from({ length: 100 }, () => ask(MINUTE))
  expect(sent).toHaveLength(1)
  last().answer([{ n: 1 }])
  const results = await Promise.all(asked)
  expect(new Set(results.map(({ cached }) => cached))).toEqual(new Set([undefined]))
  expect(new Set(results.map(({ rows }) => rows[0])).size).toBe(100)
  expect(cache.stats()).toMatchObject({ misses: 1, joined: 99, hits: 0, entries: 1 })
})

test('a run that fails, fails for all who wait, and nothing is kept', async () => {
  const { ask, get, last } = make()
  const asked = [ask(STALE), ask(STALE)]
  const error = Object.assign(new Error('no such table'), { code: '42P01' })
  last().fail(error)
  const outcomes = await Promise.allSettled(asked)
  expect(outcomes).toEqual([
    { status: 'rejected', reason: error },
    { status: 'rejected', reason: error },
  ])
  expect(await get(STALE)).toEqual([2, undefined])
})

test('a stale answer is given when the pool cannot serve, for as long as that was asked for', async () => {
  const { ask, cache, clock, get, last } = make()
  await get(STALE)
  await clock.advance(2_000)
  const stale = ask(STALE)
  last().fail(QUEUE_FULL)
  expect(await stale).toMatchObject({ rows: [{ n: 1 }], cached: 'stale', ageMillis: 2_000 })
  await clock.advance(59_000)
  const old = ask(STALE)
  last().fail(QUEUE_FULL)
  await expect(old).rejects.toBe(QUEUE_FULL)
  expect(cache.stats()).toMatchObject({ staleHits: 1, misses: 3 })
})

test('without staleIfError, and after an SQL error, there is no stale answer', async () => {
  const { ask, clock, get, last } = make()
  await get(STALE)
  await clock.advance(2_000)
  const strict = ask({ cache: { ttl: 1_000 } })
  last().fail(QUEUE_FULL)
  await expect(strict).rejects.toBe(QUEUE_FULL)
  const wrong = ask(STALE)
  last().fail(Object.assign(new Error('division by zero'), { code: '22012' }))
  await expect(wrong).rejects.toThrow('division by zero')
})

test('a caller who gives up ends the run for nobody else', async () => {
  const { ask, last, sent } = make()
  const controller = new AbortController()
  const impatient = ask({ ...MINUTE, signal: controller.signal })
  const patient = ask(MINUTE)
  controller.abort(new Error('enough'))
  await expect(impatient).rejects.toThrow(
    'aborted by the caller: enough; the statement goes on for others who wait for it',
  )
  expect(last().given.options.signal?.aborted).toBe(false)
  last().answer([{ n: 1 }])
  expect(await patient).toMatchObject({ rows: [{ n: 1 }] })
  expect(sent).toHaveLength(1)
})

test('the run ends when the last caller gives up, and the next one starts its own', async () => {
  const { ask, get, last, sent } = make()
  const controllers = [new AbortController(), new AbortController()]
  const asked = controllers.map(({ signal }) => ask({ ...MINUTE, signal }))
  const outcomes = Promise.allSettled(asked)
  for (const controller of controllers) controller.abort()
  const given = 'nobody else waits for the statement, so it is given up, be it in the queue or at the server'
  expect(await outcomes).toMatchObject([
    { reason: { message: expect.stringContaining('goes on for others') } },
    { reason: { message: expect.stringContaining(given) } },
  ])
  expect(last().given.options.signal?.aborted).toBe(true)
  expect(await get(MINUTE)).toEqual([2, undefined])
  expect(sent).toHaveLength(2)
})

test('a caller who has given up before asking gets no answer, and nothing is sent', async () => {
  const { ask, get, sent } = make()
  await get(MINUTE)
  await expect(ask({ ...MINUTE, signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'SLUICE_ABORTED',
  })
  await expect(ask({ ...MINUTE, signal: AbortSignal.abort() }, 'SELECT 2')).rejects.toMatchObject({
    code: 'SLUICE_ABORTED',
    outcome: 'not-sent',
  })
  expect(sent).toHaveLength(1)
})

test('each caller has a time of its own, at whose end a stale answer will do', async () => {
  const { ask, clock, get, last } = make()
  await get(STALE)
  await clock.advance(2_000)
  const short = ask({ ...STALE, timeout: 100 })
  const strict = ask({ cache: { ttl: 1_000 }, timeout: 100 })
  const long = ask({ ...STALE, timeout: 5_000 })
  const refused = Promise.allSettled([strict])
  await clock.advance(100)
  expect(await refused).toMatchObject([{ reason: { code: 'SLUICE_QUERY_TIMEOUT' } }])
  expect(await short).toMatchObject({ cached: 'stale', ageMillis: 2_100 })
  last().answer([{ n: 2 }])
  expect(await long).toMatchObject({ rows: [{ n: 2 }], cached: undefined })
})

test('a run that was too slow for one caller takes no further ones, and does not replace what overtook it', async () => {
  const { ask, clock, get, last, sent } = make()
  const impatient = Promise.allSettled([ask({ ...MINUTE, timeout: 100 })])
  const patient = ask(MINUTE)
  const slow = last()
  await clock.advance(100)
  expect(await impatient).toMatchObject([{ status: 'rejected' }])
  expect(await get(MINUTE)).toEqual([2, undefined])
  expect(sent).toHaveLength(2)
  slow.answer([{ n: 1 }])
  expect(await patient).toMatchObject({ rows: [{ n: 1 }], cached: undefined })
  expect(await get(MINUTE)).toEqual([2, 'fresh'])
})

test('what one caller does to its rows, no other sees', async () => {
  const { ask, last } = make()
  const first = ask(MINUTE)
  const second = ask(MINUTE)
  last().answer([{ n: 1 }])
  for (const asked of [first, second, ask(MINUTE)]) {
    const { rows } = await asked
    expect(rows).toEqual([{ n: 1 }])
    Object.assign(rows[0] ?? {}, { n: 9 })
    rows.push({ n: 10 })
  }
})

test.each([
  'INSERT INTO t VALUES (1)',
  'SELECT * FROM t FOR UPDATE',
  `SELECT nextval('s')`,
  'SELECT 1; SELECT 2',
  'BEGIN',
  '',
])('%j is refused, since it is no plain read', async (text) => {
  const { ask, sent } = make()
  await expect(ask(MINUTE, text)).rejects.toMatchObject({ code: 'SLUICE_BAD_OPTION' })
  expect(sent).toHaveLength(0)
})

test.each([
  [true, 'cache must be an object of ttl, staleIfError, key'],
  [{}, 'cache.ttl must be given: the milliseconds'],
  [{ ttl: 0 }, 'cache.ttl must be a number from 1 to'],
  [{ ttl: 1, staleIfError: -1 }, 'cache.staleIfError must be a number from 0 to'],
  [{ ttl: 1, key: 5 }, 'cache.key must be a string; it is of type number'],
  [{ ttl: 1, stale: 5 }, 'cache.stale is not an option of Sluice; it has ttl, staleIfError, key'],
])('the rule %j is refused in one sentence', async (cache, sentence) => {
  const { ask } = make()
  await expect(ask({ cache } as unknown as QueryOptions)).rejects.toThrow(sentence)
})

test('no more answers are kept than cacheSize says, the ones used last', async () => {
  const { cache, get } = make({ cacheSize: 2 })
  await get(MINUTE, 'SELECT 1')
  await get(MINUTE, 'SELECT 2')
  await get(MINUTE, 'SELECT 1')
  await get(MINUTE, 'SELECT 3')
  expect(await get(MINUTE, 'SELECT 1')).toEqual([1, 'fresh'])
  expect(await get(MINUTE, 'SELECT 2')).toEqual([4, undefined])
  expect(cache.stats().entries).toBe(2)
})

test('an answer above a megabyte is given and not kept', async () => {
  const { ask, cache, last } = make()
  const asked = ask(MINUTE)
  last().answer([{ text: 'x'.repeat(1_048_576) }])
  expect((await asked).rows[0]?.text).toHaveLength(1_048_576)
  expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0 })
})

test('a cache that was cleared asks anew', async () => {
  const { cache, get } = make()
  await get(MINUTE)
  cache.clear()
  expect(await get(MINUTE)).toEqual([2, undefined])
})
