/** Which texts leave something in their session that outlives their transaction: through a transaction pooler it would be somebody else's. */
import type { Token } from '../base/tokens.ts'
import { Tokens } from '../base/tokens.ts'

/** Session locks of advisory functions, and their release; those of a transaction end with it. */
const LOCK = /^pg_(try_)?advisory_(un)?lock(_all|_shared)?$/

/** Words of a statement that are looked at before a verdict about its beginning. */
const MOST_WORDS = 6

/**
 * What a text does to its session beyond its transaction, in the words of Postgres (`LISTEN`, `SET`, `PREPARE`, …); undefined for
 * a text that leaves it as it was. What functions of the user's own do cannot be seen. Linear in the text's length; never throws.
 */
export function sessionEffectOf(text: string): string | undefined {
  const tokens = new Tokens(text)
  const judge = new Judge()
  for (let token = tokens.next(); token !== 'end'; token = tokens.next()) {
    judge.hear(token, tokens.said)
    if (judge.effect !== undefined) return judge.effect
    if (token === 'bad') return undefined
  }
  return judge.end()
}

class Judge {
  effect: string | undefined
  /** The first words of the statement under way. */
  #words: string[] = []
  #last = ''
  #before = ''
  #held = false
  #temporary = false
  #dropped = false
  #depth = 0
  /** The depth inside a call of set_config, and the argument that it is at. */
  #config: { readonly depth: number; argument: number; local: boolean | undefined } | undefined

  hear(token: Token, said: string): void {
    if (token === 'mark' && said === ';' && this.#depth === 0) {
      this.effect = this.end()
      this.#words = []
      this.#held = this.#temporary = this.#dropped = false
    } else {
      if (token === 'mark') this.#mark(said)
      else this.#argument(token, said)
      if (token === 'word') this.#word(said)
    }
    this.#before = this.#last
    this.#last = said
  }

  /** What the statement that ends here does. */
  end(): string | undefined {
    if (this.effect !== undefined) return this.effect
    const [first = '', second] = this.#words
    switch (first) {
      case 'listen':
      case 'unlisten':
      case 'load':
      case 'discard':
      case 'reset':
      case 'execute':
      case 'deallocate':
        return first.toUpperCase()
      case 'prepare':
        return second === 'transaction' ? undefined : 'PREPARE'
      case 'set':
        return isOfTransaction(second) ? undefined : 'SET'
      case 'declare':
        return this.#held ? 'DECLARE … WITH HOLD' : undefined
      default:
        return this.#temporary && !this.#dropped ? 'a temporary table' : undefined
    }
  }

  #word(said: string): void {
    const words = this.#words
    if (words.length < MOST_WORDS) words.push(said)
    if (said === 'hold' && this.#last === 'with') this.#held = true
    if (said === 'drop' && this.#last === 'commit') this.#dropped = true
    if (said !== 'temp' && said !== 'temporary') return
    const creates = words[0] === 'create' && words.length <= MOST_WORDS && words.at(-1) === said
    const selects = this.#last === 'into' && this.#before !== 'insert' && this.#before !== 'merge'
    if ((creates && isBehindCreate(this.#last)) || selects) this.#temporary = true
  }

  #mark(said: string): void {
    if (said === '(') {
      this.#depth++
      const called = this.#last.startsWith('"') ? this.#last.slice(1, -1) : this.#last
      if (LOCK.test(called)) this.effect = 'a session advisory lock'
      else if (called === 'set_config') this.#config = { depth: this.#depth, argument: 1, local: undefined }
    } else if (said === ')') {
      if (this.#config?.depth === this.#depth) {
        if (this.#config.local !== true) this.effect = 'set_config(…, false)'
        this.#config = undefined
      }
      this.#depth--
    } else if (said === ',' && this.#config?.depth === this.#depth) this.#config.argument++
    else if (said === '.' && /^"?pg_temp/.test(this.#last)) this.#temporary = true
  }

  /** Only the word `true` makes a setting the transaction's; of a parameter nobody knows. */
  #argument(token: Token, said: string): void {
    const config = this.#config
    if (config?.argument === 3 && config.local === undefined)
      config.local = token === 'word' && said === 'true'
  }
}

/** SET LOCAL, SET TRANSACTION and SET CONSTRAINTS end with their transaction; SET SESSION and all the others do not. */
function isOfTransaction(second: string | undefined): boolean {
  return second === 'local' || second === 'transaction' || second === 'constraints'
}

/** CREATE [OR REPLACE] [GLOBAL | LOCAL] TEMP */
function isBehindCreate(last: string): boolean {
  return ['create', 'replace', 'global', 'local'].includes(last)
}
