/** The table at the end: plain text, one line a row. */
import type { NotRun, Row } from './scenario.ts'
import { isRow } from './scenario.ts'

const HEAD = [
  'fault',
  'pool',
  'answered',
  'lost (by kind)',
  'may have taken effect',
  'never answered',
  'longest gap ms',
  'recovery ms (first answer / last failure)',
  'sessions',
  'connects/s',
  'notes',
]

/** Lays rows out in columns. */
export function table(rows: readonly (Row | NotRun)[]): string {
  const lines = [HEAD, ...rows.map(cells)]
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join(' | ')
        .trimEnd(),
    )
    .join('\n')
}

function cells(row: Row | NotRun): string[] {
  if (!isRow(row)) return [row.fault, row.pool, `not run: ${row.notRun}`]
  const { lost, notes, wrong } = row
  const kinds = Object.entries(lost).sort(([, a], [, b]) => b - a)
  const total = kinds.reduce((sum, [, count]) => sum + count, 0)
  const named = kinds.map(([kind, count]) => `${count} ${kind}`).join(', ')
  return [
    row.fault,
    row.pool,
    String(row.answered),
    total === 0 ? '0' : `${total} (${named})`,
    String(row.unknown),
    String(row.stuck),
    millis(row.longestGapMillis),
    `${millis(row.recoveryMillis)} / ${millis(row.lastFailureMillis)}`,
    String(row.sessions),
    String(row.connectsPerSecond),
    [
      ...wrong.map((what) => `WRONG: ${what}`),
      ...Object.entries(notes).map(([name, value]) => `${name} ${value}`),
    ].join(', '),
  ]
}

function millis(value: number | undefined): string {
  return value === undefined ? '-' : String(Math.round(value))
}
