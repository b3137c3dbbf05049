/** A throughput curve for a terminal: a bar a size, with the fitted curve across them. */

import { uslThroughput } from '../../sizing/usl.ts'
import type { Paint } from '../paint.ts'
import { left, millis, right, whole } from '../paint.ts'
import type { Fit, SizeRow } from './report.ts'

const columns = { size: 6, rate: 12, time: 10 } as const
/** Margin, the arrow in front of the recommended size, and what stands between rate and bar. */
const around = 6

/** What a chart is made of. */
export interface Charted {
  readonly sizes: readonly SizeRow[]
  readonly fit?: Fit | undefined
  readonly recommended?: { readonly max: number } | undefined
}

/** The measured sizes as bars, at most `width` wide, and the curve as a mark in each; its knee has a row where it was not measured. */
export function chart({ sizes, fit, recommended }: Charted, paint: Paint, width: number): string[] {
  const room = Math.max(10, width - columns.size - columns.rate - 2 * columns.time - around)
  const most = Math.max(...sizes.flatMap(({ throughput, fitted }) => [throughput, fitted ?? 0]))
  const at = (throughput: number): number => Math.round((throughput / most) * (room - 1))
  const rows = sizes.map((row) => {
    const mark = row.size === fit?.knee ? marks.knee : marks.curve
    return { size: row.size, text: sizeLine(row, row.size === recommended?.max, { at, room, mark }, paint) }
  })
  if (fit !== undefined && !sizes.some(({ size }) => size === fit.knee)) {
    const throughput = uslThroughput(fit, fit.knee)
    rows.push({ size: fit.knee, text: kneeLine(fit.knee, throughput, at(throughput), paint) })
  }
  rows.sort((a, b) => a.size - b.size)
  return [headLine(room, paint), ...rows.map(({ text }) => text), ...legend({ fit, recommended }, paint)]
}

function legend(
  { fit, recommended }: Pick<Charted, 'fit' | 'recommended'>,
  { dim, glyphs }: Paint,
): string[] {
  if (recommended === undefined) return []
  const curve =
    fit === undefined ? '' : `   ${marks.curve} fitted curve   ${marks.knee} its knee: ${fit.knee}`
  return ['', dim(`  ${glyphs.at} recommended: ${recommended.max}${curve}`)]
}

const marks = { curve: '│', knee: '◆' } as const

function headLine(room: number, { dim }: Paint): string {
  const heads = [right('size', columns.size), right('per second', columns.rate)]
  const times = [right('p50', columns.time), right('p99', columns.time)]
  return dim(`  ${heads.join('')}   ${left('', room)}${times.join('')}`)
}

interface Drawing {
  /** Where a throughput lies, counted in cells from 0. */
  readonly at: (throughput: number) => number
  readonly room: number
  /** Stands where the curve is. */
  readonly mark: string
}

function sizeLine(row: SizeRow, chosen: boolean, { at, room, mark }: Drawing, paint: Paint): string {
  const { bold, busy, glyphs, good } = paint
  const colour = chosen ? good : busy
  const numbers = right(String(row.size), columns.size) + right(rate(row.throughput), columns.rate)
  const end = at(row.throughput) + 1
  const cells = (from: number, to: number): string =>
    colour(glyphs.full.repeat(Math.max(0, Math.min(to, end) - from))) +
    ' '.repeat(Math.max(0, to - Math.max(from, end)))
  const times = right(millis(row.p50), columns.time) + right(millis(row.p99), columns.time)
  const cross = row.fitted === undefined ? undefined : at(row.fitted)
  const drawn = cross === undefined ? cells(0, room) : `${cells(0, cross)}${mark}${cells(cross + 1, room)}`
  return `${chosen ? good(glyphs.at) : ' '} ${chosen ? bold(numbers) : numbers}   ${drawn}${times}`
}

function kneeLine(size: number, throughput: number, at: number, { dim }: Paint): string {
  const numbers = right(String(size), columns.size) + right(rate(throughput), columns.rate)
  return `  ${dim(numbers)}   ${' '.repeat(at)}${marks.knee}`
}

/** A throughput as a person reads it: `11,200` or `3.2`. */
export function rate(perSecond: number): string {
  return perSecond < 99.5 ? perSecond.toFixed(1) : whole(perSecond)
}
