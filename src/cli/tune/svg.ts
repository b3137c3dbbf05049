/** The throughput curve as a picture: what was measured, how far its rounds were apart, the fitted curve and the knee. */
import { uslThroughput } from '../../sizing/usl.ts'
import { millis } from '../paint.ts'
import { rate } from './chart.ts'
import type { Advice, Fit, SizeRow } from './report.ts'

const width = 900
const height = 420
const left = 80
const right = 850
const top = 70
const bottom = 350
const font = 'font-family="DejaVu Sans, Verdana, Arial, sans-serif"'
const ink = '#222222'
const faint = '#DDDDDD'
const measuredColour = '#0072B2'
const fittedColour = '#D55E00'

/** One SVG document. `title` and `below` are the two lines at its head. */
export function svg(advice: Advice, title: string, below: string): string {
  const { sizes, fit, recommended } = advice
  const smallest = sizes[0]?.size ?? 1
  const largest = sizes.at(-1)?.size ?? 2
  const most = Math.max(...sizes.map(({ highest }) => highest))
  const x = (size: number): number =>
    left + (Math.log(size / smallest) / Math.log(largest / smallest)) * (right - left)
  const y = (throughput: number): number => bottom - (throughput / (1.08 * most)) * (bottom - top)
  const parts = [
    `<rect width="${width}" height="${height}" fill="#FFFFFF"/>`,
    text(20, 28, title, 'font-size="16" font-weight="bold"'),
    text(20, 48, below),
    ...ticks(most).flatMap((tick) => [
      line(left, y(tick), right, y(tick), `stroke="${faint}"`),
      text(left - 8, y(tick) + 4, tick === 0 ? '0' : rate(tick), 'text-anchor="end" font-size="11"'),
    ]),
    text(
      18,
      (top + bottom) / 2,
      'statements a second',
      `text-anchor="middle" transform="rotate(-90 18 ${(top + bottom) / 2})"`,
    ),
    text(
      (left + right) / 2,
      bottom + 64,
      'connections, and below them p50 and p99 as callers saw them',
      'text-anchor="middle"',
    ),
    ...(fit === undefined ? [] : curve(fit, smallest, largest, x, y)),
    ...sizes.flatMap((row) => [
      line(
        x(row.size),
        y(row.lowest),
        x(row.size),
        y(row.highest),
        `stroke="${measuredColour}" stroke-width="1.5"`,
      ),
      `<circle cx="${n(x(row.size))}" cy="${n(y(row.throughput))}" r="5" fill="${measuredColour}"/>`,
      text(x(row.size), bottom + 16, String(row.size), 'text-anchor="middle"'),
    ]),
    ...withRoom(sizes, x).flatMap((row) => [
      text(x(row.size), bottom + 32, millis(row.p50), 'text-anchor="middle" font-size="10"'),
      text(x(row.size), bottom + 45, millis(row.p99), 'text-anchor="middle" font-size="10"'),
    ]),
    `<circle cx="${n(x(recommended.max))}" cy="${n(y(recommended.throughput))}" r="10" fill="none" stroke="${measuredColour}" stroke-width="2.5"/>`,
    text(
      x(recommended.max),
      y(recommended.throughput) - 16,
      `max: ${recommended.max}`,
      `text-anchor="middle" font-weight="bold" fill="${measuredColour}"`,
    ),
  ]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ${font} font-size="12" fill="${ink}" role="img" aria-label="${escaped(title)}">`,
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}

/** The sizes whose times can stand below them without running into others; the table has them all. */
function withRoom(sizes: readonly SizeRow[], x: (size: number) => number): SizeRow[] {
  const kept: SizeRow[] = []
  for (const row of sizes) {
    const last = kept.at(-1)
    if (last === undefined || x(row.size) - x(last.size) >= 50) kept.push(row)
  }
  return kept
}

function curve(
  fit: Fit,
  smallest: number,
  largest: number,
  x: (size: number) => number,
  y: (throughput: number) => number,
): string[] {
  const steps = 100
  const points = Array.from({ length: steps + 1 }, (_, step) => {
    const size = smallest * (largest / smallest) ** (step / steps)
    return `${n(x(size))},${n(Math.max(top - 20, y(uslThroughput(fit, size))))}`
  })
  return [
    line(x(fit.knee), top, x(fit.knee), bottom, `stroke="${fittedColour}" stroke-dasharray="4 4"`),
    text(x(fit.knee) + 5, bottom - 8, `knee ${fit.knee}`, `fill="${fittedColour}"`),
    `<polyline points="${points.join(' ')}" fill="none" stroke="${fittedColour}" stroke-width="2"/>`,
  ]
}

/** Round numbers from 0 to `most`, three to six of them. */
function ticks(most: number): number[] {
  const power = 10 ** Math.floor(Math.log10(most))
  const step = [0.2, 0.25, 0.5, 1, 2].map((part) => part * power).find((step) => most / step <= 5) ?? power
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step)
}

function line(x1: number, y1: number, x2: number, y2: number, more: string): string {
  return `<line x1="${n(x1)}" y1="${n(y1)}" x2="${n(x2)}" y2="${n(y2)}" ${more}/>`
}

function text(x: number, y: number, said: string, more = ''): string {
  return `<text x="${n(x)}" y="${n(y)}" ${more}>${escaped(said)}</text>`
}

function escaped(said: string): string {
  return said.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

function n(value: number): string {
  return value.toFixed(1)
}
