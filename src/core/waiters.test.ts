import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Order } from '../../test/model/order.ts'
import { Waiter } from './waiter.ts'
import type { WaitQueueOptions } from './waiters.ts'
import { WaitQueue } from './waiters.ts'

const HIGH = 0
const MEDIUM = 1
const LOW = 2

const DEFAULTS: WaitQueueOptions = {
  max: 10,
  priorityLevels: 3,
  ageMillis: 1_000,
  acquireTimeoutMillis: 30_000,
  fifo: false,
}

function evict(queue: WaitQueue<string>, level = -1): Waiter<string> | undefined {
  const youngest = queue.youngest(level)
  if (youngest !== undefined) queue.remove(youngest)
  return youngest
}

function queue(options: Partial<WaitQueueOptions> = {}) {
  const subject = new WaitQueue<string>({ ...DEFAULTS, ...options })
  const names = new Map<Waiter<string>, string>()
  const add = (name: string, level = MEDIUM, agent?: string, since = 0) => {
    const waiter = new Waiter<string>(level, agent, since, () => undefined, undefined)
    names.set(waiter, name)
    subject.add(waiter)
    return waiter
  }
  const nameOf = (waiter: Waiter<string> | undefined) => waiter && names.get(waiter)
  const take = (now = 0) => nameOf(subject.take(now))
  const takeAll = (now = 0) => Array.from({ length: subject.size }, () => take(now)).join(' ')
  return { subject, add, nameOf, take, takeAll }
}

test('the more urgent are served first, and within a level who came first', () => {
  const { add, takeAll } = queue()
  add('low', LOW)
  add('medium 1')
  add('high', HIGH)
  add('medium 2')
  expect(takeAll()).toBe('high medium 1 medium 2 low')
})

test('the agents of a level take turns, however many of one wait', () => {
  const { add, takeAll } = queue()
  for (const name of ['a1', 'a2', 'a3', 'a4']) add(name, MEDIUM, 'a')
  add('b1', MEDIUM, 'b')
  add('c1', MEDIUM, 'c')
  add('b2', MEDIUM, 'b')
  expect(takeAll()).toBe('a1 b1 c1 a2 b2 a3 a4')
})

test('callers without a label share one turn', () => {
  const { add, takeAll } = queue()
  add('1')
  add('2')
  add('a', MEDIUM, 'a')
  expect(takeAll()).toBe('1 a 2')
})

test('an agent that comes back stands behind those who wait', () => {
  const { add, take } = queue()
  add('a1', MEDIUM, 'a')
  add('b1', MEDIUM, 'b')
  expect(take()).toBe('a1')
  add('a2', MEDIUM, 'a')
  expect([take(), take()]).toEqual(['b1', 'a2'])
})

test('with fifo neither priority nor agent counts', () => {
  const { add, subject, takeAll } = queue({ fifo: true })
  add('a1', LOW, 'a')
  add('a2', MEDIUM, 'a')
  add('b1', HIGH, 'b')
  add('a3', HIGH, 'a')
  expect(subject.sizes).toEqual([4])
  expect(takeAll(10_000)).toBe('a1 a2 b1 a3')
})

test('one turn in eight goes to a waiter that has aged, however many more urgent ones there are', () => {
  const { add, takeAll } = queue()
  for (let n = 1; n <= 4; n++) add(`old${n}`, LOW)
  for (let n = 1; n <= 40; n++) add('new', HIGH, undefined, 1_500)
  const order = takeAll(1_500).split(' ')
  expect(order.flatMap((name, index) => (name === 'new' ? [] : [index]))).toEqual([7, 15, 23, 31])
})

test('who has waited for exactly ageMillis has not aged yet', () => {
  const { add, takeAll } = queue()
  add('old', LOW)
  for (let n = 1; n <= 10; n++) add('new', HIGH, undefined, 500)
  expect(takeAll(1_000).endsWith('new old')).toBe(true)
})

