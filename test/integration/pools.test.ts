/** Pools by name under one cap, on a real server that counts their sessions. */
import { afterEach, describe, expect, test } from 'vitest'
import type { Pools, PoolsOptions } from '../../src/index.ts'
import { Budget, createPools, globalPools, Pool } from '../../src/index.ts'
import { databaseUrl, sessions, watchSessions } from '../support/postgres.ts'

const open: { end(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((pools) => pools.end()))
})

function make<const Name extends string>(
  configs: Parameters<typeof createPools<Name>>[0],
  options: PoolsOptions,
): Pools<Name> {
  const pools = createPools(configs, { connectionString: databaseUrl(), ...options })
  open.push(pools)
  return pools
}

let names = 0
const label = () => `sluice-pools-${process.pid}-${++names}`

describe('createPools', () => {
  test('gives each pool what is said for all, and each what it says itself', async () => {
    const applicationName = label()
    const pools = make(
      { default: { min: 1 }, analytics: { max: 2, statementTimeout: 60_000 } },
      { max: 5, applicationName, connectionTimeoutMillis: undefined },
    )
    expect([pools.names, pools.default.options.max, pools.analytics.options.max]).toEqual([
      ['default', 'analytics'],
      5,
      2,
    ])
    const shown = await pools.analytics.query(
      `SELECT current_setting('application_name') AS name, current_setting('statement_timeout') AS timeout`,
    )
    expect(shown.rows).toEqual([{ name: applicationName, timeout: '1min' }])
    expect(pools.get('default')).toBe(pools.default)
    expect([...pools].map(([name, pool]) => [name, pool instanceof Pool])).toEqual([
      ['default', true],
      ['analytics', true],
    ])
  })

  test('a profile keeps its own max, as far as the cap has room for it', () => {
    const pools = make({ default: {}, burst: { profile: 'serverless' } }, { max: 12 })
    expect([pools.default.options.max, pools.burst.options.max]).toEqual([12, 10])
    expect(make({ default: { profile: 'persistent' } }, { max: 12 }).default.options.max).toBe(12)
    expect(() => createPools({ default: { profile: 'persistent', max: 20 } }, { max: 12 })).toThrow(
      'pool "default": max must not exceed that of the budget; max is 20 and budget.max is 12',
    )
  })

  test('an unknown name is one error that lists those there are', () => {
    const pools = make({ default: {}, analytics: {} }, { max: 5 })
    expect(() => pools.get('analytic' as never)).toThrow(
      'there is no pool "analytic"; there are default, analytics',
    )
  })

  test.each([
    [{}, { max: 5 }, 'createPools needs at least one pool'],
    [{ a: {} }, {}, 'createPools needs max: how many connections all pools may have together'],
    [{ a: {} }, { max: 0 }, 'max must be a whole number from 1 to 10,000; it is 0'],
    [{ stats: {} }, { max: 5 }, 'a pool cannot be called "stats", which is a method of all pools'],
    [{ a: null }, { max: 5 }, 'pool "a" needs an object of options'],
    [{ a: { budget: new Budget({ max: 5 }) } }, { max: 5 }, 'pool "a" cannot have a budget of its own'],
    [{ a: { max: 6 } }, { max: 5 }, 'pool "a": max must not exceed that of the budget; max is 6'],
    [
      { a: { min: 3 }, b: { min: 3 } },
      { max: 5 },
      'pool "b": the min of all pools together must not exceed budget.max; min is 3, the other pools have 3, and budget.max is 5',
    ],
    [{ a: { poolSize: 3 } }, { max: 5 }, 'pool "a": poolSize is not an option of Sluice; did you mean max?'],
    [{ default: {} }, undefined, 'createPools needs max: how many connections all pools may have together'],
    [{ default: {} }, null, 'createPools needs an object of options for all pools, with max'],
    [undefined, { max: 5 }, 'createPools needs an object of pool options by name'],
    [
      { a: { profile: 'persistent', max: 6 } },
      { max: 5 },
      'pool "a": max must not exceed that of the budget; max is 6',
    ],
    [
      { a: {} },
      { max: 5, idleTimeoutMilis: 5 },
      'pool "a": idleTimeoutMilis is not an option of Sluice; did you mean idleTimeoutMillis?',
    ],
  ])('refuses %j with %j', (configs, options, sentence) => {
    expect(() => createPools(configs as never, options as never)).toThrow(sentence)
  })

  test('a profile that asks for more than the cap gets the cap, and what is left of it to keep', () => {
    const pools = make(
      { a: { profile: 'high-performance' }, b: { profile: 'edge' }, c: { profile: 'persistent' } },
      { max: 8 },
    )
    const sizes = Object.values(pools.stats().pools).map(({ max, min }) => [max, min])
    expect(sizes).toEqual([
      [8, 8],
      [3, 0],
      [8, 0],
    ])
    expect(make({ a: { min: 2 }, b: {} }, { max: 8, profile: 'persistent' }).b.options).toMatchObject({
      max: 8,
    })
  })

  test('globalPools refuses like createPools', () => {
    expect(() => globalPools('bad', { default: {} }, undefined as never)).toThrow('createPools needs max')
  })

  test('the server never counts more sessions than the cap, and every caller of every pool is served', async () => {
    const applicationName = label()
    const pools = make({ a: {}, b: { min: 1 }, c: {} }, { max: 5, applicationName, pipelining: false })
    const watch = await watchSessions(applicationName)
    const loop = async (pool: Pool, times: number) => {
      for (let n = 0; n < times; n++) await pool.query('SELECT pg_sleep(0.002)')
      return times
    }
    const burst = (pool: Pool) => Promise.all(Array.from({ length: 30 }, () => loop(pool, 10)))
    const first = await Promise.all([burst(pools.a), burst(pools.b), burst(pools.c)])
    await Promise.all([burst(pools.c), burst(pools.a)])
    const { max } = await watch.stop()
    expect(first.flat().reduce((sum, count) => sum + count, 0)).toBe(900)
    expect(max).toBeLessThanOrEqual(5)
    const stats = pools.stats()
    expect(stats).toMatchObject({ max: 5, waiting: 0, leased: 0 })
    expect(stats.total).toBe(pools.budget.used)
    const yielded = Object.values(stats.pools).map(({ closed }) => closed.yielded ?? 0)
    expect(Math.max(...yielded)).toBeGreaterThan(0)
  })

  test('a pool of lanes that is never idle lets another one have its connection', async () => {
    const pools = make({ busy: {}, other: {} }, { max: 1 })
    let stop = false
    const lookups = Array.from({ length: 20 }, async () => {
      let done = 0
      for (; !stop; done++) await pools.busy.query('SELECT $1::int', [1])
      return done
    })
    const { rows } = await pools.other.query('SELECT 7 AS n')
    const before = pools.busy.stats().acquired
    await pools.busy.query('SELECT 8')
    stop = true
    expect(rows).toEqual([{ n: 7 }])
    expect(Math.min(...(await Promise.all(lookups)))).toBeGreaterThan(0)
    expect(pools.busy.stats().acquired).toBeGreaterThan(before)
  })

  test('sizes change within the cap, and the cap tells what is possible', () => {
    const pools = make({ a: { max: 2 }, b: { min: 1 } }, { max: 5 })
    pools.a.resize({ max: 4 })
    expect(pools.a.stats().budget).toEqual(pools.a.budget)
    expect(pools.a.budget).toMatchObject({ max: 5, limit: 4 })
    expect(() => pools.a.resize({ max: 6 })).toThrow('max must not exceed that of the budget')
    expect(() => pools.a.resize({ min: 5, max: 5 })).toThrow('the min of all pools together')
    expect(pools.a.options.max).toBe(4)
  })

  test('numbers are summed, and each pool has its own', async () => {
    const pools = make({ a: {}, b: {} }, { max: 4 })
    await using _ = await pools.a.lease()
    await using __ = await pools.b.lease()
    const stats = pools.stats()
    expect(stats).toMatchObject({ max: 4, leased: 2, utilization: 50, waiting: 0 })
    const { a, b } = stats.pools
    expect([a.leased, b.leased]).toEqual([1, 1])
    // Where a machine is slow to connect, another connection is opened beside the first.
    expect(stats.total).toBe(a.total + b.total)
    expect(stats.room).toBe(4 - stats.total)
  })

  test('end() ends all, as often as it is called, also where one has been ended already', async () => {
    const applicationName = label()
    const pools = make({ a: {}, b: {} }, { max: 4, applicationName })
    await Promise.all([pools.a.query('SELECT 1'), pools.b.query('SELECT 1')])
    await pools.a.end()
    expect(pools.ending).toBe(false)
    await Promise.all([pools.end(), pools.end()])
    await pools.end()
    expect([pools.ending, await sessions(applicationName)]).toEqual([true, 0])
    await expect(pools.b.query('SELECT 1')).rejects.toThrow('Cannot use a pool after calling end on the pool')
  })

  test('drain() serves what is under way and takes nobody new', async () => {
    const pools = make({ a: {}, b: {} }, { max: 4 })
    const under = pools.a.query('SELECT pg_sleep(0.1)')
    const drained = pools.drain(10_000)
    await expect(pools.b.query('SELECT 1')).rejects.toThrow('Cannot use a pool while it drains')
    await under
    expect(await drained).toBe(true)
  })

  test('pools made by hand share a budget too', async () => {
    const budget = new Budget({ max: 1 })
    const [a, b] = [0, 1].map(() => new Pool({ connectionString: databaseUrl(), max: 1, budget }))
    open.push(a as Pool, b as Pool)
    await a?.query('SELECT 1')
    await b?.query('SELECT 1')
    expect([a?.stats().total, b?.stats().total, budget.used]).toEqual([0, 1, 1])
  })
})

