import { describe, expect, test } from 'vitest'
import { makePaint, plain } from '../paint.ts'
import type { Comparison, SideReport } from './compare.ts'
import { compare } from './compare.ts'
import type { KindFigures, Stretch } from './meter.ts'
import { table } from './table.ts'
import { explainComparison } from './verdict.ts'

function stretch(perSecond: number, lookup: Partial<KindFigures>): Stretch {
  const none = { count: 0, perSecond: 0, p50: 0, p95: 0, p99: 0, max: 0 }
  const statements = {
    lookup: { ...none, count: 1_000, p50: 1, p95: 10, p99: 20, ...lookup },
    write: none,
    transaction: none,
    similarity: none,
    aggregate: none,
  }
  return { seconds: 10, count: 1_000, perSecond, statements }
}

function side(perSecond: number, p95: number, rounds: [number, number] = [p95, p95], more = {}): SideReport {
  return {
    ...stretch(perSecond, { p95 }),
    rounds: rounds.map((round) => stretch(perSecond, { p95: round })),
    errors: 0,
    errorMessages: {},
    givenUp: 10,
    ranOn: 0,
    connections: 10,
    ...more,
  }
}

const rowOf = (rows: readonly Comparison[], figure: string, kind?: string): Comparison =>
  rows.find((row) => row.figure === figure && row.kind === kind) as Comparison

const p95 = (sluice: SideReport, pg: SideReport): Comparison =>
  rowOf(compare({ sluice, pg }), 'p95', 'lookup')

describe('compare', () => {
  test('a shorter time is ahead, a longer one behind, by the same ratio', () => {
    expect(p95(side(1, 5), side(1, 10))).toMatchObject({ ratio: 2, verdict: 'ahead' })
    expect(p95(side(1, 10), side(1, 5))).toMatchObject({ ratio: 0.5, verdict: 'behind' })
  })

  test('what differs little, or not the same way in every round, is even', () => {
    expect(p95(side(1, 10), side(1, 11)).verdict).toBe('even')
    expect(p95(side(1, 5, [2, 8]), side(1, 10, [20, 7])).verdict).toBe('even')
  })

  test('a percentile of too few statements is unclear', () => {
    const few = { ...side(1, 5), statements: stretch(1, { count: 59, p95: 5 }).statements }
    expect(p95(few, side(1, 10)).verdict).toBe('unclear')
    expect(rowOf(compare({ sluice: side(1, 5), pg: side(1, 5) }), 'p50', 'aggregate').verdict).toBe('unclear')
  })

  test('more is better for throughput, fewer for connections, errors and work for nobody', () => {
    const rows = compare({
      sluice: side(120, 10, [10, 10], { connections: 5, errors: 3 }),
      pg: side(100, 10, [10, 10], { ranOn: 10 }),
    })
    const verdicts = (['perSecond', 'connections', 'errors', 'ranOn', 'givenUp'] as const).map(
      (figure) => rowOf(rows, figure).verdict,
    )
    expect(verdicts).toEqual(['ahead', 'ahead', 'behind', 'ahead', undefined])
  })
})

describe('the end of the demo', () => {
  const rows = compare({ sluice: side(100, 5), pg: side(101, 1_000, [1_000, 1_000], { ranOn: 9 }) })

  test.each([80, 120])('draws a table that fits %i columns', (width) => {
    const lines = table(rows, makePaint(true, 'xterm'), width)
    for (const line of lines) expect(plain(line).length).toBeLessThanOrEqual(width)
    expect(lines.map(plain)).toContainEqual(expect.stringMatching(/p95 +5\.00 ms +1\.00 s +200× +│█+/))
    expect(lines.map(plain)).toContainEqual(expect.stringMatching(/aggregate +p50 +– +–/))
  })

  test('says what is ahead, even and behind as the numbers have it', () => {
    const said = explainComparison(rows)
    expect(said).toContainEqual(expect.stringMatching(/^Throughput is even/))
    expect(said).toContain('Ahead: lookup p95 200.0×.')
    expect(said).toContainEqual(expect.stringMatching(/^Even.*: lookup p50, p99\.$/))
    expect(said).toContainEqual(
      expect.stringMatching(/0 of 10 ran on .* with Sluice and 9 of 10 with pg\.Pool/),
    )
    expect(said.join()).not.toContain('Behind')
    const turned = explainComparison(compare({ sluice: side(50, 1_000), pg: side(100, 5) }))
    expect(turned).toContainEqual(expect.stringMatching(/^Throughput is behind/))
    expect(turned).toContain('Behind: lookup p95 0.0×.')
    expect(turned.join()).not.toContain('Ahead')
  })
})