test('of several levels that have aged the one whose oldest has waited longest gets the turn', () => {
  const { add, take } = queue()
  add('low', LOW, undefined, 0)
  add('medium', MEDIUM, undefined, 100)
  for (let n = 1; n <= 20; n++) add('new', HIGH, undefined, 2_000)
  for (let n = 1; n <= 7; n++) take(2_000)
  expect(take(2_000)).toBe('low')
  for (let n = 1; n <= 7; n++) take(2_000)
  expect(take(2_000)).toBe('medium')
})

test('a waiter is removed from the middle, once', () => {
  const { add, subject, takeAll } = queue()
  add('1')
  const middle = add('2')
  add('3')
  expect([subject.remove(middle), subject.remove(middle), subject.size]).toEqual([true, false, 2])
  expect(takeAll()).toBe('1 3')
  expect(subject.take(0)).toBeUndefined()
})

test('an agent whose last waiter is removed has no turn any more', () => {
  const { add, subject, takeAll } = queue()
  const gone = add('gone', MEDIUM, 'a')
  add('b', MEDIUM, 'b')
  subject.remove(gone)
  expect(takeAll()).toBe('b')
})

test('the youngest is one of the least urgent', () => {
  const { add, nameOf, subject } = queue()
  add('low 1', LOW, 'a')
  add('low 2', LOW, 'b')
  add('medium')
  expect([nameOf(evict(subject)), nameOf(evict(subject)), nameOf(evict(subject))]).toEqual([
    'low 2',
    'low 1',
    'medium',
  ])
  expect([evict(subject), subject.size]).toEqual([undefined, 0])
})

test('the youngest below a level leaves that level and the more urgent ones alone', () => {
  const { add, nameOf, subject } = queue()
  add('medium')
  expect(evict(subject, MEDIUM)).toBeUndefined()
  expect(nameOf(evict(subject, HIGH))).toBe('medium')
})

test('sizes and the oldest are known by level', () => {
  const { add, subject } = queue()
  expect([subject.sizes, subject.oldestSince]).toEqual([[0, 0, 0], undefined])
  add('low', LOW, undefined, 5)
  add('high', HIGH, undefined, 7)
  expect([subject.sizes, subject.oldestSince, subject.size]).toEqual([[1, 0, 1], 5, 2])
})

test('a level that does not exist is a BUG', () => {
  const { add } = queue()
  expect(() => add('nowhere', 3)).toThrow(/^BUG: /)
})

test('whatever comes and goes, the order is the one that the slow model allows', () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ add: fc.nat(2), agent: fc.constantFrom(undefined, 'a', 'b', 'c') }) },
    { weight: 4, arbitrary: fc.constant('take' as const) },
    { weight: 1, arbitrary: fc.constantFrom('remove' as const, 'evict' as const) },
    { weight: 1, arbitrary: fc.nat(40) },
  )
  const steps = fc.array(step, { minLength: 50, maxLength: 200 })
  fc.assert(
    fc.property(steps, fc.boolean(), (history, fifo) => {
      const subject = new WaitQueue<string>({ ...DEFAULTS, ageMillis: 30, fifo })
      type Known = Waiter<string> & { id: number }
      const order = new Order<Known>({ fifo, ageMillis: 30, max: 10 })
      let now = 0
      let id = 0
      const wrong: string[] = []
      for (const what of history) {
        if (typeof what === 'number') now += what
        else if (typeof what === 'object') {
          const waiter = new Waiter<string>(what.add, what.agent, now, () => undefined)
          const known = Object.assign(waiter, { id: id++ })
          subject.add(known)
          order.add(known)
        } else if (what === 'take') {
          const taken = subject.take(now) as Known | undefined
          if (taken !== undefined) wrong.push(...order.serve(taken, { now }))
        } else {
          const gone = what === 'evict' ? evict(subject) : order.all[id % Math.max(1, order.size)]
          if (gone === undefined) continue
          if (what === 'remove') subject.remove(gone)
          order.drop(gone as Known)
        }
        expect(subject.size).toBe(order.size)
      }
      expect(wrong).toEqual([])
    }),
    { numRuns: 300 },
  )
})
