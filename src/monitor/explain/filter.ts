/** Which columns a condition of a plan compares with something that an index could find. */

/** The columns of one table that a condition compares, in its order and without repeats. */
export interface Compared {
  /** By `=` or `= ANY`: they lead an index. */
  readonly equal: readonly string[]
  /** By `<`, `<=`, `>` or `>=`: one of them may follow. */
  readonly ranged: readonly string[]
}

/**
 * Reads a condition as the server prints it: `((big.a = 1) AND ((big.name)::text = 'x'::text))`. Only comparisons that
 * all have to hold count; an OR, a function of the column and a pattern do not.
 *
 * @param alias what the table is called in the condition
 * @param known the columns that the table has
 */
export function columnsOf(condition: string, alias: string, known: readonly string[]): Compared {
  const equal = new Set<string>()
  const ranged = new Set<string>()
  for (const part of conjunctsOf(condition)) {
    const comparison = comparisonIn(part)
    if (comparison === undefined) continue
    const { left, operator, right } = comparison
    const column = columnIn(left, alias, known)
    // Of two columns of one table an index finds neither.
    if (column === undefined || known.some((name) => mentions(right, alias, name))) continue
    const into = operator === '=' ? equal : ranged
    into.add(column)
  }
  return { equal: [...equal], ranged: [...ranged].filter((name) => !equal.has(name)) }
}

/** The parts of a condition that all have to hold. */
function conjunctsOf(condition: string): string[] {
  const bare = unwrapped(condition.trim())
  const parts = splitAt(bare, ' AND ')
  return parts.length === 1 ? [bare] : parts.flatMap(conjunctsOf)
}

function comparisonIn(part: string): { left: string; operator: string; right: string } | undefined {
  for (const operator of ['<=', '>=', '<>', '=', '<', '>']) {
    const sides = splitAt(part, ` ${operator} `)
    const [left, right] = sides
    if (sides.length !== 2 || left === undefined || right === undefined) continue
    return operator === '<>' ? undefined : { left, operator, right }
  }
  return undefined
}

/** The column that a side consists of, whatever it is cast to. */
function columnIn(side: string, alias: string, known: readonly string[]): string | undefined {
  const bare = unwrapped(unwrapped(side.trim()).replace(/::[\w "]+(?:\([\d,]+\))?(?:\[\])?$/, ''))
  return known.find((name) => spellings(alias, name).includes(bare))
}

function mentions(text: string, alias: string, name: string): boolean {
  const outside = text.replace(/'(?:[^']|'')*'/g, "''")
  return outside.split(/[\s(),:]+/).some((word) => spellings(alias, name).includes(word))
}

/** How the server may print a column: quoted where it has to be, with the table's name where there are several. */
function spellings(alias: string, name: string): string[] {
  const columns = [name, quoted(name)]
  return [
    ...columns,
    ...[alias, quoted(alias)].flatMap((table) => columns.map((column) => `${table}.${column}`)),
  ]
}

/** An identifier in quotes, whatever is in it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Without the parentheses around the whole of it. */
function unwrapped(text: string): string {
  if (!text.startsWith('(') || !text.endsWith(')')) return text
  let depth = 0
  for (const { letter, at } of outsideQuotes(text)) {
    if (letter === '(') depth++
    if (letter === ')') depth--
    if (depth === 0 && at < text.length - 1) return text
  }
  return unwrapped(text.slice(1, -1).trim())
}

/** Splits at a word that stands outside parentheses and quotes. */
function splitAt(text: string, word: string): string[] {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (const { letter, at } of outsideQuotes(text)) {
    if (letter === '(') depth++
    if (letter === ')') depth--
    if (depth > 0 || at < from || !text.startsWith(word, at)) continue
    parts.push(text.slice(from, at))
    from = at + word.length
  }
  return [...parts, text.slice(from)]
}

function* outsideQuotes(text: string): Generator<{ letter: string; at: number }> {
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const letter = text.charAt(at)
    if (quote === '' && (letter === "'" || letter === '"')) quote = letter
    else if (quote === letter) quote = ''
    else if (quote === '') yield { letter, at }
  }
}
