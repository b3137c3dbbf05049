import { expect, test } from 'vitest'
import { makePaint } from '../paint.ts'
import type { Headline } from './headline.ts'
import { headlines, standing } from './headline.ts'
import { describe } from './report.ts'
import type { LoadReport, WayReport } from './run.ts'
import { connectingWithin } from './run.ts'

const way: WayReport = {
  seconds: 10,
  answered: 10_000,
  failed: 0,
  success: 1,
  perSecond: 1_000,
  p50: 1,
  p95: 2,
  p99: 3,
  max: 4,
  getting: 150,
  opened: 10_000,
  reuse: 0,
  timeouts: 0,
  errors: {},
  sessions: 100,
}

/** 100 callers through 10 connections against 100 that connect, which took 150 ms. */
function compared(sluice: Partial<WayReport>, run: Partial<LoadReport['run']> = {}): LoadReport {
  const pool = { ...way, perSecond: 10_000, getting: 5, opened: 10, reuse: 0.95, sessions: 10 }
  return {
    server: { version: '18', embedded: true },
    run: {
      callers: 100,
      max: 10,
      seconds: 10,
      latencyMillis: 0,
      statements: ['SELECT 1'],
      compare: true,
      order: [],
      connecting: 100,
      ...run,
    },
    interrupted: false,
    ways: { connect: way, pg: pool, sluice: { ...pool, ...sluice } },
  }
}

function verdict(figure: Headline['figure'], report: LoadReport): string | undefined {
  return headlines(report).find((line) => line.figure === figure)?.verdict
}

test('every goal is met by a hair', () => {
  expect(headlines(compared({})).map(({ figure, verdict }) => [figure, verdict])).toEqual([
    ['callers', 'met'],
    ['getting', 'met'],
    ['slow-getting', 'met'],
    ['throughput', 'met'],
    ['reuse', 'met'],
    ['timeouts', 'met'],
    ['success', 'met'],
  ])
})

test.each<[Headline['figure'], string, Partial<WayReport>]>([
  ['callers', '10× the callers at the same connections', { sessions: 11 }],
  ['getting', '80 % less', { getting: 31 }],
  ['slow-getting', '5 ms', { getting: 5.1 }],
  ['throughput', '10 times', { perSecond: 9_999 }],
  ['reuse', '95 %', { reuse: 0.949 }],
  ['timeouts', 'no acquire timeout', { timeouts: 1 }],
  ['success', 'all answered', { failed: 1 }],
])('%s misses its goal of %s by a hair', (figure, _goal, sluice) => {
  expect(verdict(figure, compared(sluice))).toBe('missed')
})

test('what a test could not show is not judged, and it says how to ask', () => {
  const few = compared({}, { callers: 99 })
  expect(verdict('callers', few)).toBe('not-asked')
  expect(headlines(few)[0]?.says).toContain('--callers 100')
  const near = { ...compared({}), ways: { connect: { ...way, getting: 99 }, sluice: { ...way, getting: 1 } } }
  expect(verdict('slow-getting', near)).toBe('not-asked')
  expect(verdict('getting', near)).toBe('met')
})

test('Sluice and pg.Pool are set side by side, whichever is ahead', () => {
  const beside = (sluice: Partial<WayReport>) => {
    const report = compared(sluice)
    return standing({ ...report, ways: { ...report.ways, pg: { ...way, perSecond: 1_000, p50: 2, p99: 8 } } })
  }
  expect(beside({ perSecond: 1_250, p50: 1, p99: 8 })?.says).toBe(
    'Sluice answers 1,250 statements a second, pg.Pool 1,000: 25 % more; p50 1.00 ms instead of 2.00 ms: 50 % shorter; p99 8.00 ms instead of 8.00 ms: the same.',
  )
  expect(beside({ perSecond: 900, p50: 2, p99: 12 })?.says).toBe(
    'Sluice answers 900 statements a second, pg.Pool 1,000: 10 % fewer; p50 2.00 ms instead of 2.00 ms: the same; p99 12.0 ms instead of 8.00 ms: 50 % longer.',
  )
})

test('a comparison that was interrupted is not judged', () => {
  const report = { ...compared({}), interrupted: true }
  expect([headlines(report), standing(report)]).toEqual([[], undefined])
})

test('callers that connect for themselves leave a tenth of the room to others', () => {
  expect([connectingWithin(97, 100), connectingWithin(97, 50), connectingWithin(1, 50)]).toEqual([87, 50, 1])
})

test.each([60, 72, 80, 120])('the report fits %i columns', (width) => {
  const report = compared({})
  const lines = describe(
    { ...report, ways: { ...report.ways, pg: way } },
    { paint: makePaint(false, 'xterm'), width },
  )
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(width)
  expect(lines.join(' ')).toMatch(/connect\/query +pg\.Pool +Sluice/)
})

test('without a comparison there is nothing to compare', () => {
  const { ways, ...rest } = compared({})
  expect(headlines({ ...rest, ways: { sluice: ways.sluice as WayReport } })).toEqual([])
})
