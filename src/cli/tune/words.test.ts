import { describe, expect, test } from 'vitest'
import { randomOf } from '../../demo/workload/random.ts'
import { judgeSweep } from '../../sizing/sweep.ts'
import { makePaint, plain } from '../paint.ts'
import { chart } from './chart.ts'
import { adviceFrom } from './report.ts'
import type { CutTune, TuneReport } from './run.ts'
import { svg } from './svg.ts'
import { code, conclusion, confidenceInWords, cutShort, remarks } from './words.ts'

const room = { largest: 32, usable: 197, free: 190 }

/** A report over given throughputs; p50 and p99 are the size in milliseconds and four times that, unless told. */
function report(
  throughputs: Readonly<Record<number, number>>,
  more: { p99?: (size: number) => number; workload?: Partial<TuneReport['workload']> } = {},
): TuneReport {
  const round = Object.entries(throughputs).map(([size, throughput]) => ({ size: Number(size), throughput }))
  const rounds = [round, round, round]
  const random = randomOf(1)
  const verdict = judgeSweep(rounds, () => random.next())
  const p99 = more.p99 ?? ((size: number) => 4 * size)
  return {
    server: { version: '18', embedded: false, ...room },
    workload: {
      label: 'one statement (--statement)',
      leftOut: undefined,
      statementMillis: 1,
      lanes: true,
      shared: false,
      callers: { least: 2, most: 64 },
      ...more.workload,
    },
    run: { seconds: 30, seed: 1, windowMillis: 300, rounds: 3, leftOut: 0 },
    interrupted: false,
    ...adviceFrom(verdict, (size) => ({ p50: size, p99: p99(size) }), room),
  }
}

const knee = { 1: 1_500, 2: 3_000, 4: 5_900, 8: 10_900, 16: 11_200, 32: 11_100 }

describe('the conclusion', () => {
  test('names what is enough, what the best is, and that more only adds waiting', () => {
    expect(conclusion(report(knee))).toBe(
      '8 connections give 97 % of the best (11,200/s at 16); more only adds waiting: p99 32.0 ms → 128 ms at 32.',
    )
  })

  test('says where more takes away, and where it only moves the waiting', () => {
    expect(conclusion(report({ 1: 50, 2: 100, 4: 80, 8: 40 }))).toBe(
      '2 connections give the best (100/s); more takes away: 8 give 60 % less than that, p99 8.00 ms → 32.0 ms.',
    )
    expect(conclusion(report({ 1: 100, 2: 100, 4: 100 }, { p99: () => 9 }))).toBe(
      '1 connection gives the best (100/s); more only moves the waiting from the pool into the database: p99 9.00 ms → 9.00 ms at 4.',
    )
  })

  test('says where the sweep ended before the curve did', () => {
    expect(conclusion(report({ 1: 10, 2: 20, 4: 40, 8: 80 }))).toBe(
      '8 connections give the best (80.0/s), and that is as many as were tried: more may be better still. Try a larger --max or --share.',
    )
  })

  test('comes with code, with a min of a quarter of the max', () => {
    expect(code(report(knee))).toBe('new Pool({ max: 8, min: 2 })')
    expect(code(report({ 1: 100, 2: 100, 4: 100 }))).toBe('new Pool({ max: 1, min: 0 })')
  })
})

