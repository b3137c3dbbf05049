/**
 * Tells from a statement's text alone what it may do to its session; whatever is in doubt is `other`. What a function, rule or
 * trigger of the user's own does cannot be seen here.
 */
import { Fold } from '../../base/fingerprint.ts'
import type { Token } from '../../base/tokens.ts'
import { Tokens } from '../../base/tokens.ts'

/**
 * What a text is, as far as can be told without the server: `read` is one plain SELECT, VALUES, TABLE or
 * WITH … SELECT that locks and writes nothing and leaves the session as it was; `write` is one INSERT, UPDATE,
 * DELETE or MERGE, a WITH that holds one, or a query that advances a sequence; `other` is everything else, and
 * everything that is not understood.
 */
export type StatementKind = 'read' | 'write' | 'other'

/** What {@link scan} found. */
export interface Scan {
  readonly kind: StatementKind
  /**
   * The text with its literals stripped, lists of literals and parameters collapsed, white space and comments
   * folded: equal for texts that differ only in literals. Of a text above 100,000 characters, the first 10,000.
   */
  readonly fingerprint: string
}

/** Reads a statement's text once, in linear time. Never throws. */
export function scan(text: string): Scan {
  const tokens = new Tokens(text)
  const judge = new Judge()
  const fold = new Fold(text.length)
  for (let token = tokens.next(); token !== 'end'; token = tokens.next()) {
    judge.hear(token, tokens.said)
    fold.add(token, tokens.said)
  }
  // The protocol ends a text at its first NUL: the server would not read what was judged here.
  return { kind: text.includes('\0') ? 'other' : judge.kind(), fingerprint: fold.end() }
}

// The words that matter, and to what.
const KEYWORDS = new Map<string, 'query' | 'change' | 'for' | 'strength' | 'into'>([
  ...(['select', 'values', 'table', 'with'] as const).map((word) => [word, 'query'] as const),
  ...(['insert', 'update', 'delete', 'merge'] as const).map((word) => [word, 'change'] as const),
  ...(['share', 'no', 'key'] as const).map((word) => [word, 'strength'] as const),
  ['for', 'for'],
  ['into', 'into'],
])

// Functions that read or change the session, take locks, write, or run a text given to them.
const SESSION =
  /^(?:pg_(?:try_)?advisory_|pg_(?:backup|copy|create|drop|logical|replication|wal_replay)_|pg_(?:clear|import|log|restore|sync)_|pg_stat_reset|binary_upgrade_|brin_(?:de)?summarize_|gin_clean_|dblink|lo_|crosstab|(?:cursor|query)_to_xml|(?:set_config|setseed|set_limit|currval|lastval|loread|lowrite|ts_stat|ts_rewrite|connectby|pg_backend_pid|pg_(?:cancel|terminate)_backend|pg_notify|pg_listening_channels|pg_my_temp_schema|pg_reload_conf|pg_rotate_logfile|pg_promote|pg_switch_wal|pg_st(?:art|op)_backup|pg_stat_statements_reset)$)/

// Hears the tokens of a text and tells what kind of statement they make.
class Judge {
  #count = 0
  #depth = 0
  #first = ''
  #last = ''
  // Whether the last token was a name, quoted or not.
  #named = false
  #ended = false
  #other = false
  #changes = false
  #locks = false
  #advances = false
  #settings = false
  // Whether a WITH came by: without one no word but the first can make a statement write.
  #with = false
  // Whether the main statement has begun, behind the list of a WITH.
  #main = false
  #forAt = Number.NaN
  #changeAt = Number.NaN

  hear(token: Token, said: string): void {
    this.#count++
    if (token === 'bad' || this.#ended) this.#other = true
    if (token === 'mark') this.#mark(said)
    if (this.#first === '') {
      if (said !== '(') this.#open(token, said)
    } else if (token === 'word') this.#word(said)
    this.#last = said
    this.#named = token === 'word' || token === 'name'
    if (this.#named && (said === 'pg_settings' || said === '"pg_settings"')) this.#settings = true
  }

  kind(): StatementKind {
    if (this.#other || this.#first === '' || this.#depth !== 0) return 'other'
    // A rule on that view turns an UPDATE of it into SET.
    if (this.#changes) return this.#settings ? 'other' : 'write'
    if (this.#locks) return 'other'
    return this.#advances ? 'write' : 'read'
  }

  #mark(said: string): void {
    if (said === '(') {
      this.#depth++
      if (this.#named) this.#call(this.#last.startsWith('"') ? this.#last.slice(1, -1) : this.#last)
    } else if (said === ')') {
      if (--this.#depth < 0) this.#other = true
    } else if (said === ';') this.#ended = true
    // Temporary tables and functions are the session's own.
    else if (said === '.' && /^"?pg_temp/.test(this.#last)) this.#other = true
  }

  #call(name: string): void {
    if (name === 'nextval' || name === 'setval') this.#advances = true
    else if (SESSION.test(name)) this.#other = true
  }

  #open(token: Token, said: string): void {
    this.#first = said
    this.#with = said === 'with'
    this.#main = !this.#with
    const role = token === 'word' ? KEYWORDS.get(said) : undefined
    this.#changes = role === 'change'
    this.#changeAt = this.#count
    if (role !== 'query' && !(this.#changes && this.#depth === 0)) this.#other = true
  }

  #word(said: string): void {
    const role = KEYWORDS.get(said)
    switch (role) {
      case undefined:
        break
      case 'for':
        this.#forAt = this.#count
        break
      case 'strength':
        if (this.#forAt === this.#count - 1) this.#locks = true
        break
      case 'into':
        // INSERT INTO and MERGE INTO; any other is SELECT INTO, which makes a table.
        if (!this.#changes || this.#changeAt !== this.#count - 1) this.#other = true
        break
      case 'change':
      case 'query':
        this.#verb(said, role === 'change')
    }
  }

  // Where a statement cannot begin the word is a name; elsewhere it counts, since SEARCH and CYCLE may end in any name.
  #verb(said: string, change: boolean): void {
    const since = this.#count - this.#forAt
    if (said === 'update' && (since === 1 || (since === 3 && this.#last === 'key'))) {
      this.#locks = true
      return
    }
    if (said === 'with') this.#with = true
    if (said === 'with' || !this.#with || ['.', ',', 'as', 'with'].includes(this.#last)) return
    // Only here an INTO may follow: `SELECT 1 insert INTO t` makes a table too.
    const begins = this.#last === '(' || (this.#depth === 0 && !this.#main)
    if (this.#depth === 0) this.#main = true
    if (!change) return
    this.#changes = true
    if (begins) this.#changeAt = this.#count
  }
}
