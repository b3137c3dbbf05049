/** Lookups by key that look as if they were run once for each row of another statement (N+1). */
import { fingerprint } from '../../base/fingerprint.ts'
import type { Finding } from '../finding.ts'
import { count } from '../words.ts'

/** What a pool has learned of one statement. */
export interface Learned {
  /** Without literals. */
  readonly text: string
  readonly calls: number
}

/** The statement that is explained. */
export interface Explained {
  readonly text: string
  /** How many rows it returns: measured, else expected. */
  readonly rows: number
}

/** Fewer lookups than these cost nobody anything. */
const MANY_CALLS = 100
/** A list of fewer rows is no list. */
const LIST_ROWS = 5
/** The lookups for each run of a list may be so many times more or fewer than its rows: not every row is looked up, and some twice. */
const TOLERANCE = 2
/** A lookup that outnumbers every other statement by this factor is run in a loop. */
const OUTNUMBERS = 10

/**
 * What the statements that a pool has learned say about the explained one. Where it is a list, each lookup by one key that ran
 * about as often as it returned rows; where it is itself such a lookup, that it ran far more often than
 * any other.
 */
export function repeatedLookups({ text, rows }: Explained, learned: readonly Learned[]): Finding[] {
  const known = fingerprint(text)
  const own = learned.filter((statement) => statement.text === known)
  const calls = own.reduce((sum, statement) => sum + statement.calls, 0)
  if (calls === 0) return []
  const others = learned.filter((statement) => !own.includes(statement))
  if (rows >= LIST_ROWS) return asList(rows, calls, others)
  const key = keyOf(text)
  return key === undefined ? [] : asLookup(key, calls, others)
}

function asList(rows: number, calls: number, others: readonly Learned[]): Finding[] {
  return others.flatMap((lookup) => {
    const key = keyOf(lookup.text)
    const each = lookup.calls / calls
    if (key === undefined || lookup.calls < MANY_CALLS) return []
    if (each < rows / TOLERANCE || each > rows * TOLERANCE) return []
    return [
      finding(
        key,
        `It ran ${count(lookup.calls)} times and this statement ${count(calls)} times: ${count(each)} for each run, which returns about ${count(rows)} rows.`,
      ),
    ]
  })
}

function asLookup(key: Key, calls: number, others: readonly Learned[]): Finding[] {
  const lists = others.filter(
    ({ text }) => keyOf(text)?.table !== key.table && /^\s*(?:select|with)\b/i.test(text),
  )
  const most = Math.max(0, ...lists.map((statement) => statement.calls))
  if (most === 0 || calls < MANY_CALLS || calls < most * OUTNUMBERS) return []
  return [
    finding(
      key,
      `It ran ${count(calls)} times, and no statement on other tables ran more than ${count(most)} times.`,
    ),
  ]
}

interface Key {
  table: string
  column: string
}

function finding({ table, column }: Key, evidence: string): Finding {
  return {
    code: 'repeated-lookup',
    severity: 'advice',
    title: `Table ${table} looks as if it were read once for each row of another statement`,
    evidence,
    reason:
      'Each lookup is a round trip of its own, one after the other; the network takes longer than the server (N+1).',
    change: `Fetch them together: join ${table} in the statement that returns the list, or collect the keys and ask once with WHERE ${column} = ANY ($1).`,
  }
}

const name = String.raw`((?:"(?:[^"]|"")+"|[\w$]+)(?:\.(?:"(?:[^"]|"")+"|[\w$]+))*)`
const value = String.raw`(?:\$\d+|\?|-?\d+|'(?:[^']|'')*')`
const lookup = new RegExp(
  String.raw`^\s*select\s.+?\sfrom\s+${name}(?:\s+(?:as\s+)?(?!where\b)\w+)?\s+where\s+${name}\s*=\s*${value}(?:\s+limit\s+${value})?\s*;?\s*$`,
  'is',
)

/** What a statement looks up, where it reads one table by one key and does nothing else. */
function keyOf(text: string): Key | undefined {
  const [, table, column] = lookup.exec(text) ?? []
  return table === undefined || column === undefined ? undefined : { table, column }
}
