// Holds src/ to the rules of the house: floors, circles, the one door to each driver, and where time, the
// environment and the console may be touched. Usage: node scripts/check-layers.mjs [project root]

import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, resolve } from 'node:path'
import process from 'node:process'
import { codeOnly, importsOf, lineAt } from './source.mjs'

/** @type {Record<string, number>} */
const FLOORS = {
  base: 0,
  core: 1,
  resilience: 1,
  sizing: 1,
  profiles: 2,
  postgres: 3,
  redis: 3,
  http: 3,
  control: 3,
  monitor: 3,
  pgbouncer: 3,
  middleware: 3,
  demo: 4,
  dashboard: 4,
  cli: 5,
}

/** The room that may load each driver, from its driver.ts alone. @type {Record<string, string>} */
const DRIVERS = { pg: 'postgres', ioredis: 'redis', undici: 'http' }

const HANDED_IN = /^(?:prom-client|@opentelemetry\/.*|@aws-sdk\/.*)$/

/** Rooms that are programs rather than library. */
const PROGRAMS = ['demo', 'cli']

/** What runs in a browser: it can load nothing from elsewhere in src, and nothing there can load it. */
const PAGE = 'dashboard/web/'

/** What code may only say in some places. */
const WORDS = [
  {
    pattern: /(?<![.\w$#])process\s*(?:(?:\?\.|\.)\s*env\b|\[)|(?<==\s*)process\b(?!\s*[.?])/g,
    from: /^(?:node:)?process$/,
    name: /\benv\b/,
    may: (/** @type {string} */ file) => ['profiles', 'cli'].includes(roomOf(file)),
    rule: 'the environment is read only in profiles and cli',
  },
  {
    pattern: /(?:(?<![.\w$#])|\bglobalThis\s*\.\s*)console\s*(?:\?\.|\.|\[)/g,
    from: /^(?:node:)?console$/,
    name: /./,
    may: (/** @type {string} */ file) => roomOf(file) === 'cli',
    rule: 'the console is for cli',
  },
  {
    pattern: new RegExp(
      String.raw`(?:(?<![.\w$#])|\bglobalThis\s*\.\s*)(?:` +
        [
          String.raw`Date\s*\.\s*now\b`,
          String.raw`performance\s*\.\s*now\b`,
          String.raw`process\s*\.\s*hrtime\b`,
          String.raw`AbortSignal\s*\.\s*timeout\b`,
          String.raw`new\s+Date\b(?!\s*\(\s*[^\s)])`,
          String.raw`(?:setTimeout|setInterval|setImmediate)\b`,
        ].join('|') +
        ')',
      'g',
    ),
    from: /^(?:node:)?(?:timers(?:\/promises)?|perf_hooks)$/,
    name: /./,
    may: (/** @type {string} */ file) =>
      file === 'base/clock.ts' || PROGRAMS.includes(roomOf(file)) || file.startsWith(PAGE),
    rule: 'time comes only from Clock (base/clock.ts)',
  },
]

/** @typedef {{ file: string, source: string, code: string, imports: ReturnType<typeof importsOf> }} Module */

/** @param {string} file path below src */
const roomOf = (file) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '')
/** @param {string} file */
const isIndex = (file) => posix.basename(file) === 'index.ts'
/** @param {string} file */
const isTest = (file) => file.endsWith('.test.ts')
/** @param {string} name @param {string} specifier */
const isPackage = (name, specifier) => specifier === name || specifier.startsWith(`${name}/`)

/**
 * The path below src of a relative import, or undefined for a package.
 * @param {string} from
 * @param {string} specifier
 */
function target(from, specifier) {
  if (!specifier.startsWith('.')) return undefined
  return posix.normalize(posix.join(posix.dirname(from), specifier)).replace(/\.js$/, '.ts')
}

/**
 * What is wrong with reaching one file of src from another.
 * @param {string} from
 * @param {string} to
 */
function wrongWithFile(from, to) {
  if (to.startsWith('../')) return isTest(from) ? undefined : 'src may not import from outside src'
  if (isTest(to)) return 'a test may not be imported'
  if (isIndex(to) && !isTest(from)) return `${to} may not be imported inside src, import the file itself`
  const [room, other] = [roomOf(from), roomOf(to)]
  if (room === '' || room === other) return undefined
  const [floor, below] = [FLOORS[room] ?? -1, FLOORS[other] ?? Number.POSITIVE_INFINITY]
  return below < floor
    ? undefined
    : `${room} may not import from ${other || 'src'} (floor ${floor} ${floor === below ? '=' : '<'} ${below})`
}

/**
 * What is wrong with reaching into the page, or out of it.
 * @param {string} from
 * @param {string} to
 * @param {boolean} typeOnly
 */
function wrongWithPage(from, to, typeOnly) {
  const [isFrom, isTo] = [from.startsWith(PAGE), to.startsWith(PAGE)]
  if (isFrom === isTo || (isFrom && (typeOnly || isTest(from)))) return undefined
  return isFrom ? 'a browser cannot load this, the page may import only its type' : 'the page is for browsers'
}

/**
 * What is wrong with reaching a package.
 * @param {string} from
 * @param {Module['imports'][number]} use
 */
function wrongWithPackage(from, { specifier, typeOnly }) {
  if (isPackage('sluice', specifier)) return 'src may not import the package by its own name'
  if (HANDED_IN.test(specifier) && !typeOnly) return `${specifier} is handed in by the user, never loaded`
  const driver = Object.keys(DRIVERS).find((name) => isPackage(name, specifier))
  if (driver === undefined) return undefined
  const home = DRIVERS[driver] ?? ''
  if (!typeOnly) {
    return from === `${home}/driver.ts` ? undefined : `${driver} is loaded only in ${home}/driver.ts`
  }
  const allowed = from === 'index.ts' || [home, ...PROGRAMS].includes(roomOf(from))
  return allowed
    ? undefined
    : `types of ${driver} are for ${[home, ...PROGRAMS].join(', ')} and the front door`
}

/**
 * The code without its imports and re-exports.
 * @param {Module} module
 */
function bodyOf({ code, imports }) {
  return imports.reduce(
    (body, { start, end }) => body.slice(0, start) + ' '.repeat(end - start) + body.slice(end),
    code,
  )
}

/**
 * What an index.ts says besides re-exporting, as the offset of its first word; -1 for nothing.
 * @param {Module} module
 */
function ownCode(module) {
  const imported = module.imports.find(({ start }) => !module.code.startsWith('export', start))
  if (imported !== undefined) return imported.start
  return bodyOf(module)
    .replace(/\bexport\s*\{\s*\}|;/g, (text) => ' '.repeat(text.length))
    .search(/\S/)
}

/**
 * Where a file touches what is not its to touch: by a word in its code, or by an import.
 * @param {Module} module
 */
function forbiddenWords(module) {
  const body = bodyOf(module)
  return WORDS.filter(({ may }) => !may(module.file)).flatMap(({ pattern, from, name, rule }) => {
    const words = [...body.matchAll(pattern)].map((match) => match.index)
    const loads = module.imports.filter(
      (use) => !use.typeOnly && from.test(use.specifier) && name.test(use.clause),
    )
    return [...words, ...loads.map((use) => use.start)].map((offset) => ({ offset, text: rule }))
  })
}

/**
 * @param {Module} module
 * @returns {{ offset: number, text: string }[]}
 */
function problemsOf(module) {
  const { file, imports } = module
  const problems = imports.flatMap((use) => {
    const to = target(file, use.specifier)
    if (to === undefined && isTest(file)) return []
    const text =
      to === undefined
        ? wrongWithPackage(file, use)
        : (wrongWithFile(file, to) ?? wrongWithPage(file, to, use.typeOnly))
    return text === undefined ? [] : [{ offset: use.start, text }]
  })
  if (isTest(file)) return problems
  if (roomOf(file) === '' ? file !== 'index.ts' : !Object.hasOwn(FLOORS, roomOf(file))) {
    problems.push({
      offset: 0,
      text: 'stands in no room of the house (see FLOORS in scripts/check-layers.mjs)',
    })
  }
  const own = isIndex(file) ? ownCode(module) : -1
  if (own >= 0) problems.push({ offset: own, text: 'an index.ts only re-exports' })
  return [...problems, ...forbiddenWords(module)]
}

/**
 * The shortest way from a file back to itself, or undefined.
 * @param {string} start
 * @param {Map<string, string[]>} graph
 */
function circleThrough(start, graph) {
  const paths = [[start]]
  const seen = new Set()
  for (const path of paths) {
    for (const next of graph.get(path.at(-1) ?? '') ?? []) {
      if (next === start) return [...path, start]
      if (!seen.has(next)) paths.push([...path, next])
      seen.add(next)
    }
  }
  return undefined
}

/** @param {Module[]} modules */
function circles(modules) {
  const graph = new Map(
    modules.map(({ file, imports }) => [file, imports.flatMap((use) => target(file, use.specifier) ?? [])]),
  )
  const known = new Set()
  return modules.flatMap((module) => {
    const circle = known.has(module.file) ? undefined : circleThrough(module.file, graph)
    if (circle === undefined) return []
    for (const file of circle) known.add(file)
    const use = module.imports.find(({ specifier }) => target(module.file, specifier) === circle[1])
    return [{ module, offset: use?.start ?? 0, text: `circle: ${circle.join(' → ')}` }]
  })
}

/** @param {string} root */
function read(root) {
  const src = join(root, 'src')
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .map((file) => {
      const source = readFileSync(join(src, file), 'utf8')
      const code = codeOnly(source)
      return { file, source, code, imports: importsOf(source, code) }
    })
}

const modules = read(resolve(process.argv[2] ?? '.'))
const problems = [
  ...modules.flatMap((module) => problemsOf(module).map((problem) => ({ module, ...problem }))),
  ...circles(modules),
]
const lines = problems
  .map(({ module, offset, text }) => ({ file: module.file, line: lineAt(module.source, offset), text }))
  .sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1))
for (const { file, line, text } of lines) console.error(`src/${file}:${line} ${text}`)
if (lines.length > 0) process.exit(1)
console.log(`check-layers: ${modules.length} files keep to their floors`)
