/** What a sweep asks of the database: statements of the user's, those the server remembers, or lookups in the sample data. */
import { readFileSync } from 'node:fs'
import { codeOf, messageOf } from '../../base/errors.ts'
import type { Random } from '../../demo/workload/random.ts'
import type { DataSize } from '../../demo/workload/schema.ts'
import { dimensions, topics } from '../../demo/workload/schema.ts'
import {
  findChunks,
  findDocument,
  findSimilar,
  latestEvents,
  recall,
} from '../../demo/workload/statements.ts'
import { scan } from '../../postgres/lanes/scan.ts'
import { badInput } from '../refusal.ts'

/** One statement as it is asked. */
export interface Question {
  readonly text: string
  readonly values?: unknown[]
}

/** What the callers of a sweep ask. */
export interface Workload {
  /** In words, for the person. */
  readonly label: string
  /** What could not be part of it, and why; undefined for nothing. */
  readonly leftOut: string | undefined
  /** One question of each kind. */
  readonly samples: readonly Question[]
  /** The next question of a caller. */
  next(random: Random): Question
}

/** Whatever answers a statement. */
export interface Asked {
  query(text: string): Promise<{ rows: Record<string, unknown>[] }>
}

/** Statements from the command line, one after another as often. @throws Refusal for what is no plain read */
export function fromStatements(texts: readonly string[], source: string): Workload {
  for (const [index, text] of texts.entries()) {
    if (scan(text).kind !== 'read') throw badInput(notRead(text, `${source}, statement ${index + 1}`))
  }
  const label = texts.length === 1 ? `one statement (${source})` : `${texts.length} statements (${source})`
  return weighted(
    texts.map((text) => ({ text, weight: 1 })),
    label,
  )
}

function notRead(text: string, where: string): string {
  return `${where}, is not one plain read, and sluice tune does nothing else: a SELECT, VALUES, TABLE or WITH that locks and writes nothing and leaves the session as it was. It begins with ${JSON.stringify(shortened(text))}.`
}

/** Statements in a file, each ended by a semicolon at the end of a line. @throws Refusal for a file that cannot be read or has none */
export function fromFile(path: string): Workload {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (error) {
    throw badInput(`--file cannot be read: ${messageOf(error)}.`)
  }
  const texts = content
    .split(/;[ \t]*(?:--[^\n]*)?(?:\r?\n|$)/)
    .map((text) => text.trim())
    .filter((text) => text.replace(/--[^\n]*/g, '').trim() !== '')
  if (texts.length === 0) throw badInput('--file holds no statement.')
  return fromStatements(texts, '--file')
}

const remembered = `
  SELECT s.query, s.calls::float8 AS calls FROM pg_stat_statements AS s JOIN pg_database AS d ON d.oid = s.dbid
  WHERE d.datname = current_database() AND s.query NOT LIKE '%sluice-tune%' ORDER BY s.total_exec_time DESC LIMIT 50`

/**
 * The reads that cost the server most, asked as often as they were. It keeps them without their constants, so that only those which
 * have none can be asked again.
 *
 * @throws Refusal saying what to do where there are none
 */
export async function fromServer(session: Asked): Promise<Workload> {
  const give = 'Give the statements: --statement "SELECT …", or --file.'
  let rows: Record<string, unknown>[]
  try {
    rows = (await session.query(`/* sluice-tune */ ${remembered}`)).rows
  } catch (error) {
    if (!['42P01', '42501', '42703', '55000'].includes(codeOf(error) ?? '')) throw error
    throw badInput(`No statement was given, and pg_stat_statements cannot be read here. ${give}`)
  }
  const found = rows.map((row) => ({ text: String(row.query), weight: Number(row.calls) }))
  const reads = found.filter(({ text }) => scan(text).kind === 'read')
  const usable = reads.filter(({ text }) => !/\$\d/.test(text))
  const counts = `Of the ${found.length} statements in pg_stat_statements that cost most, ${found.length - reads.length} do more than read and ${reads.length - usable.length} have constants, which the server does not keep`
  if (usable.length === 0) throw badInput(`${counts}: none is left. ${give}`)
  const left = usable.length === found.length ? undefined : `${counts}.`
  return weighted(
    usable,
    `${usable.length} of the statements in pg_stat_statements, as often as they came`,
    left,
  )
}

/** Lookups by key and now and then a search by similarity in the data of the demo. */
export function builtIn(size: DataSize): Workload {
  const next = (random: Random): Question => {
    const document = random.between(1, size.documents)
    const agent = random.between(1, size.agents)
    const choice = random.between(1, 20)
    if (choice === 1) return question(findSimilar(vector(random), random.between(0, topics - 1)))
    if (choice <= 7) return question(findDocument(document))
    if (choice <= 12) return question(findChunks(document))
    if (choice <= 16) return question(recall(agent, random.between(1, size.keys)))
    return question(latestEvents(agent))
  }
  const zero = Array.from({ length: dimensions }, () => 0)
  // As often as they come: what a trial takes is what the mix takes.
  const lookups = Array.from({ length: 19 }, (_, index) => question(findChunks(index + 1)))
  return {
    label: '95 % lookups and 5 % searches by similarity in the sample data',
    leftOut: undefined,
    samples: [question(findSimilar(zero, 1)), ...lookups],
    next,
  }
}

function question(statement: ReturnType<typeof findDocument>): Question {
  if (statement.kind === 'transaction') throw new Error('BUG: a sweep only reads')
  return { text: statement.text, values: statement.values }
}

function vector(random: Random): number[] {
  return Array.from({ length: dimensions }, () => Math.round((2 * random.next() - 1) * 1_000) / 1_000)
}

function weighted(
  statements: readonly { text: string; weight: number }[],
  label: string,
  leftOut?: string,
): Workload {
  const total = statements.reduce((sum, { weight }) => sum + weight, 0)
  return {
    label,
    leftOut,
    samples: statements.map(({ text }) => ({ text })),
    next(random) {
      let at = random.next() * total
      const chosen = statements.find(({ weight }) => {
        at -= weight
        return at < 0
      })
      return { text: (chosen ?? (statements.at(-1) as { text: string })).text }
    },
  }
}

/** The beginning of a statement, on one line. */
export function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 60 ? `${line.slice(0, 59)}…` : line
}
