/** A throughput curve for a terminal: a bar a size, with the fitted curve across them. */
import type { Paint } from '../paint.ts'
import { left, millis, plain, right, whole } from '../paint.ts'
import type { Advice, SizeRow } from './report.ts'

const columns = { size: 6, rate: 12, time: 10 } as const
/** Margin, the arrow in front of the recommended size, and what stands between rate and bar. */
const around = 6

/** The measured sizes as bars, at most `width` wide; the curve is a `│` in each, and the knee has a row of its own where it was not measured. */
export function chart(
  advice: Pick<Advice, 'sizes' | 'fit' | 'recommended'>,
  paint: Paint,
  width: number,
): string[] {
  const { sizes, fit, recommended } = advice
  const room = Math.max(10, width - columns.size - columns.rate - 2 * columns.time - around)
  const most = Math.max(...sizes.flatMap(({ throughput, fitted }) => [throughput, fitted]))
  const at = (throughput: number): number => Math.round((throughput / most) * (room - 1))
  const rows = sizes.map((row) => ({ size: row.size, text: sizeLine(row, advice, at, room, paint) }))
  if (!sizes.some(({ size }) => size === fit.knee))
    rows.push({ size: fit.knee, text: kneeLine(fit.knee, paint) })
  rows.sort((a, b) => a.size - b.size)
  return [
    headLine(room, paint),
    ...rows.map(({ text }) => text.trimEnd()),
    ...legend(fit.knee, recommended.max, paint),
  ]
}

function headLine(room: number, { dim }: Paint): string {
  const heads = [right('size', columns.size), right('per second', columns.rate)]
  const times = [right('p50', columns.time), right('p99', columns.time)]
  return dim(`  ${heads.join('')}   ${left('', room)}${times.join('')}`)
}

function sizeLine(
  row: SizeRow,
  { fit, recommended }: Pick<Advice, 'fit' | 'recommended'>,
  at: (throughput: number) => number,
  room: number,
  paint: Paint,
): string {
  const chosen = row.size === recommended.max
  const numbers = right(String(row.size), columns.size) + right(rate(row.throughput), columns.rate)
  const colour = chosen ? paint.good : paint.busy
  const cells = Array.from({ length: room }, (_, index) =>
    index <= at(row.throughput) ? paint.glyphs.full : ' ',
  )
  cells[at(row.fitted)] = '│'
  const drawn = paintRuns(cells, paint.glyphs.full, colour)
  const times = right(millis(row.p50), columns.time) + right(millis(row.p99), columns.time)
  const knee = row.size === fit.knee ? paint.dim(' knee') : ''
  const line = `${chosen ? paint.good(paint.glyphs.at) : ' '} ${chosen ? paint.bold(numbers) : numbers}   ${drawn}${times}`
  // Where the word finds no room the legend has it.
  return knee !== '' && plain(line).length + 5 <= room ? line + knee : line
}

function kneeLine(size: number, { dim, glyphs }: Paint): string {
  return dim(
    `  ${right(String(size), columns.size)}${right(glyphs.dot.repeat(3), columns.rate)}   knee of the curve`,
  )
}

function legend(knee: number, max: number, { dim, glyphs }: Paint): string[] {
  return ['', dim(`  ${glyphs.at} ${max} recommended   │ the fitted curve, its knee at ${knee}`)]
}

/** Colours what is bar and leaves what is not. */
function paintRuns(cells: readonly string[], full: string, colour: (text: string) => string): string {
  return cells
    .join('')
    .split(/(│)/)
    .map((part) => (part.includes(full) ? part.replace(/[^ ]+/, (run) => colour(run)) : part))
    .join('')
}

/** A throughput as a person reads it: `11,200` or `3.2`. */
export function rate(perSecond: number): string {
  return perSecond < 99.5 ? perSecond.toFixed(1) : whole(perSecond)
}
