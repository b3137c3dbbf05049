/** Two sides next to each other: which is ahead in what, decided by the numbers alone. */
import type { StatementKind } from '../../demo/workload/statements.ts'
import { statementKinds } from '../../demo/workload/statements.ts'
import type { SideFigures, Stretch } from './meter.ts'
import type { SideName } from './sides.ts'

/** One side, with what the server saw of it. */
export interface SideReport extends SideFigures {
  /** The most sessions that the server had for it at one time. */
  readonly connections: number
}

/** Both. */
export type Sides = Readonly<Record<SideName, SideReport>>

/**
 * How Sluice stands in one row: `even` is within 15 % (5 % for throughput) or not so in every round, `unclear` too
 * few statements to tell.
 */
export type Verdict = 'ahead' | 'even' | 'behind' | 'unclear'

export const quantiles = ['p50', 'p95', 'p99'] as const

/** One figure of both sides. */
export interface Comparison {
  readonly figure: 'perSecond' | (typeof quantiles)[number] | 'connections' | 'errors' | 'givenUp' | 'ranOn'
  /** Of one kind of statement, or of all. */
  readonly kind: StatementKind | undefined
  readonly sluice: number
  readonly pg: number
  /** How many times better Sluice is, below 1 where it is worse; `undefined` where no ratio makes sense. */
  readonly ratio: number | undefined
  /** `undefined` for figures that are neither good nor bad. */
  readonly verdict: Verdict | undefined
}

/** Differences up to this are none: a histogram's bucket is 9 % wide, and two runs of one pool differ by some. */
const evenWithin = { time: 0.15, throughput: 0.05 } as const

/** A quantile of fewer statements than this is one or two of them. */
const fewest: Readonly<Record<(typeof quantiles)[number], number>> = { p50: 10, p95: 60, p99: 300 }

/** All rows, in the order of the table. */
export function compare(sides: Sides): Comparison[] {
  const { sluice, pg } = sides
  return [
    rate(sides),
    ...statementKinds.flatMap((kind) => quantiles.map((figure) => time(figure, kind, sides))),
    fewer('connections', sluice.connections, pg.connections),
    fewer('errors', sluice.errors, pg.errors),
    {
      figure: 'givenUp',
      kind: undefined,
      sluice: sluice.givenUp,
      pg: pg.givenUp,
      ratio: undefined,
      verdict: undefined,
    },
    fewer('ranOn', sluice.ranOn, pg.ranOn),
  ]
}

function rate({ sluice, pg }: Sides): Comparison {
  const ratioOf = (ours: Stretch, theirs: Stretch) => quotient(ours.perSecond, theirs.perSecond)
  const ratio = ratioOf(sluice, pg)
  const verdict =
    ratio === undefined ? 'unclear' : judge(ratio, byRound(sluice, pg, ratioOf), evenWithin.throughput)
  return { figure: 'perSecond', kind: undefined, sluice: sluice.perSecond, pg: pg.perSecond, ratio, verdict }
}

function time(figure: (typeof quantiles)[number], kind: StatementKind, { sluice, pg }: Sides): Comparison {
  const ratioOf = (ours: Stretch, theirs: Stretch) =>
    quotient(theirs.statements[kind][figure], ours.statements[kind][figure])
  const ratio = ratioOf(sluice, pg)
  const enough = Math.min(sluice.statements[kind].count, pg.statements[kind].count) >= fewest[figure]
  const verdict =
    ratio !== undefined && enough ? judge(ratio, byRound(sluice, pg, ratioOf), evenWithin.time) : 'unclear'
  return {
    figure,
    kind,
    sluice: sluice.statements[kind][figure],
    pg: pg.statements[kind][figure],
    ratio,
    verdict,
  }
}

function byRound(
  sluice: SideFigures,
  pg: SideFigures,
  ratioOf: (ours: Stretch, theirs: Stretch) => number | undefined,
): number[] {
  return sluice.rounds.flatMap((ours, index) => {
    const theirs = pg.rounds[index]
    return (theirs && ratioOf(ours, theirs)) ?? []
  })
}

function fewer(figure: 'connections' | 'errors' | 'ranOn', sluice: number, pg: number): Comparison {
  const verdict = sluice === pg ? 'even' : sluice < pg ? 'ahead' : 'behind'
  return {
    figure,
    kind: undefined,
    sluice,
    pg,
    ratio: sluice === pg ? undefined : quotient(pg, sluice),
    verdict,
  }
}

/** A difference that is not there in every round is chance. */
function judge(ratio: number, rounds: readonly number[], tolerance: number): Verdict {
  if (ratio > 1 + tolerance && rounds.every((round) => round > 1)) return 'ahead'
  return ratio < 1 / (1 + tolerance) && rounds.every((round) => round < 1) ? 'behind' : 'even'
}

function quotient(a: number, b: number): number | undefined {
  return a > 0 && b > 0 ? a / b : undefined
}
