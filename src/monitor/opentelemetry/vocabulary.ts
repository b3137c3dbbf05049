/** Keeps the values of an attribute few: each new one costs whoever stores metrics another series. */

/** What stands for all that came too late, as the semantic conventions have it for `error.type`. */
export const OTHER = '_OTHER'

/** The first so many distinct words, and one for the rest. */
export class Vocabulary {
  readonly #most: number
  readonly #known = new Set<string>()

  /** @param most how many distinct words there may be besides `_OTHER` */
  constructor(most: number) {
    this.#most = most
  }

  /** The word itself where it is among the first, else `_OTHER`. */
  of(word: string): string {
    if (this.#known.has(word)) return word
    if (this.#known.size >= this.#most) return OTHER
    this.#known.add(word)
    return word
  }
}
