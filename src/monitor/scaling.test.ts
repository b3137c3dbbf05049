import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TIERS } from '../sizing/tiers.ts'
import type { PoolMetrics } from './collect.ts'
import type { ScalingKind, ScalingOptions, ScalingSample } from './scaling.ts'
import { sampleOf, scalingAdvice } from './scaling.ts'

const MINUTE = 60_000
const DAY = 1_440 * MINUTE

/** A pool that is neither busy nor idle, in every fact. */
const FAIR: Omit<ScalingSample, 'at'> = {
  max: 20,
  utilization: 50,
  idle: 5,
  queueDepth: 1,
  responseMillis: 15,
  errorPercent: 2,
  full: 0,
  connectTimeouts: 0,
  refused: 0,
  cpu: 60,
}

/** One in which there is nothing to do. */
const IDLE = {
  ...FAIR,
  utilization: 0,
  idle: 0,
  queueDepth: 0,
  responseMillis: null,
  errorPercent: 0,
  cpu: undefined,
}

const OPTIONS: ScalingOptions = { absoluteMax: 100, baselineMillis: 10 }

/** Samples a minute apart (or `every`) that reach back `millis`, all alike. */
function lasting(millis: number, facts: Partial<ScalingSample>, every = MINUTE): ScalingSample[] {
  const samples = 1 + Math.floor(millis / every)
  return Array.from({ length: samples }, (_, n) => ({ ...FAIR, ...facts, at: DAY + n * every }))
}

const kinds = (series: readonly ScalingSample[], options: ScalingOptions = OPTIONS): ScalingKind[] =>
  scalingAdvice(series, options).advice.map(({ kind }) => kind)

/** The same, one fact of the newest sample changed. */
function but(series: readonly ScalingSample[], facts: Partial<ScalingSample>): ScalingSample[] {
  return series.map((sample, n) => (n === series.length - 1 ? { ...sample, ...facts } : sample))
}

test('where nothing is exceeded nothing is said, and everything is known', () => {
  expect(scalingAdvice(lasting(8 * DAY, {}), OPTIONS)).toEqual({
    advice: [],
    unknown: [],
    baselineMillis: 10,
  })
})

