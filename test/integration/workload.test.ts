import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AgentKind, Turn } from '../../src/demo/workload/agents.ts'
import { agentKinds, turnsOf } from '../../src/demo/workload/agents.ts'
import { dropWorkload, findDataSet, loadWorkload, resetWorkload } from '../../src/demo/workload/load.ts'
import type { WorkloadSnapshot } from '../../src/demo/workload/record.ts'
import type { RunOptions } from '../../src/demo/workload/run.ts'
import { runWorkload } from '../../src/demo/workload/run.ts'
import { dataSize } from '../../src/demo/workload/schema.ts'
import { statementKinds } from '../../src/demo/workload/statements.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'

// A database of its own: other tests load and drop the same schema.
const database = `workload_test_${process.pid}`
const scale = 0.02
const size = dataSize(scale)
let pool: pg.Pool

beforeAll(async () => {
  await withClient((client) => client.query(`CREATE DATABASE ${database}`))
  const url = new URL(databaseUrl())
  url.pathname = `/${database}`
  pool = new pg.Pool({ connectionString: url.href, max: 10 })
  // pg says that the connection to a dropped database was cut.
  pool.on('error', () => {})
  await loadWorkload(pool, { scale })
})

afterAll(async () => {
  await pool.end()
  await withClient((client) => client.query(`DROP DATABASE ${database} WITH (FORCE)`))
})

const run = (options: Partial<RunOptions> = {}) => runWorkload({ pool, seconds: 0.3, ...options })

/** Runs until the figures so far satisfy `enough`. */
const runUntil = (enough: (figures: WorkloadSnapshot) => boolean, options: Partial<RunOptions>) => {
  const controller = new AbortController()
  const onTick: RunOptions['onTick'] = (figures) => {
    if (enough(figures)) controller.abort()
  }
  return run({ seconds: 15, tickMillis: 20, signal: controller.signal, onTick, ...options })
}

describe('the data', () => {
  test('has the rows it promises and is the same for the same seed', async () => {
    const count = (table: string) => pool.query(`SELECT count(*)::int AS n FROM sluice_demo.${table}`)
    for (const table of ['documents', 'chunks', 'memory', 'events'] as const) {
      expect((await count(table)).rows).toEqual([{ n: size[table] }])
    }
    const print = async () =>
      (await pool.query(`SELECT md5(string_agg(c::text, ',' ORDER BY id)) FROM sluice_demo.chunks AS c`))
        .rows[0]
    const first = await print()
    await dropWorkload(pool)
    expect(await findDataSet(pool)).toBeUndefined()
    const progress: [number, number, string][] = []
    await loadWorkload(pool, { scale, onProgress: (...told) => progress.push(told) })
    expect(await print()).toEqual(first)
    const total = size.documents + size.chunks + size.memory + size.events
    expect(progress.at(-1)).toEqual([total, total, 'events'])
    expect(progress.map(([done]) => done)).toEqual(progress.map(([done]) => done).sort((a, b) => a - b))
  })

  test('is reused when it is there, and loaded anew for another seed', async () => {
    expect(await loadWorkload(pool, { scale })).toEqual({ seed: 1, scale, size, fresh: false })
    expect((await loadWorkload(pool, { scale, seed: 2 })).fresh).toBe(true)
    expect((await loadWorkload(pool, { scale, seed: 1 })).fresh).toBe(true)
  })

  test('is as loaded again after a reset', async () => {
    const written = async () =>
      (
        await pool.query(`SELECT (SELECT count(*)::int FROM sluice_demo.events) AS events,
          (SELECT count(*)::int FROM sluice_demo.memory WHERE revision > 0) AS revised`)
      ).rows[0]
    await run({ seconds: 0.6 })
    const after = await written()
    expect(after.events).toBeGreaterThan(size.events)
    expect(after.revised).toBeGreaterThan(0)
    await resetWorkload(pool)
    expect(await written()).toEqual({ events: size.events, revised: 0 })
  })

  test('an interrupted load leaves what was there', async () => {
    const onProgress = () => {
      throw new Error('stop')
    }
    await expect(loadWorkload(pool, { scale, seed: 9, onProgress })).rejects.toThrow('stop')
    expect(await findDataSet(pool)).toEqual({ seed: 1, scale, size })
  })

  test('two loads at a time do not get into each other', async () => {
    const loads = [loadWorkload(pool, { scale, seed: 3 }), loadWorkload(pool, { scale, seed: 3 })]
    const fresh = (await Promise.all(loads)).filter((load) => load.fresh)
    expect(fresh).toHaveLength(1)
    await loadWorkload(pool, { scale, seed: 1 })
  })
})

