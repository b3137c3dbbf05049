// Who is turned away because its turn would come too late, and who never is.
import { expect, test } from 'vitest'
import type { Asked, FakePool } from '../../test/support/fake-driver.ts'
import { fakePool } from '../../test/support/fake-driver.ts'
import { settle } from '../../test/support/manual-clock.ts'
import type { AcquireOptions, PoolOptions } from './options.ts'

interface House extends FakePool {
  /** Lets so many waiters come. */
  queue(count: number, options?: AcquireOptions): Asked[]
  /** Serves somebody every 10 ms for so long. */
  serve(millis: number): Promise<void>
}

/** A pool of one that serves somebody every 10 ms: a pace of 100 a second. */
async function house(options: PoolOptions = {}): Promise<House> {
  const fake = fakePool({ max: 1, ...options })
  const { ask, clock, pool } = fake
  let lease = await fake.lend()
  pool.attach({
    acquired: (next) => {
      lease = next
    },
  })
  const queue = (count: number, how?: AcquireOptions) => Array.from({ length: count }, () => ask(how))
  const serve = async (millis: number) => {
    for (let n = 0; n < millis / 10; n++) {
      await clock.advance(10)
      if (!lease.released) lease.release()
    }
  }
  return { ...fake, queue, serve }
}

test('a caller whose turn would come after its deadline is turned away at once, with the numbers', async () => {
  const { ask, pool, queue, serve } = await house()
  queue(150)
  await serve(600)
  const asked = ask({ timeoutMillis: 500 })
  expect(asked.error).toMatchObject({ code: 'SLUICE_SHED', phase: 'queue', outcome: 'not-sent' })
  expect(asked.error?.message).toBe(
    'its turn would come after about 900 ms, and it waits 500 ms at most: 90 stand before it, and 100 are served a second ' +
      '(1 of 1 slots leased, 90 waiting; the longest lease is out for 0 ms); try again later, or send less at once',
  )
  expect((asked.error as { retryAfterMillis?: number }).retryAfterMillis).toBeCloseTo(900, -1)
  expect(pool.stats()).toMatchObject({ shed: 1, rejected: 0, timeouts: 0, waiting: 90 })
})

test('one that would make it is let in, and makes it', async () => {
  const { ask, queue, serve } = await house()
  queue(150)
  await serve(600)
  const asked = ask({ timeoutMillis: 920 })
  await serve(910)
  expect(asked.state).toBe('lent')
})

test('one whose deadline is nobody’s wish waits', async () => {
  const { ask, queue, serve } = await house()
  queue(150)
  await serve(600)
  expect(ask({ timeoutMillis: 500, isDeadline: false }).state).toBe('waiting')
})

test('one without a deadline of its own waits, whatever the pool’s is', async () => {
  const { ask, queue, serve } = await house({ acquireTimeoutMillis: 1_000 })
  queue(90)
  await serve(400)
  queue(100)
  expect(ask().state).toBe('waiting')
})

test('a more urgent one is judged by those of its own level', async () => {
  const { ask, queue, serve } = await house()
  queue(150)
  await serve(600)
  expect(ask({ timeoutMillis: 20, priority: 'high' }).state).toBe('waiting')
})

test('a quiet agent is judged by its own turns, not by the queue of a noisy one', async () => {
  const { ask, queue, serve } = await house()
  queue(150, { agent: 'noisy' })
  await serve(600)
  expect(ask({ timeoutMillis: 50, agent: 'quiet' }).state).toBe('waiting')
  expect(ask({ timeoutMillis: 50, agent: 'noisy' }).error?.code).toBe('SLUICE_SHED')
})

test('nobody is turned away before the pace is known, nor long after', async () => {
  const { ask, clock, queue, serve } = await house()
  queue(150)
  await serve(100)
  expect(ask({ timeoutMillis: 10 }).state).toBe('waiting')
  await serve(500)
  expect(ask({ timeoutMillis: 10 }).state).toBe('refused')
  await clock.advance(3_000)
  expect(ask({ timeoutMillis: 10 }).state).toBe('waiting')
})

test('nobody is turned away while a connection is being opened', async () => {
  const { ask, driver, pool, queue, serve } = await house()
  queue(150)
  await serve(600)
  driver.plan.open = 'never'
  pool.resize({ max: 2 })
  await settle()
  expect([pool.numbers().opening, ask({ timeoutMillis: 10 }).state]).toEqual([1, 'waiting'])
})

test('a place on a shared connection is never judged by the pace of whole ones', async () => {
  const { pool, queue, serve } = await house()
  queue(150)
  await serve(600)
  let error: unknown
  pool.request({ timeoutMillis: 10, use: 'shared' }, (refused) => {
    error = refused
  })
  expect(error).toBeUndefined()
})

test('a standing queue is told by stats(), and ends when it has drained', async () => {
  const { pool, queue, serve } = await house()
  queue(60, { timeoutMillis: 1_000 })
  await serve(200)
  expect(pool.stats().overloaded).toBe(false)
  await serve(200)
  expect(pool.stats().overloaded).toBe(true)
  await serve(300)
  expect(pool.stats()).toMatchObject({ overloaded: false, waiting: 0 })
})

test('in a standing queue newcomers of the lowest priority are let in only as far as its share of the turns goes', async () => {
  const { clock, pool, queue, serve } = await house({ max: 1 })
  queue(200, { timeoutMillis: 4_000 })
  await serve(1_200)
  expect([pool.stats().overloaded, clock.now()]).toEqual([true, 1_200])
  const low = queue(60, { priority: 'low', timeoutMillis: 900 })
  const states = low.map(({ state }) => state)
  // 80 more urgent ones wait. Of 100 turns a second the lowest level keeps 50: the 56th comes after 1,120 ms, with luck 908.
  expect(states.indexOf('refused')).toBe(56)
  expect(low[56]?.error?.message).toContain(
    '56 of its priority stand before it, which is left one turn in 2 while 80 more urgent ones wait',
  )
})

test('a full queue sheds the youngest of the least urgent, and never for a newcomer that would be late anyway', async () => {
  const { ask, pool, queue, serve } = await house({ queueLimit: 150 })
  queue(150)
  await serve(600)
  queue(10, { priority: 'low' })
  queue(50)
  expect(pool.numbers().waiting).toBe(150)
  expect(ask({ timeoutMillis: 10 }).error?.code).toBe('SLUICE_SHED')
  expect(pool.stats()).toMatchObject({ rejected: 0, shed: 1, waitingByPriority: [0, 140, 10] })
  expect(ask().state).toBe('waiting')
  expect(pool.stats()).toMatchObject({ rejected: 1, shed: 1, waitingByPriority: [0, 141, 9] })
})
