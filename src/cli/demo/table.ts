/** The end of the demo: one table of both sides, with a picture of the ratios. */
import type { Paint } from '../paint.ts'
import { left, millis, right, whole } from '../paint.ts'
import type { Comparison, Verdict } from './compare.ts'

const widths = { name: 24, side: 10, ratio: 8 } as const

/** The figures that are no times. */
const names: Readonly<Partial<Record<Comparison['figure'], string>>> = {
  perSecond: 'statements a second',
  connections: 'connections at most',
  errors: 'errors',
  givenUp: 'given up by callers',
  ranOn: '… and ran on for nobody',
}

/** The table, at most `width` wide. */
export function table(rows: readonly Comparison[], paint: Paint, width: number): string[] {
  const half = Math.max(4, Math.min(16, Math.floor((width - 1 - used() - 5) / 2)))
  return [headLine(paint, half), ...rows.flatMap((row, index) => tableRow(row, rows[index - 1], paint, half))]
}

function used(): number {
  return widths.name + 2 * widths.side + widths.ratio
}

function headLine({ bold, dim }: Paint, half: number): string {
  const heads = [right('Sluice', widths.side), right('pg.Pool', widths.side), right('ratio', widths.ratio)]
  const picture = half < 9 ? '' : `   ${right('behind', half)} ${left('ahead', half)}`
  return ` ${left('', widths.name)}${bold(heads.join(''))}${dim(picture.trimEnd())}`
}

/** One row, with space before it where a new group begins. */
function tableRow(row: Comparison, before: Comparison | undefined, paint: Paint, half: number): string[] {
  const group = row.kind ?? (row.figure === 'perSecond' ? 'rate' : 'counts')
  const groupBefore = before && (before.kind ?? (before.figure === 'perSecond' ? 'rate' : 'counts'))
  const name =
    row.kind === undefined
      ? (names[row.figure] ?? row.figure)
      : left(group === groupBefore ? '' : row.kind, 14) + row.figure
  const cells = [cell(row, row.sluice), cell(row, row.pg)].map((text) => right(text, widths.side))
  const ratio = row.ratio === undefined ? '' : `${row.ratio.toFixed(row.ratio < 9.95 ? 2 : 0)}×`
  const drawn =
    row.ratio === undefined || row.verdict === undefined
      ? ''
      : `   ${ratioBar(row.ratio, row.verdict, half, paint)}`
  const line = ` ${left(name, widths.name)}${cells.join('')}${colour(row.verdict, paint)(right(ratio, widths.ratio))}${drawn}`
  return group === groupBefore || before === undefined ? [line.trimEnd()] : ['', line.trimEnd()]
}

function cell({ figure }: Comparison, value: number): string {
  if (figure === 'p50' || figure === 'p95' || figure === 'p99') return value === 0 ? '–' : millis(value)
  return whole(value)
}

/** To the right of the middle what is ahead, to the left what is behind; twice as good and half as good are equally long. */
function ratioBar(ratio: number, verdict: Verdict, half: number, paint: Paint): string {
  if (verdict === 'unclear') return ' '.repeat(half) + paint.dim('│ too few')
  // The full length is a factor of eight.
  const length = Math.min(half, Math.round((Math.abs(Math.log2(ratio)) / 3) * half))
  const ticks = colour(verdict, paint)(paint.glyphs.full.repeat(length))
  return ratio >= 1
    ? `${' '.repeat(half)}${paint.dim('│')}${ticks}`
    : `${right(ticks, half)}${paint.dim('│')}`
}

function colour(verdict: Verdict | undefined, { good, bad, dim }: Paint): (text: string) => string {
  if (verdict === 'ahead') return good
  return verdict === 'behind' ? bad : dim
}
