import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BANDS, sizeForAgents, sizeForNested, sizeForTraffic, sizeForWorkers } from './demand.ts'

describe('agents', () => {
  test.each([
    [10, 2, 25, 5],
    [50, 3, 180, 30],
    [200, 4, 960, 160],
    [1, 1, 6, 5],
  ])(
    '%i agents × %i statements are %i connections, %i of them buffer',
    (agents, statements, value, buffer) => {
      expect(sizeForAgents({ agents, statements })).toMatchObject({ formula: 'agents', value, buffer })
    },
  )

  test.each([
    [1, 5, 25],
    [10, 5, 25],
    [11, 20, 200],
    [50, 20, 200],
    [51, 50, 1_000],
    [200, 50, 1_000],
  ])('for %i agents %i to %i connections are usual', (agents, from, to) => {
    const { band, caveat } = sizeForAgents({ agents, statements: 1 })
    expect(band?.connections).toEqual({ from, to })
    expect(caveat).toContain(`${from}–${to.toLocaleString('en-US')} are usual`)
  })

  test('the bands are 1–10, 10–50 and 50–200 agents, and there is none above', () => {
    expect(BANDS.map(({ agents }) => [agents.from, agents.to])).toEqual([
      [1, 10],
      [10, 50],
      [50, 200],
    ])
    expect(sizeForAgents({ agents: 201, statements: 1 }).band).toBeUndefined()
  })

  test('the answer says whether it lies below, within or above what is usual', () => {
    expect(sizeForAgents({ agents: 11, statements: 1 }).caveat).toContain('this is below')
    expect(sizeForAgents({ agents: 50, statements: 3 }).caveat).toContain('this is within')
    expect(sizeForAgents({ agents: 50, statements: 9 }).caveat).toContain('this is above')
  })

  test('the arithmetic is shown', () => {
    expect(sizeForAgents({ agents: 50, statements: 3 }).arithmetic).toBe(
      '50 agents × 3 + buffer 30 (20 %, at least 5) = 180',
    )
  })
})

describe('traffic', () => {
  test('100 requests a second of 50 ms keep 5 connections busy and ask for 8', () => {
    expect(sizeForTraffic({ perSecond: 100, millis: 50 })).toMatchObject({
      busy: 5,
      value: 8,
      arithmetic: '100/s × 50 ms = 5 busy; + 50 %, rounded up, at least 1 = 8',
    })
  })

  test('no traffic asks for one connection', () => {
    expect(sizeForTraffic({ perSecond: 0, millis: 50 }).value).toBe(1)
  })
})

describe('workers and nested tasks', () => {
  test('2 workers with 5 statements each use 10 connections', () => {
    expect(sizeForWorkers({ workers: 2, each: 5 })).toMatchObject({
      value: 10,
      arithmetic: '2 workers × 5 = 10',
    })
  })

  test.each([
    [1, 1, 1],
    [3, 1, 1],
    [3, 4, 10],
    [8, 2, 9],
  ])('%i tasks that hold %i at once cannot lock each other out with %i', (tasks, held, value) => {
    expect(sizeForNested({ tasks, held }).value).toBe(value)
  })

  test('with one less than that the tasks can lock each other out, with that many they cannot', () => {
    /** Every task takes a connection in turn, as long as it is not its last: who then gets on? */
    const isStuck = (size: number, tasks: number, held: number): boolean => {
      let free = size
      for (let taken = 0; taken < held - 1; taken++)
        for (let task = 0; task < tasks && free > 0; task++) free -= 1
      return free === 0
    }
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 10 }), (tasks, held) => {
        const { value } = sizeForNested({ tasks, held })
        expect([isStuck(value - 1, tasks, held), isStuck(value, tasks, held)]).toEqual([true, false])
      }),
    )
  })
})

test('numbers that make no sense are refused by name, value and range', () => {
  expect(() => sizeForAgents({ agents: 0, statements: 1 })).toThrow(
    'agents must be a whole number 1 or more; it is 0',
  )
  expect(() => sizeForTraffic({ perSecond: -1, millis: 1 })).toThrow(
    'perSecond must be a number 0 or more; it is -1',
  )
  expect(() => sizeForWorkers({ workers: 1 } as never)).toThrow('each must be given: a whole number from 1')
  expect(() => sizeForNested({ tasks: 1, held: 1.5 })).toThrow(
    'held must be a whole number 1 or more; it is 1.5',
  )
})

const count = fc.integer({ min: 1, max: 10_000 })

test('more callers never ask for fewer connections, and never for fewer than they use', () => {
  fc.assert(
    fc.property(count, count, count, (many, more, each) => {
      const agents = (n: number) => sizeForAgents({ agents: n, statements: each }).value
      const traffic = (n: number) => sizeForTraffic({ perSecond: n, millis: each }).value
      const nested = (n: number) => sizeForNested({ tasks: n, held: each }).value
      for (const size of [agents, traffic, nested])
        expect(size(many + more)).toBeGreaterThanOrEqual(size(many))
      expect(agents(many)).toBeGreaterThanOrEqual(many * each + 5)
      expect(traffic(many)).toBeGreaterThanOrEqual((many * each * 1.5) / 1_000)
    }),
  )
})
