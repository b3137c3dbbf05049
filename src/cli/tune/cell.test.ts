import { expect, test } from 'vitest'
import { Histogram } from '../../base/histogram.ts'
import type { CellOptions, Measured } from './cell.ts'
import { measure } from './cell.ts'

const options = (more: Partial<CellOptions> = {}): CellOptions => ({
  size: 2,
  callers: 4,
  timing: { warm: 20, window: 60 },
  times: new Histogram(),
  next: () => ({ text: 'SELECT 1' }),
  ...more,
})

/** A pool that has its size at once and answers as told. */
function pool(query: Measured['query'], failing = false): Measured & { asked: number } {
  let size = 0
  const made = {
    asked: 0,
    query: (text: string) => {
      made.asked++
      return query(text)
    },
    resize: ({ max }: { max: number }) => {
      size = max
    },
    stats: () => ({
      total: failing ? 0 : size,
      idle: failing ? 0 : size,
      shared: 1,
      openFailures: failing && size > 0 ? 1 : 0,
      lastOpenFailure: failing ? { message: 'too many clients', code: '53300', ageMillis: 0 } : undefined,
    }),
  }
  return made
}

const soon = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 2))

test('a cell counts no more answers than there were, and only those of its window take part in the times', async () => {
  const under = pool(soon)
  const times = new Histogram()
  const began = performance.now()
  const { throughput, shared } = await measure(under, options({ times }))
  expect(shared).toBe(true)
  expect(throughput).toBeGreaterThan(0)
  // Nobody answers sooner than a timer of two milliseconds, and four callers ask.
  expect(throughput).toBeLessThan(4 * 1_100)
  expect(times.count).toBeGreaterThan(0)
  expect(times.count).toBeLessThan(under.asked)
  expect(performance.now() - began).toBeGreaterThanOrEqual(75)
})

test('the first error ends a cell, and nobody asks again', async () => {
  let asked = 0
  const under = pool(async () => {
    await soon()
    if (++asked === 10) throw new Error('no')
  })
  await expect(measure(under, options({ timing: { warm: 10_000, window: 10_000 } }))).rejects.toThrow('no')
  const then = under.asked
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(under.asked).toBeLessThanOrEqual(then + 3)
})

test('a connection that cannot be opened ends a cell with what the server says', async () => {
  await expect(measure(pool(soon, true), options())).rejects.toMatchObject({ code: '53300' })
})
