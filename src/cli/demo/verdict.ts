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
  const same =
    'both pools run one statement at a time on each connection, and sharing connections (lanes) is not built yet'
  switch (row?.verdict) {
    case 'ahead':
      return 'Throughput is ahead: agents that get their answers sooner ask again sooner.'
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
  const kindsThat = (verdict: Verdict, priority: string): StatementKind[] => [
    ...new Set(
      times.flatMap(({ kind, verdict: own }) =>
        own === verdict && kind !== undefined && priorities[kind] === priority ? [kind] : [],
      ),
    ),
  ]
  const first = kindsThat('ahead', 'high')
  const last = [...kindsThat('behind', 'low'), ...kindsThat('behind', 'medium')]
  const parts = [
    first.length > 0
      ? 'lookups, writes and transactions have high priority and pass slower work in the queue'
      : '',
    last.length > 0 ? `what has lower priority (${last.join(', ')}) gives way` : '',
    kindsThat('behind', 'high').length > 0
      ? 'why urgent statements are behind, the design does not explain: look again with more --seconds, on a machine that does nothing else'
      : '',
  ].filter((part) => part !== '')
  return parts.length === 0 ? '' : `Why: ${parts.join('; ')}.`
}

function cancellation(rows: readonly Comparison[]): string {
  const given = rows.find(({ figure }) => figure === 'givenUp')
  const ran = rows.find(({ figure }) => figure === 'ranOn')
  if (given === undefined || ran === undefined || given.pg + given.sluice === 0) return ''
  return `Given up: of the statements whose callers left, ${ran.sluice} of ${given.sluice} ran on to their end with Sluice and ${ran.pg} of ${given.pg} with pg.Pool, which cannot cancel.`
}
