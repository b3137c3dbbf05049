import { expect, test } from 'vitest'
import type { Headline } from './headline.ts'
import { headlines } from './headline.ts'
import type { LoadReport, WayReport } from './run.ts'

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
      ...run,
    },
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

test('without a comparison there is nothing to compare', () => {
  const { server, run, ways } = compared({})
  expect(headlines({ server, run, ways: { sluice: ways.sluice as WayReport } })).toEqual([])
})