describe('each figure of the reference: fires above it, is silent at it, and before its window is full', () => {
  const growing = { idle: 0, utilization: 80.1 }
  const quiet = { queueDepth: 0, responseMillis: 9.9, utilization: 29.9, errorPercent: 0.9, idle: 0 }
  const shrinking = { utilization: 29.9, idle: 10.1, max: 90 }
  const small = { cpu: 39.9, utilization: 29.9, idle: 0 }
  test.each([
    ['utilization above 80 % for a minute grows the pool', 'resize', growing, { utilization: 80 }, MINUTE],
    ['below 30 % for two minutes shrinks it', 'resize', shrinking, { utilization: 30 }, 2 * MINUTE],
    ['with more than 10 idle', 'resize', shrinking, { idle: 10 }, 2 * MINUTE],
    ['a queue above 50 for 2 minutes is out', 'out', { queueDepth: 50.1 }, { queueDepth: 50 }, 2 * MINUTE],
    ['twice the baseline is out', 'out', { responseMillis: 20.1 }, { responseMillis: 20 }, 2 * MINUTE],
    ['utilization above 80 % is out', 'out', growing, { utilization: 80 }, 2 * MINUTE],
    ['errors above 5 % are out', 'out', { errorPercent: 5.1 }, { errorPercent: 5 }, 2 * MINUTE],
    ['an empty queue for 10 minutes is in', 'in', quiet, { queueDepth: 1 }, 10 * MINUTE],
    ['below the baseline', 'in', quiet, { responseMillis: 10 }, 10 * MINUTE],
    ['utilization below 30 %', 'in', quiet, { utilization: 30 }, 10 * MINUTE],
    ['errors below 1 %', 'in', quiet, { errorPercent: 1 }, 10 * MINUTE],
    ['CPU above 80 % for 10 minutes is a tier up', 'tier-up', { cpu: 80.1 }, { cpu: 80 }, 10 * MINUTE],
    ['a pool at max all the time', 'tier-up', { full: 1 }, { full: 0.99 }, 10 * MINUTE],
    ['three times the baseline', 'tier-up', { responseMillis: 30.1 }, { responseMillis: 30 }, 10 * MINUTE],
    [
      'more than one connect timeout a minute',
      'tier-up',
      { connectTimeouts: 1.1 },
      { connectTimeouts: 0 },
      10 * MINUTE,
    ],
    ['CPU below 40 % for 24 hours is a tier down', 'tier-down', small, { cpu: 40 }, 7 * DAY],
    ['with utilization below 30 %', 'tier-down', small, { utilization: 30 }, 7 * DAY],
    ['and no trouble for 7 days', 'tier-down', small, { refused: 1 }, 7 * DAY],
  ] as const)('%s', (_, kind, above, at, window) => {
    const full = lasting(window, above)
    expect(kinds(full)).toContain(kind)
    expect(kinds(but(full, at))).not.toContain(kind)
    const short = lasting(window - 1, above, MINUTE - 1)
    expect(short.at(-1)?.at).toBeLessThan(DAY + window)
    expect(kinds(short)).not.toContain(kind)
    expect(scalingAdvice(short, OPTIONS).unknown.map((each) => each.kind)).toContain(kind)
  })

  test('one connect timeout a minute is not frequent: the figure is a mean', () => {
    expect(kinds(lasting(10 * MINUTE, { connectTimeouts: 1 }))).toEqual([])
    const series = lasting(10 * MINUTE, { connectTimeouts: 0 })
    expect(kinds(but(series, { connectTimeouts: 11 }))).toEqual(['tier-up'])
  })

  test('CPU must have been low for 24 hours, not for 7 days', () => {
    const series = lasting(7 * DAY, { cpu: 39, utilization: 20, idle: 0 })
    const wasBusy = series.map((sample, n) =>
      n < 5 * 1_440 ? { ...sample, cpu: 70, utilization: 70 } : sample,
    )
    expect(kinds(wasBusy)).toContain('tier-down')
    const lately = series.map((sample, n) => (n === 6 * 1_440 ? { ...sample, cpu: 70 } : sample))
    expect(kinds(lately)).not.toContain('tier-down')
  })

  test.each([
    { refused: 1 },
    { connectTimeouts: 1 },
    { full: 1 },
    { queueDepth: 51 },
    { utilization: 81 },
    { errorPercent: 6 },
    { cpu: 81 },
    { responseMillis: 21 },
  ])('%o six days ago is trouble', (trouble) => {
    const series = lasting(7 * DAY, { cpu: 39, utilization: 20, idle: 0 }, 12 * MINUTE)
    expect(kinds(series)).toContain('tier-down')
    const troubled = series.map((sample, n) => (n === 120 ? { ...sample, ...trouble } : sample))
    expect(kinds(troubled)).not.toContain('tier-down')
  })
})

