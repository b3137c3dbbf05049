/** What a statement does, in so few words that there are few of them: its verbs and their tables, as OpenTelemetry's db.query.summary has it. */
import { Tokens } from './tokens.ts'

/** A statement in few words. */
export interface Summary {
  /** Its first verb, in capitals: `SELECT`; of one that cannot be read `OTHER`. */
  readonly name: string
  /** Verbs and tables in their order: `INSERT orders SELECT carts`. 255 characters at most, cut between words. */
  readonly summary: string
}

/** Verbs inside a statement; the first word of a statement is always one. */
const VERBS = new Set(['select', 'insert', 'update', 'delete', 'merge'])

/** After these `update` and `delete` are no verbs: FOR UPDATE, ON DELETE, DO UPDATE, FOR NO KEY UPDATE, THEN UPDATE. */
const NO_VERB_AFTER = new Set(['for', 'on', 'do', 'key', 'then', 'of', 'or', 'after', 'before'])

/** What a table follows. */
const TABLE_AFTER = new Set(['from', 'join', 'into', 'update', 'table', 'using'])

/** Between those words and the table. */
const BETWEEN = new Set(['only', 'lateral', 'if', 'not', 'exists'])

/** In the parentheses of these, FROM is followed by a value. */
const OWN_FROM = new Set(['extract', 'substring', 'trim', 'overlay', 'position'])

const LONGEST = 255

/** @param text a statement, or its fingerprint */
export function summaryOf(text: string): Summary {
  const tokens = new Tokens(text)
  const reading = new Reading()
  for (let token = tokens.next(); token !== 'end'; token = tokens.next()) {
    if (token === 'bad') return { name: 'OTHER', summary: 'OTHER' }
    reading.add(token === 'word' || token === 'name', tokens.said)
  }
  return reading.end()
}

class Reading {
  readonly #words: string[] = []
  readonly #parentheses: string[] = []
  #name = ''
  #last = ''
  /** A table is expected next, or goes on after a point. */
  #wantsTable = false
  #isInTable = false

  add(isWord: boolean, said: string): void {
    const last = this.#last
    this.#last = said
    if (said === '(') this.#parentheses.push(last)
    else if (said === ')') this.#parentheses.pop()
    if (this.#isInTable && (said === '.' || last === '.')) {
      this.#words[this.#words.length - 1] += said
      return
    }
    this.#isInTable = false
    if (!isWord) {
      this.#wantsTable = false
      return
    }
    if (this.#wantsTable && this.#table(said)) return
    this.#verb(said, last)
    this.#wantsTable =
      TABLE_AFTER.has(said) &&
      last !== 'distinct' &&
      !(said === 'from' && OWN_FROM.has(this.#parentheses.at(-1) ?? '')) &&
      !(said === 'update' && NO_VERB_AFTER.has(last))
  }

  /** Returns whether the word is taken. */
  #table(said: string): boolean {
    if (BETWEEN.has(said)) return true
    this.#wantsTable = false
    if (VERBS.has(said)) return false
    this.#words.push(said)
    this.#isInTable = true
    return true
  }

  #verb(said: string, last: string): void {
    const isFirst = this.#name === '' && said !== 'with' && last === ''
    if (!isFirst && (!VERBS.has(said) || NO_VERB_AFTER.has(last))) return
    const verb = said.toUpperCase()
    if (this.#name === '') this.#name = verb
    this.#words.push(verb)
  }

  end(): Summary {
    if (this.#name === '') return { name: 'OTHER', summary: 'OTHER' }
    let summary = ''
    for (const word of this.#words) {
      const longer = summary === '' ? word : `${summary} ${word}`
      if (longer.length > LONGEST) break
      summary = longer
    }
    return { name: this.#name, summary: summary.slice(0, LONGEST) }
  }
}
