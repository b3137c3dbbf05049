/**
 * Draws what `node --expose-gc bench/main.mjs <bench> --save` has measured: bench/results/*.json become docs/graphs/*.svg.
 * `node bench/draw.mjs [results] [graphs]`
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { drawSizing } from './draw-sizing.mjs'
import {
  colour,
  distinct,
  INK,
  legend,
  line,
  linear,
  logarithmic,
  mark,
  page,
  ring,
  short,
  show,
  text,
  ticksTo,
} from './svg.mjs'

const [results = 'bench/results', graphs = 'docs/graphs'] = process.argv.slice(2)

/** The same path has the same colour in every graph. */
const PATHS = [
  'sluice',
  'pg.Pool',
  'postgres.js',
  'naive pipelining',
  'slonik',
  'pg.Pool, named',
  'wire client',
]
/** @typedef {import('./svg.mjs').Row} Row */

/** @typedef {import('./svg.mjs').Section} Section */

/** @param {string} bench @returns {Section[]} */
function sectionsOf(bench) {
  const { benches } = JSON.parse(readFileSync(`${results}/${bench}.json`, 'utf8'))
  return benches.find((/** @type {{ name: string }} */ { name }) => name === bench).sections
}

function placeOf(/** @type {string} */ path) {
  return PATHS.indexOf(path)
}

/** @param {string} name @param {number} width @param {number} height @param {string} title @param {string} below @param {string[]} parts */
function write(name, width, height, title, below, parts) {
  mkdirSync(graphs, { recursive: true })
  writeFileSync(`${graphs}/${name}.svg`, page(width, height, title, below, parts))
}

// Lookups --------------------------------------------------------------------------------------------------------------

/** @param {Section} section @param {string} name @param {string} column @param {string} title @param {string} unit */
function drawLookups({ rows }, name, column, title, unit) {
  const [width, panelWidth, panelHeight, top] = [900, 430, 220, 74]
  const pathOf = (/** @type {Row} */ row) => String(row.path).replace(/ on \d+$/, '')
  const panels = distinct(rows, 'callers').flatMap((callers, n) => {
    const [left, up] = [20 + (n % 2) * panelWidth, top + Math.floor(n / 2) * panelHeight]
    const own = rows.filter((row) => row.callers === callers)
    const ticks = ticksTo(Math.max(...own.map((row) => Number(row[column]))))
    const [from, to, bottom] = [left + 108, left + panelWidth - 62, up + 28 + own.length * 22]
    const x = linear(0, ticks[ticks.length - 1], from, to)
    const title = `${show(Number(callers))} ${callers === 1 ? 'caller' : 'callers'}`
    return [
      text(from, up + 14, title, 'font-weight="bold"'),
      ...ticks.flatMap((tick) => [
        line(x(tick), up + 22, x(tick), bottom),
        text(x(tick), bottom + 15, short(tick), 'text-anchor="middle" font-size="11"'),
      ]),
      text((from + to) / 2, bottom + 31, unit, 'text-anchor="middle" font-size="11"'),
      ...own.flatMap((row, i) => {
        const [y, value] = [up + 28 + i * 22, Number(row[column])]
        const fill = `fill="${colour(placeOf(pathOf(row)))}"`
        return [
          text(from - 8, y + 12, pathOf(row), 'text-anchor="end"'),
          `<rect x="${from}" y="${y}" width="${(x(value) - from).toFixed(1)}" height="16" ${fill}/>`,
          text(x(value) + 5, y + 12, show(Math.round(value)), 'font-size="11"'),
        ]
      }),
    ]
  })
  const below = `One row by its primary key, 10 connections (the wire client: as many as are fastest). Each panel has its own scale.`
  write(name, width, top + 2 * panelHeight, title, below, panels)
}

// Lookups beside slow work ---------------------------------------------------------------------------------------------

const GOALS = { p50: 2, p99: 25 }

