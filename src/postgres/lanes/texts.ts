/** What is known of statement texts: what they are, how long they take, and under which name they are prepared. */
import { Recent } from '../../base/recent.ts'
import { nameOf } from './names.ts'
import type { StatementKind } from './scan.ts'
import { scan } from './scan.ts'
import { SHORT_MILLIS, Times } from './times.ts'

/** How many texts, and how many fingerprints, are remembered at least. */
const TEXTS = 2_000

/** Longer texts cost more to read and to remember than they can gain. In characters. */
const LONGEST = 16_384

/** One text. */
export class Text {
  readonly kind: StatementKind
  /** Shared by all texts that differ in their literals only. */
  readonly times: Times
  /** How often it was asked for. */
  seen = 0
  /** The server has refused to prepare it, since it is more than one statement. */
  isSeveral = false
  readonly #text: string
  #name: string | undefined

  constructor(text: string, kind: StatementKind, times: Times) {
    this.#text = text
    this.kind = kind
    this.times = times
  }

  /** What it is prepared as. */
  get name(): string {
    this.#name ??= nameOf(this.#text)
    return this.#name
  }
}

/** How long slow work counts as a thing of now: from then on statements that were never seen are trusted again. */
const SLOW_LATELY_MILLIS = 60_000

export class Texts {
  #slowAt = Number.NEGATIVE_INFINITY
  readonly #texts = new Recent<string, Text>(TEXTS)
  readonly #times = new Recent<string, Times>(TEXTS)

  /** Notes what a run has taken. @param own milliseconds of the server @param size characters of the result */
  note(text: Text, own: number, size: number, now: number): void {
    text.times.record(own, size)
    if (own > SHORT_MILLIS) this.#slowAt = now
  }

  /** Whether any statement was slow lately. */
  sawSlow(now: number): boolean {
    return now - this.#slowAt < SLOW_LATELY_MILLIS
  }

  /** What is known of a text; it is scanned when it was not seen lately. */
  of(text: string): Text {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    if (text.length > LONGEST) return new Text(text, 'other', new Times())
    const { kind, fingerprint } = scan(text)
    let times = this.#times.get(fingerprint)
    if (times === undefined) {
      times = new Times()
      this.#times.set(fingerprint, times)
    }
    const fresh = new Text(text, kind, times)
    this.#texts.set(text, fresh)
    return fresh
  }
}
