/** How the benches measure: subjects take turns in rounds, each long enough to count, and medians speak. */

/**
 * @typedef {object} Settings
 * @property {number} rounds how often each subject is measured
 * @property {number} cellMillis how long one measurement lasts at least
 *
 * @typedef {object} Subject
 * @property {string} name
 * @property {() => Promise<number>} measure takes one figure, lower is better
 *
 * @typedef {object} Figures
 * @property {string} name
 * @property {number[]} rounds one figure a round
 * @property {number} median
 *
 * @typedef {object} Goal
 * @property {string} goal
 * @property {number} measured
 * @property {number} limit
 * @property {boolean} met
 *
 * @typedef {object} Section
 * @property {string} title
 * @property {string[]} [notes]
 * @property {Record<string, string | number>[]} rows
 */

/** @param {number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Half the distance between the quartiles, in percent of the median: how far a figure may be trusted. */
export function spread(/** @type {number[]} */ values) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (/** @type {number} */ q) => sorted[Math.round(q * (sorted.length - 1))]
  return (50 * (at(0.75) - at(0.25))) / median(values)
}

/** Lets a measurement begin without the garbage of the one before. Needs `--expose-gc`. */
export function tidy() {
  globalThis.gc?.()
}

/** Milliseconds of CPU that this process has used, which neighbours on the same cores do not lengthen. For work that never waits. */
export function cpuMillis() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/**
 * Measures subjects against each other: every round measures all of them, each round beginning with another one, so that a
 * noisy neighbour meets them alike.
 * @param {Subject[]} subjects
 * @param {Settings} settings
 * @returns {Promise<Figures[]>}
 */
export async function compare(subjects, { rounds }) {
  const taken = subjects.map(() => /** @type {number[]} */ ([]))
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < subjects.length; n++) {
      const turn = (round + n) % subjects.length
      taken[turn].push(await subjects[turn].measure())
    }
  }
  return subjects.map(({ name }, i) => ({ name, rounds: taken[i], median: median(taken[i]) }))
}

/**
 * How many times as long `a` takes as `b`: the median of the ratios within each round, which noise that outlasts a round
 * does not reach.
 * @param {Figures} a
 * @param {Figures} b
 */
export function ratio(a, b) {
  return median(a.rounds.map((figure, round) => figure / b.rounds[round]))
}

/** @template {Figures} F @param {F[]} figures @param {string} name */
export function figureOf(figures, name) {
  const found = figures.find((one) => one.name === name)
  if (found === undefined) throw new Error(`BUG: ${name} was not measured`)
  return found
}

/** The one with the lowest median. */
export function fastest(/** @type {Figures[]} */ figures) {
  return figures.reduce((best, next) => (next.median < best.median ? next : best))
}

/** @param {string} goal @param {number} measured @param {number} limit @returns {Goal} */
export function atMost(goal, measured, limit) {
  return { goal: `${goal} ≤ ${limit}`, measured, limit, met: measured <= limit }
}

/** @param {string} goal @param {number} measured @param {number} limit @returns {Goal} */
export function atLeast(goal, measured, limit) {
  return { goal: `${goal} ≥ ${limit}`, measured, limit, met: measured >= limit }
}

/** Rows as a table that is also Markdown. */
export function table(/** @type {Record<string, string | number>[]} */ rows) {
  const heads = [...new Set(rows.flatMap(Object.keys))]
  const cells = [heads, ...rows.map((row) => heads.map((head) => show(row[head])))]
  const widths = heads.map((_, column) => Math.max(...cells.map((line) => line[column].length)))
  const numeric = heads.map((head) => rows.every((row) => typeof row[head] !== 'string'))
  const lines = cells.map((line) => {
    const padded = line.map((cell, i) => (numeric[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
    return `| ${padded.join(' | ')} |`
  })
  const rule = widths.map((width, i) => (numeric[i] ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2)))
  return [lines[0], `|${rule.join('|')}|`, ...lines.slice(1)].join('\n')
}

function show(/** @type {string | number | undefined} */ value) {
  if (value === undefined) return '–'
  if (typeof value === 'string') return value
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(value >= 10 ? 1 : 2)
}
