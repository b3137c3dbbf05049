import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Orders } from '../../test/model/order.ts'
import { Lines } from './lines.ts'
import type { Use } from './slot.ts'
import { Waiter } from './waiter.ts'
import type { WaitQueueOptions } from './waiters.ts'

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

function lines(options: Partial<WaitQueueOptions> = {}) {
  const subject = new Lines<string>({ ...DEFAULTS, ...options })
  const names = new Map<Waiter<string>, string>()
  const add = (name: string, use: Use, since = 0, level = MEDIUM, agent?: string) => {
    const waiter = new Waiter<string>(level, agent, since, () => undefined, use)
    names.set(waiter, name)
    subject.add(waiter)
    return waiter
  }
  const nameOf = (waiter: Waiter<string> | undefined) => waiter && names.get(waiter)
  const take = (now = 0, limited = true) => nameOf(subject.take(now, limited))
  const takeAll = (now = 0) => Array.from({ length: subject.size }, () => take(now)).join(' ')
  const evictAll = () => Array.from({ length: subject.size }, () => nameOf(subject.evict())).join(' ')
  return { subject, add, evictAll, nameOf, take, takeAll }
}

test('the line with the most urgent waiter has the turn, among equals the one who came first', () => {
  const { add, takeAll } = lines()
  add('shared 1', 'shared', 1)
  add('exclusive 2', 'exclusive', 2)
  add('limited 3', 'limited', 3)
  add('shared 4', 'shared', 4)
  add('urgent 5', 'limited', 5, HIGH)
  add('late 0', 'exclusive', 0, LOW)
  expect(takeAll(5)).toBe('urgent 5 shared 1 exclusive 2 limited 3 shared 4 late 0')
})

test('a line whose oldest has aged is passed over seven times and then has its turn', () => {
  const { add, takeAll } = lines()
  for (let n = 1; n <= 3; n++) add(`old${n}`, 'shared', 0, LOW)
  for (let n = 1; n <= 30; n++) add('new', n % 2 === 0 ? 'exclusive' : 'limited', 1_500, HIGH)
  const order = takeAll(1_500).split(' ')
  expect(order.flatMap((name, index) => (name === 'new' ? [] : [index]))).toEqual([7, 15, 23])
})

test('a line whose oldest has waited for exactly ageMillis has not aged yet', () => {
  const { add, takeAll } = lines()
  add('old', 'exclusive', 0, LOW)
  for (let n = 1; n <= 10; n++) add('new', 'shared', 500, HIGH)
  expect(takeAll(1_000).endsWith('new old')).toBe(true)
})

test('of two lines that have aged the one whose oldest has waited longest gets the turn', () => {
  const { add, take } = lines()
  add('shared', 'shared', 100, LOW)
  add('exclusive', 'exclusive', 0, LOW)
  for (let n = 1; n <= 20; n++) add('new', 'limited', 2_000, HIGH)
  const order = Array.from({ length: 16 }, () => take(2_000))
  expect([order.indexOf('exclusive'), order.indexOf('shared')]).toEqual([7, 15])
})

test('the limited line is skipped while it has no turn, however urgent or aged its waiters are', () => {
  const { add, take } = lines()
  add('limited', 'limited', 0, HIGH)
  add('shared', 'shared', 5_000, LOW)
  for (let n = 1; n <= 9; n++) add('exclusive', 'exclusive', 5_000)
  const order = Array.from({ length: 11 }, () => take(5_000, false))
  expect(order).toEqual([...Array.from({ length: 9 }, () => 'exclusive'), 'shared', undefined])
  expect(take(5_000, true)).toBe('limited')
})

test('with fifo the lines are served as one, in order of arrival', () => {
  const { add, subject, takeAll } = lines({ fifo: true })
  add('1', 'shared', 1, LOW)
  add('2', 'exclusive', 2, HIGH)
  add('3', 'limited', 3)
  add('4', 'shared', 4, HIGH)
  add('5', 'exclusive', 5, LOW)
  expect(subject.sizes).toEqual([5])
  expect(takeAll(10_000)).toBe('1 2 3 4 5')
})

test('evict takes the youngest of the least urgent, whichever line it stands in', () => {
  const { add, evictAll } = lines()
  add('limited low 1', 'limited', 1, LOW)
  add('shared low 2', 'shared', 2, LOW)
  add('exclusive low 3', 'exclusive', 3, LOW)
  add('limited 4', 'limited', 4)
  add('high 5', 'shared', 5, HIGH)
  expect(evictAll()).toBe('exclusive low 3 shared low 2 limited low 1 limited 4 high 5')
})

test('evict below a level leaves that level and the more urgent ones alone in every line', () => {
  const { add, nameOf, subject } = lines()
  for (const use of ['exclusive', 'limited', 'shared'] as const) add(use, use, 0)
  const low = add('low', 'limited', 0, LOW)
  expect([nameOf(subject.evict(MEDIUM)), subject.remove(low)]).toEqual(['low', false])
  expect([subject.evict(MEDIUM), subject.size]).toEqual([undefined, 3])
})

test('with fifo evict takes who came last, whatever the priorities say', () => {
  const { add, evictAll } = lines({ fifo: true })
  add('1', 'exclusive', 1, LOW)
  add('2', 'shared', 2, HIGH)
  add('3', 'limited', 3)
  expect(evictAll()).toBe('3 2 1')
})

