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
  const add = (name: string, level = MEDIUM, agent?: string, since = 0, ownMillis?: number) => {
    const waiter = new Waiter<string>(level, agent, since, () => undefined, undefined)
    waiter.ownMillis = ownMillis
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

test.each([
  [1, [1, 3]],
  [2, [1, 3]],
  [4, [3, 7]],
  [8, [7, 15]],
  [100, [7, 15]],
])('in a pool of %i the aged keep a connection’s worth of the turns, or one in eight', (max, turns) => {
  const { add, takeAll } = queue({ max })
  for (let n = 1; n <= 2; n++) add('old', LOW)
  for (let n = 1; n <= 40; n++) add('new', HIGH, undefined, 1_500)
  const order = takeAll(1_500).split(' ')
  expect(order.flatMap((name, index) => (name === 'new' ? [] : [index]))).toEqual(turns)
})

test('a waiter with a deadline of its own has aged once half of that is over', () => {
  for (const [now, place] of [
    [250, -1],
    [251, 7],
  ] as const) {
    const { add, take } = queue()
    add('short', LOW, undefined, 0, 500)
    for (let n = 1; n <= 20; n++) add('new', HIGH, undefined, 0)
    expect(Array.from({ length: 20 }, () => take(now)).indexOf('short')).toBe(place)
  }
})

test('a short deadline ages its level although somebody without one came first', () => {
  const { add, take } = queue({ max: 1 })
  add('patient', LOW)
  add('short', LOW, undefined, 0, 100)
  for (let n = 1; n <= 4; n++) add('new', HIGH)
  expect(Array.from({ length: 4 }, () => take(60))).toEqual(['new', 'patient', 'new', 'short'])
})

test('an agent that is parked has no turn until it is back, behind those who wait', () => {
  const { add, subject, take } = queue()
  for (const name of ['a1', 'a2']) add(name, MEDIUM, 'a')
  for (const name of ['b1', 'b2']) add(name, MEDIUM, 'b')
  subject.park('a', true)
  add('c1', MEDIUM, 'c')
  expect([take(), subject.size]).toEqual(['b1', 4])
  subject.park('a', false)
  expect([take(), take(), take(), take()]).toEqual(['c1', 'b2', 'a1', 'a2'])
})

test('with only parked agents waiting nobody has a turn, and none of them has aged', () => {
  const { add, subject, take } = queue()
  const gone = add('a1', LOW, 'a')
  subject.park('a', true)
  add('new', HIGH, undefined, 5_000)
  expect([take(5_000), take(5_000), subject.size]).toEqual(['new', undefined, 1])
  expect([subject.agesAt, subject.mostUrgent]).toEqual([Number.POSITIVE_INFINITY, undefined])
  expect([subject.remove(gone), subject.size]).toEqual([true, 0])
})

test('who comes to an agent that may have no more is parked with it', () => {
  const subject = new WaitQueue<string>(DEFAULTS, (agent) => agent !== 'a')
  subject.add(new Waiter<string>(MEDIUM, 'a', 0, () => undefined))
  expect([subject.size, subject.take(0)]).toEqual([1, undefined])
})

/** A queue of one agent that stands: those who have waited for long are served first, for a tenth of a second. */
function standing(options: Partial<WaitQueueOptions> = {}) {
  const house = queue(options)
  for (let n = 1; n <= 3; n++) house.add(`old${n}`, MEDIUM, undefined, 0, 1_000)
  house.take(300)
  house.take(400)
  return house
}

test('in a standing queue the newest of those with a deadline of their own are served first', () => {
  const { add, subject, take } = standing()
  expect(subject.isStanding).toBe(true)
  for (const name of ['1', '2', '3']) add(name, MEDIUM, undefined, 400, 1_000)
  expect([take(400), take(400)]).toEqual(['3', '2'])
})

test('whoever has no deadline waits for exactly as many turns as in order of arrival', () => {
  const { add, take } = standing()
  add('1', MEDIUM, undefined, 400, 1_000)
  add('patient 1', MEDIUM, undefined, 400)
  add('2', MEDIUM, undefined, 400, 1_000)
  add('patient 2', MEDIUM, undefined, 400)
  add('3', MEDIUM, undefined, 400, 1_000)
  const order = Array.from({ length: 6 }, () => take(400))
  expect(order).toEqual(['3', '2', 'patient 1', '1', 'patient 2', 'old2'])
})

test('a queue stands no more once it was empty', () => {
  const { add, subject, take } = standing()
  take(400)
  expect([subject.size, subject.isStanding]).toEqual([0, false])
  for (const name of ['1', '2']) add(name, MEDIUM, undefined, 400, 1_000)
  expect(take(600)).toBe('1')
})

test('the queue of one agent stands by itself', () => {
  const { add, take } = queue()
  for (let n = 1; n <= 4; n++) add(`noisy${n}`, MEDIUM, 'noisy', 0, 1_000)
  for (const name of ['quiet1', 'quiet2']) add(name, MEDIUM, 'quiet', 400, 1_000)
  const order = [300, 410, 420, 430, 440, 450].map((now) => take(now))
  expect(order).toEqual(['noisy1', 'quiet1', 'noisy4', 'quiet2', 'noisy3', 'noisy2'])
})

test('with fifo nothing stands', () => {
  expect(standing({ fifo: true }).subject.isStanding).toBe(false)
})

test('who stands before a newcomer is counted by level, and by the turns of the other agents', () => {
  const { add, subject } = queue({
    max: 4,
    agents: { max: new Map(), maxOfOthers: 9, weight: new Map([['w', 2]]) },
  })
  for (let n = 1; n <= 5; n++) add('urgent', HIGH)
  for (let n = 1; n <= 7; n++) add('a', MEDIUM, 'a')
  add('w', MEDIUM, 'w')
  const before = (agent: string | undefined, level = MEDIUM) =>
    subject.ahead(new Waiter<string>(level, agent, 0, () => undefined))
  expect(before('new')).toEqual({ urgent: 5, level: 2, isLowest: true, share: 0.25 })
  expect([before('a').level, before('w').level, before(undefined, HIGH)]).toEqual([
    8,
    1,
    { urgent: 0, level: 5, isLowest: false, share: 0.25 },
  ])
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
    {
      weight: 5,
      arbitrary: fc.record({
        add: fc.nat(2),
        agent: fc.constantFrom(undefined, 'a', 'b', 'c'),
        ownMillis: fc.constantFrom(undefined, undefined, 20),
      }),
    },
    { weight: 4, arbitrary: fc.constant('take' as const) },
    { weight: 1, arbitrary: fc.constantFrom('remove' as const, 'evict' as const) },
    { weight: 1, arbitrary: fc.nat(40) },
  )
  const steps = fc.array(step, { minLength: 50, maxLength: 200 })
  fc.assert(
    fc.property(steps, fc.boolean(), fc.constantFrom(1, 3, 10), (history, fifo, max) => {
      const weight = { a: 3, b: 2 }
      const agents = { max: new Map(), maxOfOthers: 9, weight: new Map(Object.entries(weight)) }
      const subject = new WaitQueue<string>({ ...DEFAULTS, ageMillis: 30, fifo, max, agents })
      type Known = Waiter<string> & { id: number }
      const order = new Order<Known>({ fifo, ageMillis: 30, max, weight })
      let now = 0
      let id = 0
      const wrong: string[] = []
      for (const what of history) {
        if (typeof what === 'number') now += what
        else if (typeof what === 'object') {
          const waiter = new Waiter<string>(what.add, what.agent, now, () => undefined)
          waiter.ownMillis = what.ownMillis
          const known = Object.assign(waiter, { id: id++ })
          subject.add(known)
          order.add(known)
        } else if (what === 'take') {
          const stood = subject.isStanding
          const taken = subject.take(now) as Known | undefined
          if (taken !== undefined)
            wrong.push(...order.serve(taken, { now, overloaded: subject.isStanding || stood }))
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
