import { expect, test } from 'vitest'
import { Agents, readAgents, weightOf } from './agents.ts'
import type { PoolOptions } from './options.ts'
import { readPoolOptions } from './options.ts'

test('a number bounds all agents, a record those it names, and its * all others', () => {
  expect(readAgents({ agents: { max: '4' } })).toEqual({ max: new Map(), maxOfOthers: 4, weight: new Map() })
  expect(readAgents({ agents: { max: { a: 2, '*': 8 } } })).toMatchObject({
    max: new Map([['a', 2]]),
    maxOfOthers: 8,
  })
  expect(readAgents({ agents: { max: { a: 2 } } })?.maxOfOthers).toBe(Number.POSITIVE_INFINITY)
  expect(readAgents({})).toBeUndefined()
})

test('an agent without a weight has one turn', () => {
  const settings = readAgents({ agents: { weight: { a: 3 } } })
  expect([weightOf(settings, 'a'), weightOf(settings, 'b'), weightOf(settings, undefined)]).toEqual([3, 1, 1])
  expect(weightOf(undefined, 'a')).toBe(1)
})

test.each<[unknown, string]>([
  [4, 'agents must be an object with max and weight'],
  [null, 'agents must be an object with max and weight'],
  [{ most: 3 }, 'agents has max and weight, and no "most"'],
  [{ max: 0 }, 'agents.max must be a whole number from 1 to 10,000; it is 0'],
  [{ max: null }, 'agents.max must be a number or a record of numbers by agent'],
  [{ max: { a: 1.5 } }, 'agents.max["a"] must be a whole number from 1 to 10,000; it is 1.5'],
  [{ weight: 2 }, 'agents.weight must be a record of numbers by agent'],
  [{ weight: { a: 101 } }, 'agents.weight["a"] must be a whole number from 1 to 100; it is 101'],
])('agents: %j is refused with a reason', (agents, reason) => {
  expect(() => readPoolOptions({ agents } as PoolOptions)).toThrow(reason)
})

test('agents and fifo contradict each other', () => {
  expect(() => readPoolOptions({ agents: { max: 1 }, fifo: true })).toThrow(
    'agents take turns, which fifo switches off; leave one of them out',
  )
})

function accounts(max: number | Record<string, number>) {
  const settings = readAgents({ agents: { max } })
  if (settings === undefined) throw new Error('no settings')
  const agents = new Agents(settings)
  const told: string[] = []
  agents.onFull = (agent, isFull) => told.push(`${agent} ${isFull ? 'is full' : 'has room'}`)
  return { agents, told }
}

test('it is told when an agent may have no more, and when it may again', () => {
  const { agents, told } = accounts({ a: 2 })
  for (const by of [1, 1, -1, 1, -1, -1] as const) agents.holds('a', by)
  agents.holds('b', 1)
  expect(told).toEqual(['a is full', 'a has room', 'a is full', 'a has room'])
})

test('waiters beyond what their agents may have are counted apart, those of the share last', () => {
  const { agents } = accounts(2)
  agents.holds('a', 1)
  for (let n = 0; n < 3; n++) agents.waits('a', 'limited', 1)
  expect(agents.excess).toEqual({ exclusive: 0, limited: 2 })
  agents.waits('a', 'exclusive', 1)
  expect(agents.excess).toEqual({ exclusive: 0, limited: 3 })
  agents.waits('a', 'exclusive', 1)
  agents.waits('a', 'shared', 1)
  expect([agents.excess, agents.roomBeyond('a'), agents.roomBeyond('b')]).toEqual([
    { exclusive: 1, limited: 3 },
    -4,
    2,
  ])
  agents.holds('a', -1)
  expect(agents.excess).toEqual({ exclusive: 0, limited: 3 })
})
