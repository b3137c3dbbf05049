import { describe, expect, test } from 'vitest'
import { begin, databaseOf, RequestDatabase, readRules } from './database.ts'
import type { CallOptions, RequestLease, RequestPool } from './pool.ts'

class FakeLease implements RequestLease {
  released = false
  readonly asked: CallOptions[] = []

  async query(_statement: string | object, _values?: readonly unknown[], options: CallOptions = {}) {
    this.asked.push(options)
    return { rows: [], rowCount: 0 }
  }

  release(): void {
    if (this.released) throw new Error('released twice')
    this.released = true
  }
}

/** A pool that lends when it is told to. */
class FakePool implements RequestPool {
  readonly asked: CallOptions[] = []
  readonly leases: FakeLease[] = []
  /** Fails the next lease. */
  failure: Error | undefined
  /** What a lease waits for. */
  gate: Promise<void> = Promise.resolve()

  async query(_statement: string | object, _values?: unknown[], options: CallOptions = {}) {
    this.asked.push(options)
    return { rows: [], rowCount: 0 }
  }

  async lease(): Promise<FakeLease> {
    await this.gate
    const { failure } = this
    this.failure = undefined
    if (failure !== undefined) throw failure
    const lease = new FakeLease()
    this.leases.push(lease)
    return lease
  }

  async transaction<R>(
    fn: (transaction: FakeLease) => Promise<R> | R,
    options: CallOptions = {},
  ): Promise<R> {
    this.asked.push(options)
    return fn(new FakeLease())
  }
}

function house(hold: 'statement' | 'request' = 'statement', labels: CallOptions = {}) {
  const pool = new FakePool()
  let asked = 0
  const db = new RequestDatabase(pool, hold, () => {
    asked += 1
    return labels
  })
  return { pool, db, labelled: () => asked }
}

describe('calls', () => {
  test('carry the labels of the request, asked for once and not before the first of them', async () => {
    const { db, labelled, pool } = house('statement', { agent: 'a', priority: 'high' })
    expect(labelled()).toBe(0)
    await db.query('SELECT 1')
    await db.query({ text: 'SELECT 2', agent: 'inside' })
    await db.query({ text: 'SELECT 3', agent: 'inside' }, [], { agent: 'outside', priority: 'low' })
    await db.transaction(() => 1)
    expect(labelled()).toBe(1)
    expect(pool.asked).toMatchObject([
      { agent: 'a', priority: 'high', signal: db.signal },
      { agent: 'inside', priority: 'high' },
      { agent: 'outside', priority: 'low' },
      { agent: 'a', priority: 'high', signal: db.signal },
    ])
  })

  test('end by their own signal and by the client’s disconnect', async () => {
    const { db, pool } = house()
    const own = new AbortController()
    await db.query('SELECT 1', [], { signal: own.signal })
    await db.query('SELECT 2', [], { signal: own.signal })
    const [first, second] = pool.asked.map(({ signal }) => signal)
    own.abort()
    expect([first?.aborted, db.signal.aborted]).toEqual([true, false])
    db.disconnect()
    expect([second?.aborted, db.signal.aborted]).toEqual([true, true])
    expect(db.signal.reason).toMatchObject({ message: 'the client has disconnected' })
  })

  test('a label that cannot be had rejects the call', async () => {
    const pool = new FakePool()
    const db = new RequestDatabase(pool, 'statement', () => {
      throw new Error('no such header')
    })
    await expect(db.query('SELECT 1')).rejects.toThrow('no such header')
  })
})

describe('what is held', () => {
  test('is given back when the request is over, once, also where it was given back before', async () => {
    const { db, pool } = house()
    const first = await db.lease()
    await db.lease()
    first.release()
    expect(db.isHolding).toBe(true)
    db.end()
    db.end()
    db.disconnect()
    expect(pool.leases.map(({ released }) => released)).toEqual([true, true])
    expect([db.isHolding, db.signal.aborted]).toEqual([false, false])
  })

  test('a lease that comes after the end goes straight back', async () => {
    const { db, pool } = house()
    let pass = () => {}
    pool.gate = new Promise((resolve) => {
      pass = resolve
    })
    const asked = db.lease()
    db.end()
    pass()
    await expect(asked).rejects.toThrow('This request was over before it got its connection')
    expect(pool.leases[0]?.released).toBe(true)
    await expect(db.lease()).rejects.toThrow('This request is over')
    // A statement holds nothing: what is written after the answer may still run.
    await db.query('SELECT 1')
    expect(pool.asked).toHaveLength(1)
  })

  test('with hold: request all statements have one lease, also those that ask at the same time', async () => {
    const { db, pool } = house('request')
    await Promise.all([db.query('SELECT 1'), db.query('SELECT 2')])
    await db.query('SELECT 3')
    expect(pool.leases).toHaveLength(1)
    expect(pool.leases[0]?.asked).toHaveLength(3)
    db.end()
    await expect(db.query('SELECT 4')).rejects.toThrow('This request is over')
  })

  test('with hold: request a connection that could not be had is asked for again', async () => {
    const { db, pool } = house('request')
    pool.failure = new Error('queue full')
    await expect(db.query('SELECT 1')).rejects.toThrow('queue full')
    await db.query('SELECT 1')
    expect(pool.leases).toHaveLength(1)
  })

  test('with hold: request a second connection is refused: all who have one could wait for another', async () => {
    const { db } = house('request')
    await expect(db.transaction(() => 1)).rejects.toThrow('transaction() takes a connection of its own')
    await expect(db.lease()).rejects.toThrow('lease() takes a connection of its own')
  })
})

describe('the database of a request', () => {
  const rules = readRules('expressDatabase()', new FakePool(), {})

  test('is found by the request, and by what frameworks wrap it in', () => {
    const request = {}
    const db = begin(new FakePool(), rules, request)
    expect(databaseOf(request)).toBe(db)
    expect(databaseOf({ req: { raw: request } })).toBe(db)
    expect(begin(new FakePool(), rules, request)).toBeUndefined()
  })

  test('is an error where no middleware has seen the request', () => {
    expect(() => databaseOf({})).toThrow(
      'This request has no database: it did not come through the middleware',
    )
  })

  test.each([
    [{ hold: 'always' }, "hold must be one of 'statement', 'request'; it is \"always\""],
    [{ agent: 'planner' }, 'agent must be a function; it is "planner"'],
    [{ priority: 1 }, 'priority must be a function; it is 1'],
    [{ holds: 'request' }, 'holds is not an option of expressDatabase(); did you mean hold?'],
    [null, 'expressDatabase() takes an object of hold, agent, priority; it got null'],
  ])('refuses %j', (options, sentence) => {
    expect(() => readRules('expressDatabase()', new FakePool(), options as never)).toThrow(sentence)
  })
})