test('sizes and the oldest are those of all lines', () => {
  const { add, subject } = lines()
  expect([subject.sizes, subject.oldestSince, subject.size]).toEqual([[0, 0, 0], undefined, 0])
  add('a', 'limited', 7, HIGH)
  add('b', 'shared', 5, LOW)
  add('c', 'exclusive', 6, LOW)
  expect([subject.sizes, subject.oldestSince, subject.size]).toEqual([[1, 0, 2], 5, 3])
  expect([subject.exclusive.size, subject.limited.size, subject.shared.size]).toEqual([1, 1, 1])
})

test('who waits is told by level and agent, the most urgent first, then those of whom most wait', () => {
  const { add, subject } = lines()
  expect(subject.queues()).toEqual([])
  add('5', 'limited', 5, LOW, 'b')
  add('7', 'shared', 7, LOW, 'a')
  add('6', 'exclusive', 6, LOW, 'a')
  add('8', 'limited', 8, HIGH, 'b')
  expect(subject.queues()).toEqual([
    { level: HIGH, agent: 'b', waiting: 1, since: 8 },
    { level: LOW, agent: 'a', waiting: 2, since: 6 },
    { level: LOW, agent: 'b', waiting: 1, since: 5 },
  ])
})

test('a waiter is removed from its line, once', () => {
  const { add, subject, takeAll } = lines()
  add('1', 'shared', 1)
  const middle = add('2', 'shared', 2)
  add('3', 'shared', 3)
  expect([subject.remove(middle), subject.remove(middle), subject.size]).toEqual([true, false, 2])
  expect(takeAll()).toBe('1 3')
})

test('nobody is taken where nobody waits', () => {
  const { subject } = lines()
  expect([subject.take(0, true), subject.evict(), subject.size]).toEqual([undefined, undefined, 0])
})

test('whatever comes and goes, each line keeps its order and has its turn', () => {
  const use = fc.constantFrom<Use>('exclusive', 'limited', 'shared')
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ add: fc.nat(2), agent: fc.constantFrom(undefined, 'a', 'b'), use }) },
    { weight: 5, arbitrary: fc.constantFrom('take' as const, 'take' as const, 'take unlimited' as const) },
    { weight: 2, arbitrary: fc.constantFrom('admit' as const, 'remove' as const, 'evict' as const) },
    { weight: 2, arbitrary: fc.nat(20) },
  )
  const steps = fc.array(step, { minLength: 50, maxLength: 200 })
  fc.assert(
    fc.property(steps, fc.boolean(), (history, fifo) => {
      const subject = new Lines<string>({ ...DEFAULTS, ageMillis: 30, fifo })
      type Known = Waiter<string> & { id: number }
      const order = new Orders<Known>({ fifo, ageMillis: 30, max: 10 })
      let now = 0
      let id = 0
      const wrong: string[] = []
      for (const what of history) {
        const { all } = order
        if (typeof what === 'number') now += what
        else if (typeof what === 'object') {
          const waiter = new Waiter<string>(what.add, what.agent, now, () => undefined, what.use)
          const known = Object.assign(waiter, { id: id++ })
          subject.add(known)
          order.add(known)
        } else if (what === 'take' || what === 'take unlimited') {
          const limited = what === 'take'
          const taken = subject.take(now, limited) as Known | undefined
          if (taken !== undefined) wrong.push(...order.serve(taken, { now }, limited))
          else expect(all.some((waiter) => limited || waiter.use !== 'limited')).toBe(false)
        } else if (what === 'admit') {
          const taken = subject.shared.take(now) as Known | undefined
          if (taken !== undefined) wrong.push(...order.admit(taken, { now }))
        } else if (what === 'evict') {
          const gone = subject.evict() as Known | undefined
          if (gone === undefined) continue
          order.drop(gone)
          const lower = (other: Known) =>
            fifo || other.level === gone.level ? other.since > gone.since : other.level > gone.level
          if (all.some(lower)) wrong.push(`${gone.id} had to go before somebody less urgent`)
        } else {
          const gone = all[id % Math.max(1, all.length)]
          if (gone === undefined) continue
          subject.remove(gone)
          order.drop(gone)
        }
        const since = order.all.map((waiter) => waiter.since)
        expect([subject.size, subject.oldestSince]).toEqual([
          order.size,
          since.length === 0 ? undefined : Math.min(...since),
        ])
      }
      expect(wrong).toEqual([])
    }),
    { numRuns: 300 },
  )
})

test('an agent that waits in one line does not wait for the backlog of another in all of them', () => {
  const subject = new Lines<string>(DEFAULTS)
  for (let n = 0; n < 500; n++)
    for (const use of ['exclusive', 'limited', 'shared'] as const)
      subject.add(new Waiter<string>(1, 'noisy', 0, () => undefined, use))
  for (let n = 0; n < 50; n++) subject.take(1, true)
  for (const use of ['shared', 'limited', 'exclusive'] as const) {
    const quiet = new Waiter<string>(1, 'quiet', 1, () => undefined, use)
    subject.add(quiet)
    let turns = 1
    while (subject.take(1, true) !== quiet) turns += 1
    expect(turns).toBeLessThanOrEqual(6)
    for (let n = 0; n < 10; n++) subject.take(1, true)
  }
})
