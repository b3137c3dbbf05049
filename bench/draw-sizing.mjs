/** Throughput and waits by the number of connections, three kinds of statements beside each other. */
import { colour, distinct, INK, line, linear, logarithmic, mark, short, show, text, ticksTo } from './svg.mjs'

/** @typedef {import('./svg.mjs').Row} Row */

const WIDTH = 900
const [TOP, RATE_BOTTOM, TIME_TOP, TIME_BOTTOM] = [112, 300, 392, 580]

/** One panel for each kind of statement; a kind may have several lines. @type {{ title: string, statements: string[] }[]} */
const PANELS = [
  { title: 'lookups', statements: ['lookup, lanes', 'lookup, no lanes'] },
  { title: 'waits 10 ms', statements: ['waits 10 ms'] },
  { title: 'computes', statements: ['computes'] },
]

const LINES = ['lookup, lanes', 'lookup, no lanes', 'waits 10 ms', 'computes']

/** @param {import('./svg.mjs').Section} section */
export function drawSizing({ rows }) {
  const sizes = distinct(rows, 'connections').map(Number)
  const times = rows.flatMap(({ p50, p99 }) => [Number(p50), Number(p99)])
  const powers = [Math.floor(Math.log10(Math.min(...times))), Math.ceil(Math.log10(Math.max(...times)))]
  const parts = PANELS.flatMap(({ title, statements }, n) => {
    const [left, right] = [66 + n * 285, 316 + n * 285 - 20]
    const x = logarithmic(sizes[0], sizes.at(-1) ?? 1, left + 12, right - 12)
    const own = statements.map((name) => rows.filter((row) => row.statement === name))
    return [
      text((left + right) / 2, TOP - 20, title, 'text-anchor="middle" font-weight="bold"'),
      text((left + right) / 2, TIME_TOP - 16, 'p50 and p99 (dashed)', 'text-anchor="middle" font-size="11"'),
      ...rates(own, x, left, right),
      ...waits(own, x, left, right, powers),
      ...[RATE_BOTTOM, TIME_BOTTOM].flatMap((bottom) =>
        sizes.map((size) => text(x(size), bottom + 16, `${size}`, 'text-anchor="middle" font-size="11"')),
      ),
      ...[RATE_BOTTOM, TIME_BOTTOM].map((bottom) =>
        text((left + right) / 2, bottom + 33, 'connections', 'text-anchor="middle" font-size="11"'),
      ),
    ]
  })
  return {
    width: WIDTH,
    height: TIME_BOTTOM + 44,
    title: 'Statements a second, and what callers wait, by the number of connections',
    below: '128 callers who ask again at once; above: a second, below: milliseconds, logarithmic',
    parts: [...names(), ...parts],
  }
}

function names() {
  return LINES.slice(0, 2).flatMap((name, n) => {
    const at = 40 + n * 150
    return [mark(at, 68, n), text(at + 12, 72, name)]
  })
}

/** @param {Row[][]} own @param {(size: number) => number} x @param {number} left @param {number} right */
function rates(own, x, left, right) {
  const ticks = ticksTo(Math.max(...own.flat().map((row) => Number(row['per second']))))
  const y = linear(0, ticks[ticks.length - 1], RATE_BOTTOM, TOP)
  return [
    ...ticks.flatMap((tick) => scaleAt(y(tick), left, right, short(tick))),
    ...own.flatMap((rows) => curve(rows, x, (row) => y(Number(row['per second'])))),
  ]
}

/** @param {Row[][]} own @param {(size: number) => number} x @param {number} left @param {number} right @param {number[]} powers */
function waits(own, x, left, right, [low, high]) {
  const y = logarithmic(10 ** low, 10 ** high, TIME_BOTTOM, TIME_TOP)
  const decades = Array.from({ length: high - low + 1 }, (_, n) => 10 ** (low + n))
  return [
    ...decades.flatMap((tick) =>
      scaleAt(y(tick), left, right, tick >= 1 ? `${show(tick)} ms` : `${tick} ms`),
    ),
    ...own.flatMap((rows) => [
      ...curve(rows, x, (row) => y(Number(row.p50))),
      ...curve(rows, x, (row) => y(Number(row.p99)), 'stroke-dasharray="5 4"'),
    ]),
  ]
}

/** @param {number} at @param {number} left @param {number} right @param {string} said */
function scaleAt(at, left, right, said) {
  return [
    line(left, at, right, at),
    text(left - 6, at + 4, said, `text-anchor="end" font-size="11" fill="${INK}"`),
  ]
}

/** @param {Row[]} rows @param {(size: number) => number} x @param {(row: Row) => number} y @param {string} [dashes] */
function curve(rows, x, y, dashes = '') {
  const n = LINES.indexOf(String(rows[0]?.statement))
  const at = rows.map((row) => /** @type {const} */ ([x(Number(row.connections)), y(row)]))
  const points = at.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(' ')
  return [
    `<polyline points="${points}" fill="none" stroke="${colour(n)}" stroke-width="2" ${dashes}/>`,
    ...at.map(([px, py]) => mark(px, py, n)),
  ]
}
