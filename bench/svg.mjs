/** What graphs are drawn with: shapes, scales and ticks as SVG. */

/** After Okabe and Ito, which colour-blind eyes tell apart; every line has a mark of its own besides. */
const COLOURS = ['#0072B2', '#D55E00', '#009E73', '#8F5A99', '#E69F00', '#56B4E9', '#767676']
export const INK = '#222222'
const FAINT = '#DDDDDD'
const FONT = 'font-family="DejaVu Sans, Verdana, Arial, sans-serif"'

/** @typedef {Record<string, string | number>} Row */

/** @typedef {{ title: string, rows: Row[] }} Section */

/** @typedef {(value: number) => number} Scale */

// SVG ------------------------------------------------------------------------------------------------------------------

/** @param {number} x @param {number} y @param {string} said @param {string} [more] */
export function text(x, y, said, more = '') {
  const safe = said.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${safe}</text>`
}

/** @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 @param {string} [more] */
export function line(x1, y1, x2, y2, more = `stroke="${FAINT}"`) {
  const [a, b, c, d] = [x1, y1, x2, y2].map((at) => at.toFixed(1))
  return `<line x1="${a}" y1="${b}" x2="${c}" y2="${d}" ${more}/>`
}

/** @param {number} x @param {number} y @param {number} n which line it belongs to */
export function mark(x, y, n) {
  const fill = `fill="${colour(n)}" stroke="#FFFFFF"`
  const shape = [
    `<circle r="5" ${fill}/>`,
    `<rect x="-4.5" y="-4.5" width="9" height="9" ${fill}/>`,
    `<path d="M0 -6 L5.5 4.5 L-5.5 4.5 Z" ${fill}/>`,
    `<path d="M0 -6 L6 0 L0 6 L-6 0 Z" ${fill}/>`,
  ][n % 4]
  return `<g transform="translate(${x.toFixed(1)} ${y.toFixed(1)})">${shape}</g>`
}

/** What the pool chooses, as a ring around whatever else is there. @param {number} x @param {number} y @param {number} n */
export function ring(x, y, n) {
  return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="8" fill="none" stroke="${colour(n)}" stroke-width="2.5"/>`
}

export function colour(/** @type {number} */ n) {
  return COLOURS[n % COLOURS.length]
}

/** A drawing as a document. @param {number} width @param {number} height @param {string} title @param {string} below @param {string[]} parts */
export function page(width, height, title, below, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ${FONT} font-size="12" fill="${INK}" role="img" aria-label="${title.replaceAll('&', 'and').replaceAll('"', '')}">`,
    `<rect width="${width}" height="${height}" fill="#FFFFFF"/>`,
    text(20, 28, title, 'font-size="16" font-weight="bold"'),
    text(20, 48, below),
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}

/** @param {string[]} names @param {number} x @param {number} y @param {number} step */
export function legend(names, x, y, step) {
  return names.flatMap((name, n) => {
    const at = x + n * step
    return [
      line(at - 12, y - 4, at + 12, y - 4, `stroke="${colour(n)}" stroke-width="2"`),
      mark(at, y - 4, n),
      text(at + 18, y, name),
    ]
  })
}

// Scales ---------------------------------------------------------------------------------------------------------------

/** @param {number} from @param {number} to @param {number} low @param {number} high @returns {Scale} */
export function linear(from, to, low, high) {
  return (value) => low + ((value - from) / (to - from)) * (high - low)
}

/** @param {number} from @param {number} to @param {number} low @param {number} high @returns {Scale} */
export function logarithmic(from, to, low, high) {
  const scale = linear(Math.log(from), Math.log(to), low, high)
  return (value) => scale(Math.log(value))
}

/** Round numbers from 0 to beyond `most`, three to six of them. @param {number} most */
export function ticksTo(most) {
  const size = 10 ** Math.floor(Math.log10(most))
  const step = [0.2, 0.25, 0.5, 1, 2].map((part) => part * size).find((part) => most / part <= 5) ?? 5 * size
  const ticks = []
  for (let n = 0; (n - 1) * step < most * 1.02; n++) ticks.push(n * step)
  return ticks
}

export function show(/** @type {number} */ value) {
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(value >= 10 ? 1 : 2)
}

export function short(/** @type {number} */ value) {
  return value >= 1e3 ? `${Number((value / 1e3).toFixed(1)).toLocaleString('en-US')} k` : show(value)
}

/** @param {Row[]} rows @param {string} column @returns {(string | number)[]} */
export function distinct(rows, column) {
  return [...new Set(rows.map((row) => row[column]))]
}
