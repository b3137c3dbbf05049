/** What the table means, in sentences made from its numbers. */
import type { StatementKind } from '../../demo/workload/statements.ts'
import { statementKinds } from '../../demo/workload/statements.ts'
import type { Comparison, Verdict } from './compare.ts'
import { priorities } from './sides.ts'

/** Sentences on what is ahead, what is even, what is behind, and why. */
export function explainComparison(rows: readonly Comparison[]): string[] {
  const times = rows.filter((row) => row.kind !== undefined)
  return [
    throughput(rows),
    standing('Ahead', times, 'ahead'),
    standing('Even (within 15 %, or not so in both rounds)', times, 'even'),
    standing('Behind', times, 'behind'),
    whyTimesDiffer(times),
    cancellation(rows),
  ].filter((sentence) => sentence !== '')
}

function throughput(rows: readonly Comparison[]): string {
  const row = rows.find(({ figure }) => figure === 'perSecond')
  const same = 'these agents keep the server’s processors busy with slow work, which no pool makes faster'
  switch (row?.verdict) {
    case 'ahead':
      return 'Throughput is ahead: short statements share connections and are prepared, and agents that get their answers sooner ask again sooner.'
    case 'behind':
      return `Throughput is behind: ${same}, and agents whose statements waited longer asked less.`
    case 'even':
      return `Throughput is even: ${same}.`
    case 'unclear':
    case undefined:
      return ''
  }
}

function standing(word: string, times: readonly Comparison[], verdict: Verdict): string {
  const parts = statementKinds.flatMap((kind) => {
    const figures = times
      .filter((row) => row.kind === kind && row.verdict === verdict)
      .map(({ figure, ratio }) => (verdict === 'even' ? figure : `${figure} ${ratio?.toFixed(1)}×`))
    return figures.length === 0 ? [] : [`${kind} ${figures.join(', ')}`]
  })
  return parts.length === 0 ? '' : `${word}: ${parts.join('; ')}.`
}

function whyTimesDiffer(times: readonly Comparison[]): string {
  const first = kindsThat(times, 'ahead', 'high')
  const last = [...kindsThat(times, 'behind', 'low'), ...kindsThat(times, 'behind', 'medium')]
  const parts = [
    first.length > 0
      ? 'lookups, writes and transactions have high priority and pass slower work in the queue; slow work leaves a connection to them'
      : '',
    last.length > 0 ? `what has lower priority (${last.join(', ')}) gives way` : '',
    whyUrgentIsBehind(times),
  ].filter((part) => part !== '')
  return parts.length === 0 ? '' : `Why: ${parts.join('; ')}.`
}

function kindsThat(times: readonly Comparison[], verdict: Verdict, priority: string): StatementKind[] {
  return statementKinds.filter(
    (kind) =>
      priorities[kind] === priority && times.some((row) => row.kind === kind && row.verdict === verdict),
  )
}

/**
 * Seen in pg_stat_activity: both pools run as much slow work, but with pg.Pool more often nothing else, and
 * agents that stand still ask nothing. So its median is one of the good moments.
 */
function whyUrgentIsBehind(times: readonly Comparison[]): string {
  const urgent = times.filter(({ kind }) => kind !== undefined && priorities[kind] === 'high')
  const behind = urgent.filter(({ verdict }) => verdict === 'behind')
  const tailAhead = urgent.some(({ figure, verdict }) => figure !== 'p50' && verdict === 'ahead')
  if (behind.length === 0) return ''
  return tailAhead && behind.every(({ figure }) => figure === 'p50')
    ? 'the p50 of short work is behind because Sluice also answers them while slow work keeps the processors busy; with pg.Pool agents stand still then and ask nothing, so its p50 is that of the good moments'
    : 'why urgent statements are behind, the design does not explain: look again with more --seconds, on a machine that does nothing else'
}

function cancellation(rows: readonly Comparison[]): string {
  const given = rows.find(({ figure }) => figure === 'givenUp')
  const ran = rows.find(({ figure }) => figure === 'ranOn')
  if (given === undefined || ran === undefined || given.pg + given.sluice === 0) return ''
  return `Given up: of the statements whose callers left, ${ran.sluice} of ${given.sluice} ran on to their end with Sluice and ${ran.pg} of ${given.pg} with pg.Pool, which cannot cancel.`
}