/** @param {Section} section */
function drawLatencies({ rows }) {
  const [top, bottom, panelWidth] = [110, 430, 430]
  const paths = distinct(rows, 'path').map(String)
  const besides = distinct(rows, 'beside').map(String)
  const values = rows.flatMap(({ p50, p99 }) => [Number(p50), Number(p99)])
  const powers = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))]
  const y = logarithmic(10 ** powers[0], 10 ** powers[1], bottom, top)
  const panels = /** @type {const} */ (['p50', 'p99']).flatMap((column, panel) => {
    const [left, right] = [72 + panel * panelWidth, 14 + (panel + 1) * panelWidth]
    const x = linear(0, besides.length - 1, left + 40, right - 40)
    const decades = Array.from({ length: powers[1] - powers[0] + 1 }, (_, n) => 10 ** (powers[0] + n))
    const goal = GOALS[column]
    return [
      text(
        (left + right) / 2,
        top - 14,
        column === 'p50' ? 'half of the lookups wait less (p50)' : '99 in 100 wait less (p99)',
        'text-anchor="middle" font-weight="bold"',
      ),
      ...decades.flatMap((tick) => [
        line(left, y(tick), right, y(tick)),
        text(
          left - 6,
          y(tick) + 4,
          tick >= 1 ? show(tick) : String(tick),
          'text-anchor="end" font-size="11"',
        ),
      ]),
      line(left, y(goal), right, y(goal), `stroke="${INK}" stroke-dasharray="5 4"`),
      text(left + 3, y(goal) - 5, `goal: ${goal} ms`, 'font-size="11"'),
      ...besides.map((beside, i) =>
        text(x(i), bottom + 18, beside.replace(/ slow loops$/, ''), 'text-anchor="middle" font-size="11"'),
      ),
      text(
        (left + right) / 2,
        bottom + 36,
        'loops of a statement of 200 ms',
        'text-anchor="middle" font-size="11"',
      ),
      ...paths.flatMap((path) => {
        const n = placeOf(path)
        const at = besides.map((beside, i) => {
          const row = rows.find((one) => one.path === path && one.beside === beside)
          return /** @type {const} */ ([x(i), y(Number(row?.[column]))])
        })
        const points = at.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(' ')
        return [
          `<polyline points="${points}" fill="none" stroke="${colour(n)}" stroke-width="2"/>`,
          ...at.map(([px, py]) => mark(px, py, n)),
        ]
      }),
    ]
  })
  const middle = (top + bottom) / 2
  const parts = [
    ...legend(paths, 40, 74, 160),
    text(
      20,
      middle,
      'milliseconds, logarithmic',
      `text-anchor="middle" transform="rotate(-90 20 ${middle})"`,
    ),
    ...panels,
  ]
  const below = '2,000 lookups a second beside loops of a statement of 200 ms, 10 connections in each pool'
  write('mixed-latency', 900, 480, 'What a lookup waits when slow statements share its pool', below, parts)
}

/** @param {Section} section */
function drawSlowWork({ rows }) {
  const own = rows.filter((row) => row['slow/s'] !== undefined)
  const paths = distinct(own, 'path').map(String)
  const besides = distinct(own, 'beside').map(String)
  const [left, right, top, bottom] = [62, 880, 96, 330]
  const ticks = ticksTo(Math.max(...own.map((row) => Number(row['slow/s']))))
  const y = linear(0, ticks[ticks.length - 1], bottom, top)
  const [group, bar] = [(right - left) / besides.length, 44]
  const parts = [
    ...paths.flatMap((path, n) => [
      `<rect x="${34 + n * 160}" y="63" width="12" height="12" fill="${colour(placeOf(path))}"/>`,
      text(52 + n * 160, 74, path),
    ]),
    ...ticks.flatMap((tick) => [
      line(left, y(tick), right, y(tick)),
      text(left - 6, y(tick) + 4, show(tick), 'text-anchor="end" font-size="11"'),
    ]),
    text(
      18,
      (top + bottom) / 2,
      'slow statements a second',
      `text-anchor="middle" transform="rotate(-90 18 ${(top + bottom) / 2})"`,
    ),
    ...besides.flatMap((beside, g) => {
      const from = left + g * group + (group - paths.length * bar) / 2
      return [
        ...paths.flatMap((path, n) => {
          const value = Number(own.find((row) => row.path === path && row.beside === beside)?.['slow/s'])
          const [x, height] = [from + n * bar, bottom - y(value)]
          return [
            `<rect x="${(x + 2).toFixed(1)}" y="${y(value).toFixed(1)}" width="${bar - 4}" height="${height.toFixed(1)}" fill="${colour(placeOf(path))}"/>`,
            text(x + bar / 2, y(value) - 4, show(value), 'text-anchor="middle" font-size="11"'),
          ]
        }),
        text(left + (g + 0.5) * group, bottom + 18, beside, 'text-anchor="middle"'),
      ]
    }),
  ]
  const below =
    'The slow statements’ side of the same runs. Ten connections that do nothing else could run 50 a second.'
  write('mixed-slow', 900, 362, 'What the slow work loses for it', below, parts)
}

