import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import type { Deadline } from './deadlines.ts'
import { Deadlines } from './deadlines.ts'

function books() {
  const clock = new ManualClock()
  const expired: [name: string, at: number][] = []
  const deadlines = new Deadlines<string>(clock, (name) => expired.push([name, clock.now()]))
  const add = (name: string, millis: number) => deadlines.add(name, millis, clock.now())
  return { clock, deadlines, expired, add }
}

test('deadlines expire at their times, whatever order they were added in', async () => {
  const { add, clock, expired } = books()
  add('late', 30)
  add('early', 10)
  await clock.advance(5)
  add('between', 20)
  add('early too', 10)
  await clock.advance(50)
  expect(expired).toEqual([
    ['early', 10],
    ['early too', 15],
    ['between', 25],
    ['late', 30],
  ])
})

test('a removed deadline does not expire, and removing it again does nothing', async () => {
  const { add, clock, deadlines, expired } = books()
  const gone = add('gone', 10)
  add('stays', 10)
  deadlines.remove(gone)
  deadlines.remove(gone)
  await clock.advance(20)
  expect(expired).toEqual([['stays', 10]])
})

test('ten thousand deadlines need one timer', () => {
  const { add, clock } = books()
  for (let n = 0; n < 10_000; n++) add('one', 1_000 - (n % 50))
  expect(clock.armed()).toBe(1)
})

test('the timer keeps the process up only while somebody has a deadline', () => {
  const { add, clock, deadlines } = books()
  const first = add('first', 10)
  expect(clock.armed('held')).toBe(1)
  deadlines.remove(first)
  expect(clock.armed('held')).toBe(0)
  add('second', 10)
  expect(clock.armed('held')).toBe(1)
})

test('a timer that outlives its deadlines fires for nobody and is not armed again', async () => {
  const { add, clock, deadlines, expired } = books()
  deadlines.remove(add('gone', 10))
  await clock.advance(10)
  expect([expired, clock.armed()]).toEqual([[], 0])
})

test('beyond 64 durations a deadline may come late, by a sixteenth at most, and never early', async () => {
  const { clock, deadlines } = books()
  const added: Deadline<string>[] = []
  for (let n = 0; n < 1_000; n++) added.push(deadlines.add('one', 1_000 + n * 7.3, clock.now()))
  for (const [n, { dueAt }] of added.entries()) {
    const asked = 1_000 + n * 7.3
    expect(dueAt).toBeGreaterThanOrEqual(asked)
    expect(dueAt).toBeLessThanOrEqual(asked * (n < 64 ? 1 : 1 + 1 / 16))
  }
  expect(new Set(added.slice(64).map(({ dueAt }) => dueAt)).size).toBeLessThan(64)
})

test('durations that nobody uses any more make room for exact ones', async () => {
  const { clock, deadlines } = books()
  for (let n = 1; n <= 64; n++) deadlines.add('one', n, clock.now())
  await clock.advance(100)
  expect(deadlines.add('one', 1_001.5, clock.now()).dueAt).toBe(1_101.5)
})

test('expiring may add and remove other deadlines', async () => {
  const clock = new ManualClock()
  const expired: string[] = []
  const deadlines: Deadlines<string> = new Deadlines<string>(clock, (name) => {
    expired.push(`${name} at ${clock.now()}`)
    if (name !== 'first') return
    deadlines.remove(victim)
    deadlines.add('same duration', 10, clock.now())
    deadlines.add('shorter', 3, clock.now())
  })
  deadlines.add('first', 10, 0)
  const victim = deadlines.add('victim', 10, 0)
  await clock.advance(100)
  expect(expired).toEqual(['first at 10', 'shorter at 13', 'same duration at 20'])
})

test('a deadline that never comes arms nothing and can be removed', async () => {
  const { add, clock, deadlines, expired } = books()
  const never = add('never', Number.POSITIVE_INFINITY)
  expect(clock.armed()).toBe(0)
  add('soon', 5)
  await clock.advance(10)
  deadlines.remove(never)
  expect([expired, clock.armed()]).toEqual([[['soon', 5]], 0])
})

test('after a jump of time everything that fell due expires at once', async () => {
  const { add, clock, expired } = books()
  add('one', 10)
  add('two', 20)
  add('three', 2_000)
  clock.jump(1_000)
  await clock.advance(0)
  expect(expired.map(([name]) => name)).toEqual(['one', 'two'])
})

test('clear forgets everything', async () => {
  const { add, clock, deadlines, expired } = books()
  add('one', 10)
  deadlines.clear()
  expect(clock.armed()).toBe(0)
  add('two', 15)
  await clock.advance(20)
  expect(expired).toEqual([['two', 15]])
})

test('whatever is added and removed, exactly what is left expires, and on time', async () => {
  const step = fc.record({ wait: fc.nat(20), millis: fc.integer({ min: 1, max: 40 }), remove: fc.nat(3) })
  const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    const { clock, deadlines, expired } = books()
    const live = new Map<string, Deadline<string>>()
    const due: [string, number][] = []
    for (const [n, { wait, millis, remove }] of steps.entries()) {
      live.set(String(n), deadlines.add(String(n), millis, clock.now()))
      due.push([String(n), clock.now() + millis])
      await clock.advance(wait)
      const victim = [...live].find(([name]) => Number(name) % 4 === remove)
      if (victim === undefined) continue
      const [name, deadline] = victim
      live.delete(name)
      deadlines.remove(deadline)
      const index = due.findIndex(([other, at]) => other === name && at > clock.now())
      if (index >= 0) due.splice(index, 1)
    }
    await clock.advance(100)
    expect(new Map(expired)).toEqual(new Map(due))
    expect(clock.armed()).toBe(0)
  })
  await fc.assert(property, { numRuns: 200 })
})

test('the largest part of a duration that any deadline has used up is known', async () => {
  const { add, clock, deadlines } = books()
  expect(deadlines.share(clock.now())).toBe(0)
  add('slow', 100)
  await clock.advance(25)
  const short = add('short', 40)
  expect(deadlines.share(clock.now())).toBe(0.25)
  await clock.advance(20)
  expect(deadlines.share(clock.now())).toBe(0.5)
  deadlines.remove(short)
  expect(deadlines.share(clock.now())).toBe(0.45)
})
