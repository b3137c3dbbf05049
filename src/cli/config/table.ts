/** The table of `sluice config`: a line an option, and under it what was said by those who were not listened to. */
import type { Explanation, Outvoted } from '../../profiles/explain.ts'
import type { Paint } from '../paint.ts'
import { left, whole, wrap } from '../paint.ts'

/** The lines, at most `width` wide. */
export function describeConfig(
  rows: readonly Explanation[],
  missing: string | undefined,
  paint: Paint,
  width: number,
): string[] {
  const shown = rows.map((row) => ({ row, value: inWords(row.value, row.unit) }))
  const names = Math.max(...shown.map(({ row }) => row.option.length)) + 2
  const values = Math.min(30, Math.max(...shown.map(({ value }) => value.length)) + 2)
  const lines = shown.flatMap(({ row, value }) => {
    const isSaid = row.source !== 'default'
    const painted = isSaid ? paint.bold(value) : paint.dim(value)
    const source = isSaid ? row.source : paint.dim(row.source)
    const line = `  ${left(row.option, names)}${left(painted, values)} ${source}`
    return [...wrap(line, width, ' '.repeat(names + 4)), ...outvoted(row, names, paint, width)]
  })
  return [...lines, '', ...ending(missing, paint, width)]
}

/** What others said, the one next in turn first, each value once; the defaults of everybody go without saying. */
function outvoted(row: Explanation, indent: number, paint: Paint, width: number): string[] {
  const heard = row.losers.filter(({ source }) => source !== 'default')
  const same = heard.filter(({ value }) => value === row.value).map(({ source }) => source)
  const others = heard.filter(({ value }) => value !== row.value)
  const notes = [
    ...(same.length === 0 ? [] : [`as ${same.join(', ')} says`]),
    ...(others.length === 0 ? [] : [wordsOf(others, row.unit)]),
    ...(row.note === undefined ? [] : [row.note]),
  ]
  const space = ' '.repeat(indent + 2)
  return notes.flatMap((note) => wrap(`${space}${note}`, width, `${space}  `)).map((line) => paint.dim(line))
}

function wordsOf(losers: readonly Outvoted[], unit: string): string {
  const values = [...new Set(losers.map(({ value }) => value))]
  const words = values.map((value) => {
    const sources = losers.filter((loser) => loser.value === value).map(({ source }) => source)
    return `${inWords(value, unit)} (${sources.join(', ')})`
  })
  return `wins over ${words.join(', ')}`
}

function ending(missing: string | undefined, paint: Paint, width: number): string[] {
  const { glyphs } = paint
  if (missing !== undefined) return wrap(`${paint.bad(glyphs.no)} ${missing}.`, width, '  ')
  const text = 'new Pool(poolConfigFromEnv()) is made of this. Code may overrule each of it.'
  return wrap(`${paint.good(glyphs.yes)} ${text}`, width, '  ')
}

function inWords(value: Explanation['value'], unit: string): string {
  if (typeof value !== 'number') return value === '' ? '(empty)' : String(value)
  if (unit === '') return String(value)
  return `${whole(value)} ${unit}${unit === 'ms' ? atLength(value) : ''}`
}

/** Milliseconds in the unit that a person would use, where there is one. */
function atLength(value: number): string {
  for (const [size, name] of LONGER)
    if (value >= size && value % (size / 2) === 0) return ` (${value / size} ${name})`
  return ''
}

const LONGER = [
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const