describe('the change to make', () => {
  const adviceOf = (kind: ScalingKind, facts: Partial<ScalingSample>, options: ScalingOptions = {}) => {
    const series = kind === 'tier-down' ? lasting(7 * DAY, facts, 14 * MINUTE) : lasting(10 * MINUTE, facts)
    return scalingAdvice(series, { ...OPTIONS, ...options }).advice.find((each) => each.kind === kind)
  }

  test('a pool grows by half up to the absolute max, and keeps a fifth', () => {
    expect(adviceOf('resize', { utilization: 85.04, idle: 0 })).toEqual({
      kind: 'resize',
      evidence: 'utilization 85 %, more than 80 %, for 1 minute.',
      seen: { utilization: { least: 85.04, most: 85.04 } },
      windowMillis: MINUTE,
      change:
        'Set max to 30 (it is 20) and min to 6: 85 % in use, more than 80 %: 20 × 1.5, up to 100, makes 30.',
      size: { max: 30, min: 6 },
    })
    expect(adviceOf('resize', { utilization: 85 }, { absoluteMax: 25 })?.size).toEqual({ max: 25, min: 5 })
    expect(adviceOf('resize', { utilization: 85 }, { absoluteMax: 20 })).toBeUndefined()
  })

  test('a pool shrinks to seven tenths, not below 30 % of the absolute max', () => {
    const quiet = { utilization: 10, idle: 11 }
    expect(adviceOf('resize', { ...quiet, max: 90 })?.size).toEqual({ max: 63, min: 12 })
    expect(adviceOf('resize', { ...quiet, max: 40 })?.size).toEqual({ max: 30, min: 6 })
    expect(adviceOf('resize', { ...quiet, max: 30 })).toBeUndefined()
  })

  test('a pool above the absolute max comes down at once', () => {
    expect(kinds([{ ...FAIR, at: 0, max: 200 }])).toEqual(['resize'])
  })

  test('instances grow by half and shrink by a tenth, whole ones, within their bounds', () => {
    const busy = { queueDepth: 60 }
    const instances = (kind: 'out' | 'in', facts: Partial<ScalingSample>, options: ScalingOptions) =>
      adviceOf(kind, facts, options)?.instances
    expect(adviceOf('out', busy)?.change).toBe('Run one instance more.')
    expect(instances('out', busy, { instances: 1 })).toBe(2)
    expect(instances('out', busy, { instances: 5 })).toBe(8)
    expect(instances('out', busy, { instances: 10 })).toBe(15)
    expect(instances('out', busy, { instances: 18 })).toBe(20)
    expect(adviceOf('out', busy, { instances: 20 })).toBeUndefined()
    expect(adviceOf('in', IDLE)?.change).toBe('Run one instance less.')
    expect(instances('in', IDLE, { instances: 20 })).toBe(18)
    expect(instances('in', IDLE, { instances: 3 })).toBe(2)
    expect(adviceOf('in', IDLE, { instances: 2 })).toBeUndefined()
    expect(instances('in', IDLE, { instances: 2, minInstances: 1 })).toBe(1)
  })

  test('the next tier is named with what it has, and a smaller one with what does not fit', () => {
    const small = { cpu: 20, utilization: 10, idle: 0 }
    expect(adviceOf('tier-up', { cpu: 90 }, { tier: 'medium' })).toMatchObject({
      tier: 'large',
      change: 'Move the database from medium to large: 8 CPUs, 180 connections.',
    })
    expect(adviceOf('tier-up', { cpu: 90 }, { tier: '2xl' })?.change).toContain('no tier above 2xl')
    expect(adviceOf('tier-down', small, { tier: 'medium' })?.change).toBe(
      'Move the database from medium to small: 2 CPUs, 80 connections.',
    )
    expect(adviceOf('tier-down', small, { tier: 'medium', instances: 5 })?.change).toContain(
      'Make the pools smaller first: 100 connections are more than that.',
    )
    expect(adviceOf('tier-down', small, { tier: 'free' })).toBeUndefined()
  })

  test('evidence is a range where what was seen varied', () => {
    const series = lasting(2 * MINUTE, { queueDepth: 60 })
    const [advice] = scalingAdvice(but(series, { queueDepth: 80 }), OPTIONS).advice
    expect(advice).toMatchObject({
      evidence: 'queueDepth 60 to 80, more than 50, for 2 minutes.',
      seen: { queueDepth: { least: 60, most: 80 } },
      windowMillis: 2 * MINUTE,
    })
  })
})