// Packing --------------------------------------------------------------------------------------------------------------

const LANES = [1, 2, 4, 10]
const CHOSEN = 'the pool’s choice'

/** @param {Section[]} sections */
function drawPacking(sections) {
  const statements = distinct(sections[0].rows, 'statement').map(String)
  const callers = distinct(sections[0].rows, 'callers').map(Number)
  const [top, panelWidth, panelHeight] = [110, 430, 250]
  const panels = statements.flatMap((statement, down) => {
    const rowsOf = (/** @type {Section} */ { rows }) => rows.filter((row) => row.statement === statement)
    const most = Math.max(
      ...sections
        .flatMap(rowsOf)
        .flatMap((row) => [...LANES.map((lanes) => Number(row[`${lanes} lanes`] ?? 0)), Number(row[CHOSEN])]),
    )
    const ticks = ticksTo(most)
    return sections.flatMap((section, across) => {
      const [left, right] = [70 + across * panelWidth, 20 + (across + 1) * panelWidth]
      const up = top + down * panelHeight
      const bottom = up + panelHeight - 72
      const y = linear(0, ticks[ticks.length - 1], bottom, up + 12)
      const x = logarithmic(1, 10, left + 18, right - 18)
      const cores = section.title.match(/on (\d+) of/)?.[1] ?? '?'
      const title = `${statement}, server on ${cores} ${cores === '1' ? 'core' : 'cores'}`
      return [
        text((left + right) / 2, up, title, 'text-anchor="middle" font-weight="bold"'),
        ...ticks.flatMap((tick) => [
          line(left, y(tick), right, y(tick)),
          text(left - 6, y(tick) + 4, short(tick), 'text-anchor="end" font-size="11"'),
        ]),
        ...LANES.map((lanes) =>
          text(x(lanes), bottom + 17, `${lanes}`, 'text-anchor="middle" font-size="11"'),
        ),
        text((left + right) / 2, bottom + 33, 'lanes, logarithmic', 'text-anchor="middle" font-size="11"'),
        ...rowsOf(section).flatMap((row) => {
          const n = callers.indexOf(Number(row.callers))
          const at = LANES.filter((lanes) => row[`${lanes} lanes`] !== undefined).map(
            (lanes) => /** @type {const} */ ([x(lanes), y(Number(row[`${lanes} lanes`]))]),
          )
          const points = at.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(' ')
          return [
            `<polyline points="${points}" fill="none" stroke="${colour(n)}" stroke-width="2"/>`,
            ...at.map(([px, py]) => mark(px, py, n)),
            ring(x(Math.max(1, Number(row.lanes))), y(Number(row[CHOSEN])), n),
          ]
        }),
      ]
    })
  })
  const middle = top + (statements.length * panelHeight) / 2 - 30
  const names = callers.map((many) => `${show(many)} ${many === 1 ? 'caller' : 'callers'}`)
  const parts = [
    ...legend(names, 40, 76, 140),
    ring(40 + names.length * 140, 72, 6),
    text(56 + names.length * 140, 76, 'what the pool chooses of ten'),
    text(18, middle, 'statements a second', `text-anchor="middle" transform="rotate(-90 18 ${middle})"`),
    ...panels,
  ]
  const below =
    'A lookup, a statement of a third of a millisecond, and one of two milliseconds; client and server share the machine'
  write(
    'packing',
    900,
    top + statements.length * panelHeight - 20,
    'Statements a second by the number of lanes',
    below,
    parts,
  )
}

const [lookups] = sectionsOf('lanes')
drawLookups(lookups, 'lookups-rate', 'queries/s', 'Lookups a second, by callers', 'lookups a second')
drawLookups(
  lookups,
  'lookups-cpu',
  'CPU µs/query',
  'CPU time of the client for one lookup',
  'microseconds of CPU',
)
const [beside] = sectionsOf('mixed')
drawLatencies(beside)
drawSlowWork(beside)
drawPacking(sectionsOf('packing'))
const { width, height, title, below, parts } = drawSizing(sectionsOf('sizing')[1])
write('sizing', width, height, title, below, parts)