describe('globalPools', () => {
  const at = (extra: object = {}) => ({ max: 2, connectionString: databaseUrl(), ...extra })
  const made = (key: string, options = at()) => {
    const pools = globalPools(key, { default: { onConnect: () => undefined } }, options)
    open.push(pools)
    return pools
  }

  test('gives the same pools to the same key, also from a module that was loaded anew', async () => {
    const key = label()
    // A variable, so that the compiler does not look for a file of that name.
    const again = '../../src/postgres/global-pools.ts?again'
    const copy = (await import(again)) as { globalPools: typeof globalPools }
    expect(copy.globalPools).not.toBe(globalPools)
    const first = made(key)
    const second = copy.globalPools(key, { default: { onConnect: () => undefined } }, at())
    expect(second).toBe(first)
    expect(made(label())).not.toBe(first)
  })

  test('other options end the old pools once they have served what is under way, and make new ones', async () => {
    const key = label()
    const old = made(key)
    const under = old.default.query('SELECT pg_sleep(0.2), 7 AS n')
    const next = made(key, at({ max: 3 }))
    expect(next).not.toBe(old)
    expect(old.ending).toBe(true)
    await next.default.query('SELECT 1')
    expect((await under).rows[0]).toMatchObject({ n: 7 })
    expect(made(key, at({ max: 3 }))).toBe(next)
  })

  test('a function whose text has changed is another option; what is refused leaves the old pools as they are', () => {
    const key = label()
    const first = made(key)
    expect(() => globalPools(key, { default: { max: 0 } }, at())).toThrow('pool "default": max must be')
    expect(made(key)).toBe(first)
    const other = globalPools(key, { default: { onConnect: () => null } }, at())
    open.push(other)
    expect([other === first, first.ending]).toEqual([false, true])
  })

  test('pools that were ended are made anew', async () => {
    const key = label()
    const first = made(key)
    await first.end()
    const second = made(key)
    expect(second).not.toBe(first)
    expect((await second.default.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
  })

  test('a key is a string', () => {
    expect(() => globalPools('', { default: {} }, at())).toThrow('globalPools needs a key')
  })
})