describe('what is not known', () => {
  test('makes a rule silent, and is said', () => {
    const { advice, unknown } = scalingAdvice(
      lasting(10 * MINUTE, { cpu: undefined, queueDepth: undefined, utilization: 81, idle: 0 }),
      { absoluteMax: 100 },
    )
    // What is known is enough for some.
    expect(advice.map(({ kind }) => kind)).toEqual(['resize', 'out'])
    expect(unknown.filter(({ kind }) => kind !== 'tier-down')).toEqual([
      { kind: 'out', why: 'queueDepth is not known in 3 of 3 samples' },
      { kind: 'out', why: 'responseMillis is not known in 3 of 3 samples' },
      { kind: 'tier-up', why: 'cpu is not known in 11 of 11 samples' },
      { kind: 'tier-up', why: 'responseMillis is not known in 11 of 11 samples' },
    ])
  })

  test.each([
    [{ cpu: undefined }, 'cpu is not known in 1441 of 1441 samples'],
    [{ refused: undefined }, 'trouble is not known in 10081 of 10081 samples'],
  ])('%o: no smaller database', (facts, why) => {
    const series = lasting(7 * DAY, { ...IDLE, cpu: 10, ...facts })
    const { advice, unknown } = scalingAdvice(series, OPTIONS)
    expect(advice.map(({ kind }) => kind)).not.toContain('tier-down')
    expect(unknown).toContainEqual({ kind: 'tier-down', why })
  })

  test('without the absolute max nothing is said about the size of the pool', () => {
    const { advice, unknown } = scalingAdvice(lasting(MINUTE, { utilization: 90 }), { baselineMillis: 10 })
    expect(advice).toEqual([])
    expect(unknown).toContainEqual({ kind: 'resize', why: 'absoluteMax is not given' })
  })

  test('of no sample at all nothing is known', () => {
    const { advice, unknown } = scalingAdvice([], OPTIONS)
    expect(advice).toEqual([])
    expect(new Set(unknown.map(({ kind }) => kind))).toEqual(
      new Set<ScalingKind>(['resize', 'out', 'in', 'tier-up', 'tier-down']),
    )
  })
})

describe('gaps', () => {
  test('one sample may be missing; after two the window begins anew', () => {
    const series = lasting(10 * MINUTE, { ...IDLE })
    const without = (...missing: number[]) => series.filter((_, n) => !missing.includes(n))
    expect(kinds(without(5))).toEqual(['in'])
    expect(kinds(without(5, 6))).toEqual([])
    expect(scalingAdvice(without(5, 6), OPTIONS).unknown).toContainEqual({
      kind: 'in',
      why: 'the samples cover 3 minutes of 10 minutes without a gap',
    })
  })

  test('a clock that was put back, or put on, begins every window anew', () => {
    const before = lasting(10 * MINUTE, { ...IDLE })
    for (const step of [-60 * MINUTE, 60 * MINUTE]) {
      const later = (minutes: number) =>
        lasting(minutes * MINUTE, { ...IDLE }).map((sample) => ({
          ...sample,
          at: sample.at + 11 * MINUTE + step,
        }))
      expect(kinds([...before, ...later(9)])).toEqual([])
      expect(scalingAdvice([...before, ...later(9)], OPTIONS).unknown).toContainEqual({
        kind: 'in',
        why: 'the samples cover 9 minutes of 10 minutes without a gap',
      })
      expect(kinds([...before, ...later(10)])).toEqual(['in'])
    }
  })

  test('a long window takes longer ones: a hundredth of it', () => {
    const hourly = lasting(7 * DAY, { ...IDLE, cpu: 10 }, 14 * MINUTE)
    expect(kinds(hourly)).toContain('tier-down')
    expect(kinds(lasting(7 * DAY, { ...IDLE, cpu: 10 }, 15 * MINUTE))).not.toContain('tier-down')
    // 864 s are a hundredth of the day in which CPU and utilization are looked at.
    expect(kinds(lasting(7 * DAY, { ...IDLE, cpu: 10 }, 864_000))).toContain('tier-down')
    expect(kinds(lasting(7 * DAY, { ...IDLE, cpu: 10 }, 864_001))).not.toContain('tier-down')
  })

  test('samples that are meant to be further apart fill their windows', () => {
    const series = lasting(10 * MINUTE, { ...IDLE }, 5 * MINUTE)
    expect(kinds(series)).toEqual([])
    expect(kinds(series, { ...OPTIONS, every: 5 * MINUTE })).toEqual(['in'])
  })
})

