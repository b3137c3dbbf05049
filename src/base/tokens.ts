/** Cuts a text into tokens as PostgreSQL's own lexer does (src/backend/parser/scan.l, standard_conforming_strings on). */

/** What a token is; `bad` is what the server would refuse, or what cannot be told. */
export type Token = 'word' | 'name' | 'literal' | 'parameter' | 'operator' | 'mark' | 'bad' | 'end'

const FIRST = {
  word: /[a-z_]/i,
  number: /\d/,
  blank: /[ \t\n\r\f\v]/,
  operator: /[~!@#^&|`?+\-*/%<>=]/,
  mark: /[()[\],.;:]/,
}
const FIRSTS = Array.from({ length: 128 }, (_, code) => {
  const letter = String.fromCharCode(code)
  return (Object.keys(FIRST) as (keyof typeof FIRST)[]).find((name) => FIRST[name].test(letter)) ?? letter
})

// What a token that starts with this character is. Beyond ASCII all is letters to Postgres, a no-break space too.
function startOf(code: number): string {
  return code >= 128 ? 'word' : (FIRSTS[code] ?? 'end')
}

function continuesWord(code: number): boolean {
  const start = startOf(code)
  return start === 'word' || start === 'number' || start === '$'
}

// None of these can backtrack further than one token, nor repeats a group without a bound: that is what takes stack.
const NUMBER = /0[xob]\w+|[\d_.]+(?:e[+-]?\d[\d_]*)?/iy
const DOLLAR = /\$(?:\d+|(?:[a-z_\x80-\uffff][\w\x80-\uffff]*)?\$)?/iy
const OPERATOR = /(?:[~!@#^&|`?+*%<>=]|-(?!-)|\/(?!\*)){1,64}/y
const LINE = /[^\n\r]*/y

/** The tokens of a text, one after the other. */
export class Tokens {
  /** The last one, as it stands in a fingerprint. */
  said = ''
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Goes on to the next one. */
  next(): Token {
    if (!this.#skip()) return this.#token('bad', -1, '/*')
    const from = this.#at
    const start = startOf(this.#text.charCodeAt(from))
    switch (start) {
      case 'word':
        return this.#word(from)
      case 'number':
        return this.#number(from)
      case 'operator':
        return this.#operator(from)
      case 'mark': {
        const said = this.#text.charAt(from)
        if (said === '.' && startOf(this.#text.charCodeAt(from + 1)) === 'number') return this.#number(from)
        return this.#token('mark', from + 1, said)
      }
      case "'":
        return this.#string(from, false)
      case '"':
        return this.#name(from, 'name')
      case '$':
        return this.#dollar(from)
      case 'end':
        return 'end'
      default:
        return this.#token('bad', from + 1, start)
    }
  }

  // `to` is -1 where the end is missing: the rest of the text is lost then.
  #token(token: Token, to: number, said: string): Token {
    this.said = said
    this.#at = to < 0 ? this.#text.length : to
    return to < 0 ? 'bad' : token
  }

  #end(pattern: RegExp, from: number): number {
    pattern.lastIndex = from
    return pattern.test(this.#text) ? pattern.lastIndex : from
  }

  // Passes white space and comments. Returns false when a comment does not end.
  #skip(): boolean {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (startOf(code) === 'blank') this.#at++
      else if (code === 45 && this.#text.charCodeAt(this.#at + 1) === 45) this.#at = this.#end(LINE, this.#at)
      else if (code !== 47 || this.#text.charCodeAt(this.#at + 1) !== 42) return true
      else if (!this.#comment()) return false
    }
  }

  #comment(): boolean {
    let depth = 0
    for (let at = this.#at; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at)
      if (code !== 47 && code !== 42) continue
      if (this.#text.charCodeAt(at + 1) !== (code === 47 ? 42 : 47)) continue
      depth += code === 47 ? 1 : -1
      this.#at = ++at + 1
      if (depth === 0) return true
    }
    return false
  }

  #word(from: number): Token {
    let to = from + 1
    while (continuesWord(this.#text.charCodeAt(to))) to++
    const said = this.#text.slice(from, to).toLowerCase()
    if (to === from + 1) {
      if ('ebxn'.includes(said) && this.#text.startsWith("'", to)) return this.#string(to, said === 'e')
      if (said === 'u' && this.#text.startsWith("&'", to)) return this.#string(to + 1, false)
      // Its escapes could spell the name of any function.
      if (said === 'u' && this.#text.startsWith('&"', to)) return this.#name(to + 1, 'bad')
    }
    return this.#token('word', to, said)
  }

  #number(from: number): Token {
    const to = this.#end(NUMBER, from)
    // A word glued to a number is an error since version 15 and was two tokens before.
    return this.#token(startOf(this.#text.charCodeAt(to)) === 'word' ? 'bad' : 'literal', to, '?')
  }

  #dollar(from: number): Token {
    const to = this.#end(DOLLAR, from)
    const said = this.#text.slice(from, to)
    if (said === '$') return this.#token('bad', to, said)
    if (said.endsWith('$')) {
      const end = this.#text.indexOf(said, to)
      return this.#token('literal', end < 0 ? end : end + said.length, '?')
    }
    return this.#token(startOf(this.#text.charCodeAt(to)) === 'word' ? 'bad' : 'parameter', to, said)
  }

  #operator(from: number): Token {
    const run = this.#text.slice(from, this.#end(OPERATOR, from))
    // Postgres knows none of this length; looking for its end again after each sign would take quadratic time.
    if (run.length > 63) return this.#token('bad', from + run.length, '?')
    // A + or - at its end belongs to what follows, as in `=-1`.
    const said = /[~!@#^&|`?%]/.test(run) ? run : run.replace(/(?<=.)[+-]+$/, '')
    return this.#token('operator', from + said.length, said)
  }

  #name(from: number, token: Token): Token {
    const to = this.#closing('"', from + 1)
    return this.#token(token, to, to < 0 ? '"' : this.#text.slice(from, to))
  }

  // A string with its continuations: a quote on a later line goes on with it, escapes and all.
  #string(quote: number, escapes: boolean): Token {
    let end = -1
    for (let at = quote; at >= 0; at = end < 0 ? end : this.#continued(end)) {
      end = escapes ? this.#escaped(at + 1) : this.#closing("'", at + 1)
    }
    return this.#token('literal', end, '?')
  }

  #closing(quote: string, from: number): number {
    for (let at = this.#text.indexOf(quote, from); at >= 0; at = this.#text.indexOf(quote, at + 2)) {
      if (this.#text.charAt(at + 1) !== quote) return at + 1
    }
    return -1
  }

  #escaped(from: number): number {
    for (let at = from; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at)
      if (code === 92) at++
      else if (code === 39 && this.#text.charCodeAt(++at) !== 39) return at
    }
    return -1
  }

  #continued(from: number): number {
    let broken = false
    for (let at = from; ; at++) {
      const code = this.#text.charCodeAt(at)
      if (code === 45 && this.#text.charCodeAt(at + 1) === 45) at = this.#end(LINE, at) - 1
      else if (code === 10 || code === 13) broken = true
      else if (startOf(code) !== 'blank') return broken && code === 39 ? at : -1
    }
  }
}
