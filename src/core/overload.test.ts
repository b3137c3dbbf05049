import { expect, test } from 'vitest'
import type { Ahead } from './overload.ts'
import { judgeNewcomer, Standing, Throughput } from './overload.ts'

test('a queue stands once nobody was served before a quarter of its deadline for a tenth of a second', () => {
  const standing = new Standing()
  const looks = [0, 50, 99, 100].map((now) => {
    standing.look(0.3, now)
    return standing.isStanding
  })
  expect(looks).toEqual([false, false, false, true])
})

test('a single prompt one ends it, and the next must stand for as long again', () => {
  const standing = new Standing()
  for (const now of [0, 100]) standing.look(0.5, now)
  standing.look(0.24, 110)
  expect(standing.isStanding).toBe(false)
  standing.look(0.5, 120)
  standing.look(0.5, 219)
  expect(standing.isStanding).toBe(false)
  standing.look(0.5, 220)
  expect(standing.isStanding).toBe(true)
})

/** Serves one waiter each `every` ms, `from` excluded. */
function serve(throughput: Throughput, every: number, from: number, count: number, slots = 4): number {
  let now = from
  for (let n = 0; n < count; n++) {
    now += every
    throughput.served(now, slots)
  }
  return now
}

test('the pace is known after twenty waiters and a quarter of a second', () => {
  const throughput = new Throughput()
  throughput.served(0, 4)
  let now = serve(throughput, 5, 0, 49)
  expect(throughput.perMilli(now)).toBeUndefined()
  now = serve(throughput, 5, now, 1)
  expect(throughput.perMilli(now)).toBeCloseTo(0.2)
  const slow = new Throughput()
  slow.served(0, 4)
  now = serve(slow, 50, 0, 19)
  expect(slow.perMilli(now)).toBeUndefined()
  now = serve(slow, 50, now, 1)
  expect(slow.perMilli(now)).toBeCloseTo(0.02)
})

test('of the last two measurements the better one counts, and neither for longer than two seconds', () => {
  const throughput = new Throughput()
  throughput.served(0, 4)
  const first = serve(throughput, 5, 0, 50)
  const second = serve(throughput, 10, first, 25)
  expect(throughput.perMilli(second)).toBeCloseTo(0.2)
  expect(throughput.perMilli(first + 2_001)).toBeCloseTo(0.1)
  expect(throughput.perMilli(second + 2_001)).toBeUndefined()
})

test('what was served before the queue ran empty does not count', () => {
  const throughput = new Throughput()
  throughput.served(0, 4)
  const now = serve(throughput, 10, 0, 24)
  throughput.interrupt()
  expect(throughput.perMilli(serve(throughput, 10, now, 2))).toBeUndefined()
})

test('with more connections the pace is measured anew', () => {
  const throughput = new Throughput()
  throughput.served(0, 4)
  const now = serve(throughput, 5, 0, 60)
  throughput.served(now + 5, 5)
  expect(throughput.perMilli(now + 5)).toBeUndefined()
})

test('a pool too slow for twenty in two seconds has no pace', () => {
  const throughput = new Throughput()
  throughput.served(0, 4)
  expect(throughput.perMilli(serve(throughput, 101, 0, 100))).toBeUndefined()
})

const ahead: Ahead = { urgent: 60, level: 20, isLowest: true, share: 0.25 }

test('a newcomer whose turn comes in time is let in', () => {
  expect(judgeNewcomer({ ...ahead, urgent: 44 }, 0.4, 120, false)).toBeUndefined()
  expect(judgeNewcomer({ ...ahead, level: 25, urgent: 0 }, 0.4, 38, true)).toBeUndefined()
})

test('one whose turn comes too late is not, and is told when it would come', () => {
  expect(judgeNewcomer({ ...ahead, urgent: 44 }, 0.4, 119, false)).toMatchObject({
    waitMillis: 160,
    standing: false,
  })
  expect(judgeNewcomer({ ...ahead, level: 25, urgent: 0 }, 0.4, 37, true)).toMatchObject({ waitMillis: 62.5 })
})

test('however many more urgent ones wait, a level has the share of the turns that it keeps', () => {
  const many = { ...ahead, urgent: 10_000, level: 16 }
  expect(judgeNewcomer(many, 0.4, 120, false)).toBeUndefined()
  expect(judgeNewcomer(many, 0.4, 119, false)).toMatchObject({ waitMillis: 160 })
  expect(judgeNewcomer({ ...many, level: 0 }, 0.4, 1, true)).toBeUndefined()
})

test('in a standing queue the lowest level is left that share alone', () => {
  const some = { ...ahead, urgent: 10, level: 36 }
  expect(judgeNewcomer(some, 0.4, 150, false)).toBeUndefined()
  expect(judgeNewcomer(some, 0.4, 150, true)).toMatchObject({ waitMillis: 360, standing: true })
  expect(judgeNewcomer({ ...some, isLowest: false }, 0.4, 150, true)).toBeUndefined()
})