describe('hysteresis', () => {
  test('what was before a change does not count', () => {
    const series = lasting(10 * MINUTE, IDLE)
    const last = series.at(-1)?.at ?? 0
    expect(kinds(series, { ...OPTIONS, changedAt: last - 10 * MINUTE })).toEqual(['in'])
    expect(kinds(series, { ...OPTIONS, changedAt: last - 9 * MINUTE })).toEqual([])
  })

  test('a pool whose max has changed is judged anew', () => {
    const series = lasting(5 * MINUTE, { utilization: 90, idle: 0 })
    expect(kinds(series)).toContain('resize')
    const resized = but(series, { max: 30 })
    expect(kinds(resized)).not.toContain('resize')
    expect(kinds([...resized, { ...resized.at(-1), at: DAY + 6 * MINUTE } as ScalingSample])).toContain(
      'resize',
    )
  })

  test('constant work never has a pool grown and shrunk again', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 120, noNaN: true }),
        (start, busy) => {
          const turns = new Set<string>()
          let max = start
          for (let turn = 0; turn < 30; turn++) {
            const facts = {
              max,
              utilization: Math.min(100, (100 * busy) / max),
              idle: Math.max(0, max - busy),
            }
            const [advice] = scalingAdvice(lasting(2 * MINUTE, facts), OPTIONS).advice
            if (advice?.size === undefined) break
            turns.add(advice.size.max > max ? 'grow' : 'shrink')
            max = advice.size.max
          }
          expect(turns.size).toBeLessThanOrEqual(1)
        },
      ),
    )
  })

  test('constant work never has instances added and taken away again', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.double({ min: 0, max: 1_500, noNaN: true }),
        (start, load) => {
          const turns: string[] = []
          let instances = start
          for (let turn = 0; turn < 30; turn++) {
            const utilization = Math.min(100, load / instances)
            const series = lasting(10 * MINUTE, { ...IDLE, utilization })
            const options = { baselineMillis: 10, instances, minInstances: 1 }
            const [advice] = scalingAdvice(series, options).advice
            if (advice?.instances === undefined) break
            turns.push(advice.kind)
            instances = advice.instances
          }
          expect(new Set(turns).size).toBeLessThanOrEqual(1)
        },
      ),
    )
  })
})

const anyFacts = fc.record({
  max: fc.constantFrom(10, 40, 100),
  utilization: fc.constantFrom(0, 29, 50, 81, 100, undefined),
  idle: fc.constantFrom(0, 11, 50, undefined),
  queueDepth: fc.constantFrom(0, 1, 51, undefined),
  responseMillis: fc.constantFrom(5, 15, 25, 35, null, undefined),
  errorPercent: fc.constantFrom(0, 2, 6, undefined),
  full: fc.constantFrom(0, 0.5, 1, undefined),
  connectTimeouts: fc.constantFrom(0, 5, undefined),
  refused: fc.constantFrom(0, 1, undefined),
  cpu: fc.constantFrom(10, 60, 90, undefined),
})

test('whatever is seen, more and less are never advised together, of instances or of the database', () => {
  fc.assert(
    fc.property(anyFacts, fc.array(fc.tuple(fc.nat(700), anyFacts), { maxLength: 3 }), (steady, others) => {
      const series = lasting(7 * DAY, steady, 14 * MINUTE)
      for (const [n, facts] of others) series[n] = { at: DAY + n * 14 * MINUTE, ...facts }
      const said = kinds(series, { ...OPTIONS, every: 14 * MINUTE })
      expect(said.includes('out') && said.includes('in')).toBe(false)
      expect(said.includes('tier-up') && said.includes('tier-down')).toBe(false)
    }),
  )
})