describe('the remarks', () => {
  test('say how sure it is, what the curve is, and how many pools there is room for', () => {
    const said = remarks(report(knee)).join('\n')
    expect(said).toContain(
      'Confidence high: drawn anew from its 3 rounds it reaches 95 % of the best in 100 %',
    )
    expect(said).toMatch(/Universal Scalability Law: σ [\d.]+ \(waiting one's turn\), κ [\d.e-]+/)
    expect(said).toContain(
      'The server has room for 24 such pools (197 connections for ordinary roles, 190 of them free)',
    )
    expect(said).toContain('8 is what it does best with in all: two instances do with max: 4 each.')
  })

  test('say whether statements shared connections, and what was left out', () => {
    const said = (workload: Partial<TuneReport['workload']>): string =>
      remarks(report(knee, { workload })).join('\n')
    expect(said({ shared: true })).toContain('Transactions, writes and slow statements take one each')
    expect(said({ shared: false })).toContain('No statement was short enough to share a connection')
    expect(said({ lanes: false })).toContain('Measured without lanes')
    expect(said({ leftOut: 'Two were left out.' })).toContain('Two were left out.')
  })

  test('say that no curve fits where one explains less than half, and draw none', () => {
    const odd = report({ 1: 100, 2: 300, 4: 50, 8: 310, 16: 60, 32: 300 })
    expect(odd.fit).toBeUndefined()
    expect(remarks(odd).join('\n')).toContain('the recommendation rests on the measured sizes alone')
    expect(odd.sizes.map(({ size }) => size)).toContain(odd.recommended.max)
    for (const lines of [chart(odd, makePaint(false, 'xterm'), 80).join('\n'), svg(odd, '', '')])
      expect(lines).not.toMatch(/[│◆]|knee|<polyline|NaN|undefined/)
  })

  test('say how many sizes there was no time for', () => {
    const found = report(knee)
    const said = remarks({ ...found, run: { ...found.run, seconds: 5, leftOut: 2 } }).join('\n')
    expect(said).toContain('2 sizes were left out of the sweep, since 5 s are little')
  })

  test('of a tune that was interrupted are its figures, and no size', () => {
    const { sizes, server, workload, run } = report(knee)
    const cut: CutTune = { interrupted: true, server, workload, run, sizes }
    expect(cutShort(cut)).toMatch(/^Interrupted after 3 rounds: .* no size is recommended/)
    const plainSizes = sizes.map((size) => ({ ...size, fitted: undefined }))
    const drawn = chart({ sizes: plainSizes }, makePaint(false, 'xterm'), 80).join('\n')
    expect(drawn).not.toMatch(/recommended|▸|│/)
    expect(drawn).toContain('11,200')
  })

  test.each([
    [1, 'high'],
    [0.95, 'high'],
    [0.94, 'fair'],
    [0.8, 'fair'],
    [0.79, 'low'],
  ] as const)('a confidence of %d is %s', (confidence, word) => {
    expect(confidenceInWords(confidence)).toBe(word)
  })
})

describe('the picture', () => {
  test.each([
    [80, knee],
    [120, { 1: 0.5, 2: 0.6, 1000: 0.55 }],
    [60, { 1: 1_000_000, 2: 500_000, 3: 250_000 }],
  ])('fits %i columns, with a row a size, the curve and its knee', (width, throughputs) => {
    const found = report(throughputs)
    const lines = chart(found, makePaint(true, 'xterm'), width).map(plain)
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(width)
    const rows = lines.filter((line) => /^[▸ ] +\d/.test(line))
    expect(rows.length).toBeGreaterThanOrEqual(Object.keys(throughputs).length)
    expect(rows.every((row) => /[│◆]/.test(row))).toBe(true)
    expect(rows.filter((row) => row.includes('◆'))).toHaveLength(1)
    expect(rows.filter((row) => row.startsWith('▸'))).toHaveLength(1)
    expect(lines.at(-1)).toContain(`recommended: ${found.recommended.max}`)
  })

  test('draws longer bars for more', () => {
    const bars = chart(report({ 1: 100, 2: 200, 4: 400 }), makePaint(false, 'xterm'), 80)
      .filter((line) => /^[▸ ] +\d/.test(line))
      .map((line) => line.replace(/[^█│◆]/g, '').length)
    expect(bars).toEqual([...bars].sort((a, b) => a - b))
    expect(bars[0]).toBeLessThan(bars[2] as number)
  })

  test('is an SVG with every size, the curve, the knee and the recommended size, and escapes what it is given', () => {
    const drawn = svg(report(knee), 'a < b & "c"', 'below')
    expect(drawn).toContain('a &lt; b &amp; &quot;c&quot;')
    expect(drawn.match(/<circle/g)).toHaveLength(7)
    expect(drawn).toContain('max: 8')
    expect(drawn).toMatch(/knee \d+/)
    expect(drawn).toContain('<polyline')
    expect(drawn).not.toContain('NaN')
  })
})
