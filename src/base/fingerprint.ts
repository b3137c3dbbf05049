/** Statement texts with their literals replaced: what can be shown and compared without anybody's values in it. */
import type { Token } from './tokens.ts'
import { Tokens } from './tokens.ts'

/**
 * The text with its literals replaced by `?`, lists of literals and parameters collapsed, white space and comments folded. Of a
 * text that was cut off inside a literal nothing of the literal is left. Never throws.
 */
export function fingerprint(text: string): string {
  const tokens = new Tokens(text)
  const fold = new Fold(text.length)
  for (let token = tokens.next(); token !== 'end'; token = tokens.next()) fold.add(token, tokens.said)
  return fold.end()
}

/** Writes the tokens of a text down in one spacing, whatever spacing they had, without literals. */
export class Fold {
  readonly #limit: number
  #text = ''
  #last = ''
  // Whether the next token follows without a space.
  #tight = true
  // A list that may collapse, as it stands so far: `open` wants an item, `closed` may have further rows.
  #held = ''
  #list: 'none' | 'open' | 'item' | 'closed' | 'comma' = 'none'
  #rows = false

  /** @param length of the text, in characters: of more than 100,000 the first 10,000 are kept */
  constructor(length: number) {
    this.#limit = length > 100_000 ? 10_000 : Number.POSITIVE_INFINITY
  }

  add(token: Token, said: string): void {
    const opens = said === '('
    const mark = token === 'mark'
    const piece = this.#tight || (mark && !opens) ? said : ` ${said}`
    const last = this.#last
    this.#last = said
    this.#tight = mark && (opens || said === '.' || said === ':' || said === '[')
    if (this.#list !== 'none') {
      if (this.#listed(token, said, piece)) return
      this.#write(this.#held)
      this.#held = ''
      this.#list = 'none'
    }
    if (opens && (last === 'in' || last === 'values')) {
      this.#rows = last === 'values'
      this.#hold(piece, 'open')
    } else this.#write(piece)
  }

  // The fingerprint. A semicolon at the end is none of it.
  end(): string {
    this.#write(this.#held)
    const text = this.#text.slice(0, this.#limit)
    return text.endsWith(';') ? text.slice(0, -1) : text
  }

  // Takes a token that goes on with a list of literals and parameters; false when it does not.
  #listed(token: Token, said: string, piece: string): boolean {
    switch (this.#list) {
      case 'open':
        return (token === 'literal' || token === 'parameter') && this.#hold(piece, 'item')
      case 'item':
        if (said === ',') return this.#hold(piece, 'open')
        if (said !== ')') return false
        // Further rows of a VALUES begin with the comma before them; they vanish into the first.
        if (!this.#held.startsWith(',')) this.#write(' (?+)')
        this.#held = ''
        this.#list = this.#rows ? 'closed' : 'none'
        return true
      case 'closed':
        return said === ',' && this.#hold(piece, 'comma')
      case 'comma':
        return said === '(' && this.#hold(piece, 'open')
      case 'none':
        return false
    }
  }

  #hold(piece: string, list: 'open' | 'item' | 'comma'): true {
    if (this.#held.length < this.#limit) this.#held += piece
    this.#list = list
    return true
  }

  #write(piece: string): void {
    if (this.#text.length < this.#limit) this.#text += piece
  }
}