test('a pool that is idle with min 0 needs an instance less at most', () => {
  expect(kinds(lasting(8 * DAY, IDLE))).toEqual(['in'])
  expect(kinds(lasting(8 * DAY, IDLE), { absoluteMax: 100 })).toEqual(['in'])
})

describe('the baseline', () => {
  test('is learned from calm samples: what nine of ten stay below', () => {
    const series = lasting(60 * MINUTE, {}).map((sample, n) => ({
      ...sample,
      queueDepth: 0,
      responseMillis: n,
    }))
    // 50 of the 61 are older than ten minutes: 0 to 49.
    expect(scalingAdvice(series, {}).baselineMillis).toBe(44)
  })

  test('trouble is not its own measure: samples of a queue, of a busy pool and of the last ten minutes do not count', () => {
    const calm = lasting(60 * MINUTE, {}).map((sample, n) => ({
      ...sample,
      queueDepth: n >= 10 && n < 15 ? 5 : 0,
      utilization: n >= 15 && n < 20 ? 90 : 50,
      responseMillis: (n >= 10 && n < 20) || n >= 50 ? 1_000 : 10,
    }))
    const { advice, baselineMillis } = scalingAdvice(calm, {})
    expect(baselineMillis).toBe(10)
    expect(advice.map(({ kind }) => kind)).toEqual(['out', 'tier-up'])
  })

  test('takes thirty of them', () => {
    const series = (minutes: number) => lasting(minutes * MINUTE, { queueDepth: 0 })
    expect(scalingAdvice(series(39), {}).baselineMillis).toBeUndefined()
    expect(scalingAdvice(series(40), {}).baselineMillis).toBe(15)
  })

  test('that is given wins', () => {
    expect(scalingAdvice(lasting(60 * MINUTE, { queueDepth: 0 }), { baselineMillis: 3 }).baselineMillis).toBe(
      3,
    )
  })
})

test('a sample is made of what monitor() collects, and of what it cannot know', () => {
  const recent = {
    utilization: 40,
    idle: 3,
    waiting: 2,
    queryMeanMillis: 12,
    errorPercent: 1,
    full: 0.5,
    connectTimeouts: 4,
    timeouts: 1,
    rejected: 2,
    shed: 3,
  } as PoolMetrics['recent']
  expect(sampleOf({ at: 7, max: 20, recent }, { cpu: 33 })).toEqual({
    at: 7,
    max: 20,
    utilization: 40,
    idle: 3,
    queueDepth: 2,
    responseMillis: 12,
    errorPercent: 1,
    full: 0.5,
    connectTimeouts: 4,
    refused: 6,
    cpu: 33,
  })
})

test.each([
  [
    [{ at: 1 }, { at: 1 }],
    {},
    'series[1].at must be a number of milliseconds, another than in the sample before; it is 1',
  ],
  [[{ at: Number.NaN }], {}, 'series[0].at must be a number'],
  [[{ at: 1, cpu: -1 }], {}, 'series[0].cpu must be a number, 0 or more; it is -1'],
  [[{ at: 1, max: 0.5 }], {}, 'series[0].max must be a whole number, 1 or more'],
  [
    [{ at: 1, responseMillis: Number.NaN }],
    {},
    'series[0].responseMillis must be null or a number, 0 or more; it is NaN',
  ],
  [[null], {}, 'series[0] must be an object; it is null'],
  [[{ at: 1, idle: '3' }], {}, 'series[0].idle must be a number, 0 or more; it is of type string'],
  ['samples', {}, 'series must be a list of samples'],
  [[], { instances: 0 }, 'instances must be a whole number 1 or more'],
  [
    [],
    { tier: 'huge' },
    `tier must be one of ${Object.keys(TIERS)
      .map((name) => `'${name}'`)
      .join(', ')}`,
  ],
  [[], { absolutMax: 1 }, 'did you mean absoluteMax?'],
])('%j with %j is refused', (series, options, text) => {
  expect(() => scalingAdvice(series as ScalingSample[], options as ScalingOptions)).toThrow(text)
})