describe('the agents', () => {
  const first = (kind: AgentKind, index: number, seed: number): Turn[] => {
    const turns = turnsOf(kind, index, seed, size)
    return Array.from({ length: 300 }, () => turns.next().value)
  }

  test('decide the same with the same seed, and otherwise each its own way', () => {
    for (const kind of agentKinds) {
      expect(first(kind, 3, 7)).toEqual(first(kind, 3, 7))
      expect(first(kind, 3, 8)).not.toEqual(first(kind, 3, 7))
      expect(first(kind, 4, 7)).not.toEqual(first(kind, 3, 7))
    }
  })

  test('run every kind of statement they have without an error', async () => {
    // A transaction is no statement of the pool: it is counted in the result.
    const wanted = new Set(
      agentKinds.flatMap((kind) =>
        first(kind, 0, 1)
          .flatMap((turn) => turn.statements)
          .filter((statement) => statement.kind !== 'transaction')
          .map((statement) => `${kind} ${statement.kind}`),
      ),
    )
    expect(wanted.size).toBe(11)
    const enough = ({ statements }: WorkloadSnapshot) => wanted.size === 0 && statements.transaction.count > 0
    const result = await runUntil(enough, {
      query: async (text, values, { agentKind, kind }) => {
        const answer = await pool.query(text, values)
        wanted.delete(`${agentKind} ${kind}`)
        return answer
      },
    })
    expect([...wanted]).toEqual([])
    expect(result.errors).toEqual({})
    for (const kind of statementKinds) {
      const { count, errors, p50, p95, p99, max } = result.statements[kind]
      expect(count, kind).toBeGreaterThan(0)
      expect(errors, kind).toBe(0)
      expect([p50, p95, p99, max], kind).toEqual([p50, p95, p99, max].sort((a, b) => a - b))
    }
    expect(result.total.count).toBe(
      statementKinds.reduce((sum, kind) => sum + result.statements[kind].count, 0),
    )
    expect(pool.idleCount).toBe(pool.totalCount)
  })
})

describe('a run', () => {
  test('ticks, and ends early when its signal says so', async () => {
    const controller = new AbortController()
    let ticks = 0
    const began = performance.now()
    const onTick = () => {
      if (++ticks === 3) controller.abort()
    }
    const result = await run({ seconds: 30, signal: controller.signal, tickMillis: 50, onTick })
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(result.total.count).toBeGreaterThan(0)
    expect(ticks).toBeGreaterThanOrEqual(3)
  })

  test('counts what its callers gave up apart from answers and errors, and waits for it in the end', async () => {
    let running = 0
    const result = await runUntil(({ total }) => total.cancelled > 2, {
      agents: { persistent: 0, edge: 0, 'high-performance': 0 },
      query: async (text, values, { signal }) => {
        if (!signal) return pool.query(text, values)
        running++
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        running--
        throw new Error('aborted')
      },
    })
    expect(result.statements.similarity).toMatchObject({ count: 0, errors: 0 })
    expect(result.statements.similarity.cancelled).toBeGreaterThan(0)
    expect([result.errors, running]).toEqual([{}, 0])
  })

  test('counts errors by code and message, but never more than twenty different ones', async () => {
    let n = 0
    const query = async () => {
      throw Object.assign(new Error(`no luck after ${n} ms`), { code: `E${n++ % 40}` })
    }
    const { errors, total } = await run({ agents: { persistent: 0 }, query })
    expect(errors).toMatchObject({ 'E1: no luck after N ms': expect.any(Number) })
    expect(Object.keys(errors)).toHaveLength(21)
    expect(Object.values(errors).reduce((sum, count) => sum + count, 0)).toBe(total.errors)
    expect(total.count).toBe(0)
  })

  test('rolls a failed transaction back and releases its client', async () => {
    const agents = { serverless: 0, edge: 0, 'high-performance': 0 }
    await pool.query('ALTER TABLE sluice_demo.memory ADD CONSTRAINT frozen CHECK (revision = 0) NOT VALID')
    try {
      const enough = ({ total }: WorkloadSnapshot) => total.errors > 2
      const { statements, errors } = await runUntil(enough, { agents })
      expect(statements.transaction.errors).toBeGreaterThan(0)
      expect(Object.keys(errors)).toEqual([expect.stringMatching(/^23514: .*frozen/)])
    } finally {
      await pool.query('ALTER TABLE sluice_demo.memory DROP CONSTRAINT frozen')
    }
    expect(pool.idleCount).toBe(pool.totalCount)
  })

  test('says what to do when nothing is loaded', async () => {
    await dropWorkload(pool)
    await expect(run()).rejects.toThrow('call loadWorkload first')
    await loadWorkload(pool, { scale })
  })
})
