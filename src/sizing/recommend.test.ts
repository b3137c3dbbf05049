import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Question } from './recommend.ts'
import { recommend } from './recommend.ts'
import type { TierName } from './tiers.ts'
import { TIERS } from './tiers.ts'

const agents = { agents: 50, statements: 3 }
const traffic = { perSecond: 100, millis: 50 }

/** Who decided, what came out, and whom it was preferred to. */
function decision(question: Question): string {
  const { decidedBy, max, min, preferences } = recommend(question)
  return [`${decidedBy} ${max}/${min}`, ...preferences.map(({ over }) => over)].join(' ')
}

describe('one answer alone decides', () => {
  test.each<[string, Question]>([
    ['agents 180/45', { agents }],
    ['traffic 8/2', { traffic }],
    ['workers 10/2', { workers: { workers: 2, each: 5 } }],
    ['nested 7/1', { nested: { tasks: 3, held: 3 } }],
    ['instances 16/4', { instances: { instances: 5 } }],
    ['hardware 24/6', { hardware: { cores: 4 } }],
    ['tier 40/10', { tier: 'medium' }],
  ])('%s', (expected, question) => {
    expect(decision(question)).toBe(expected)
  })
})

describe('where two differ', () => {
  test.each<[string, Question]>([
    // More than the server can work on only queues inside it.
    ['tier 40/10 agents', { tier: 'medium', agents }],
    ['hardware 64/16 agents', { hardware: { cores: 4 }, agents }],
    // Nobody asks for what the server could do besides.
    ['traffic 8/2 tier hardware', { tier: 'medium', traffic }],
    ['traffic 8/2 agents', { agents, traffic }],
    // The vendor's memory is short before its CPUs are.
    ['tier 10/2 hardware', { tier: 'free' }],
    ['hardware 48/12 tier', { tier: 'xl', hardware: { cores: 2 } }],
    // What the server gives is the end of it.
    ['instances 8/2 agents', { agents, instances: { instances: 10 } }],
    ['traffic 8/2 instances', { traffic, instances: { instances: 5 } }],
    // Tasks that lock each other out are worse than a queue.
    ['nested 17/4 workers', { workers: { workers: 2, each: 5 }, nested: { tasks: 8, held: 3 } }],
    ['nested 61/15 hardware', { hardware: { cores: 2 }, nested: { tasks: 30, held: 3 } }],
  ])('%s', (expected, question) => {
    expect(decision(question)).toBe(expected)
  })

  test('both numbers stand in the reason', () => {
    const [only] = recommend({ tier: 'medium', agents }).preferences
    expect(only).toMatchObject({ prefer: 'tier', over: 'agents' })
    expect(only?.reason).toContain('180')
    expect(only?.reason).toContain('40')
  })
})

test('what belongs to the whole server is shared by its processes', () => {
  const { max, processes, reason, answers } = recommend({ tier: 'medium', instances: { instances: 5 } })
  expect([max, processes]).toEqual([8, 5])
  expect(reason).toBe('Decided by tier, the smallest, shared by 5 processes.')
  expect(answers.find(({ formula }) => formula === 'instances')?.arithmetic).toContain('(150 − 15) ÷ 5 = 27')
  expect(answers.at(-1)).toMatchObject({ formula: 'memory', value: 400 })
})

test('a limit that nobody knows is said to be unknown', () => {
  expect(recommend({ agents }).reason).toContain('PostgreSQL’s own limit is 100')
  expect(recommend({ tier: 'small' }).reason).toBe('Decided by tier.')
})

test('nested tasks that the server can never serve are refused with what to change', () => {
  expect(() => recommend({ tier: 'free', nested: { tasks: 30, held: 3 } })).toThrow(
    'nested tasks need 61 connections so as not to wait for each other for ever, and the server can give a process 50',
  )
})

test('nothing to go by is an error that names what there is', () => {
  expect(() => recommend({})).toThrow('give agents, traffic, workers, nested, instances, tier or hardware')
  expect(() => recommend({ hardware: { spindles: 2 } })).toThrow('cores must be given: a whole number from 1')
})

const anyTier = fc.constantFrom(...(Object.keys(TIERS) as TierName[]))
const count = fc.integer({ min: 1, max: 200 })
const anyQuestion = fc.record(
  {
    agents: fc.record({ agents: count, statements: fc.integer({ min: 1, max: 8 }) }),
    traffic: fc.record({ perSecond: count, millis: count }),
    workers: fc.record({ workers: count, each: count }),
    instances: fc.record({
      instances: fc.integer({ min: 1, max: 20 }),
      surge: fc.integer({ min: 0, max: 5 }),
    }),
    hardware: fc.record({ cores: fc.integer({ min: 1, max: 64 }) }),
  },
  { requiredKeys: [] },
)

test('whatever is asked, all processes together stay within what the tier has to give', () => {
  fc.assert(
    fc.property(anyQuestion, anyTier, (question, tier) => {
      const { max, min, processes } = recommend({ ...question, tier })
      expect(max * (processes + (question.instances?.surge ?? 0))).toBeLessThanOrEqual(TIERS[tier].available)
      expect(max).toBeGreaterThanOrEqual(1)
      expect(min).toBe(Math.floor(max / 4))
    }),
  )
})

test('every answer that differs from the recommended size is preferred to or within its range', () => {
  fc.assert(
    fc.property(anyQuestion, anyTier, (question, tier) => {
      const { decidedBy, preferences, answers } = recommend({ ...question, tier })
      const over = preferences.map(({ over }) => over)
      expect(over).not.toContain(decidedBy)
      expect(new Set(over).size).toBe(over.length)
      for (const { prefer } of preferences) expect(prefer).toBe(decidedBy)
      expect(answers.map(({ formula }) => formula)).toEqual(expect.arrayContaining([decidedBy, ...over]))
    }),
  )
})

test('every answer shows its number in its arithmetic, what it does not know and where it comes from', () => {
  fc.assert(
    fc.property(anyQuestion, anyTier, (question, tier) => {
      for (const { value, arithmetic, caveat, source } of recommend({ ...question, tier }).answers) {
        expect(arithmetic).toContain(value.toLocaleString('en-US'))
        expect(caveat).toMatch(/\.$/)
        expect(source).not.toBe('')
      }
    }),
  )
})
