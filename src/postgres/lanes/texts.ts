/** What is known of statement texts: what they are, how long they take and for which values, under which name they are prepared. */
import { Recent } from '../../base/recent.ts'
import { nameOf } from './names.ts'
import type { Serialised } from './packet.ts'
import type { StatementKind } from './scan.ts'
import { scan } from './scan.ts'
import { SHORT_MILLIS, Times } from './times.ts'
import { LONGEST_VALUE, Values } from './values.ts'

/** How many texts, and how many fingerprints, are remembered at least. */
const TEXTS = 2_000

/** Longer texts cost more to read and to remember than they can gain. In characters. */
const LONGEST = 16_384

/** How long slow work counts as a thing of now: from then on statements that were never seen are trusted again. */
const SLOW_LATELY_MILLIS = 60_000

/** What texts have in common that differ in their literals only. */
export class Family {
  readonly fingerprint: string
  readonly kind: StatementKind
  /** Its runs, with whatever values. */
  calls = 0
  /** Of its runs with values that are not known to be slow. */
  readonly times: Times = new Times()
  /** Only of a family that was slow for some values. */
  values: Values | undefined

  constructor(fingerprint: string, kind: StatementKind) {
    this.fingerprint = fingerprint
    this.kind = kind
  }
}

/** One text. */
export class Text {
  readonly text: string
  readonly kind: StatementKind
  readonly family: Family
  /** How often it was asked for. */
  seen = 0
  /** The server has refused to prepare it, since it is more than one statement. */
  isSeveral = false
  #name: string | undefined

  constructor(text: string, kind: StatementKind, family: Family) {
    this.text = text
    this.kind = kind
    this.family = family
  }

  /** What it is prepared as. */
  get name(): string {
    this.#name ??= nameOf(this.text)
    return this.#name
  }
}

/** What one run of a text goes by, and is noted under. */
export interface Pace {
  readonly family: Family
  /** The family's, or those of the values that make it slow. */
  readonly times: Times
  /** What tells this run from others of its family: its values, or its text where it has none (the text's name where that is long). */
  readonly keys: readonly Serialised[]
}

export class Texts {
  readonly #texts = new Recent<string, Text>(TEXTS)
  readonly #families = new Recent<string, Family>(TEXTS)
  #slowAt = Number.NEGATIVE_INFINITY

  /** What is known of a text; it is scanned when it was not seen lately. */
  of(text: string): Text {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    if (text.length > LONGEST) return new Text(text, 'other', new Family('', 'other'))
    const { kind, fingerprint } = scan(text)
    let family = this.#families.get(fingerprint)
    if (family === undefined) {
      family = new Family(fingerprint, kind)
      this.#families.set(fingerprint, family)
    }
    const fresh = new Text(text, kind, family)
    this.#texts.set(text, fresh)
    return fresh
  }

  /** What is known of texts like this one, for those who only look: undefined where none was run, and nothing else makes room for it. */
  familyOf(text: string): Family | undefined {
    const known = this.#texts.get(text)
    if (known !== undefined || text.length > LONGEST) return known?.family
    const { kind, fingerprint } = scan(text)
    const family = this.#families.get(fingerprint)
    if (family !== undefined) this.#texts.set(text, new Text(text, kind, family))
    return family
  }

  /** How long a run of a text with these values is likely to take. */
  paceOf(known: Text, values: readonly Serialised[] | undefined): Pace {
    const { text, family } = known
    const keys = values?.length ? values : [text.length > LONGEST_VALUE ? known.name : text]
    return { family, times: family.values?.slow(keys) ?? family.times, keys }
  }

  /** Notes what a run has taken. @param own milliseconds of the server @param size characters of the result */
  note({ family, times, keys }: Pace, own: number, size: number, now: number): void {
    const wasSlow = own > SHORT_MILLIS
    if (wasSlow) this.#slowAt = now
    family.calls += 1
    times.record(own, size)
    if (times !== family.times) return
    if (wasSlow) family.values ??= new Values()
    if (family.values?.note(keys, own, size) === false) family.values = undefined
  }

  /** All that is remembered. */
  families(): Iterable<Family> {
    return this.#families.values()
  }

  /** Whether any statement was slow lately. */
  sawSlow(now: number): boolean {
    return now - this.#slowAt < SLOW_LATELY_MILLIS
  }
}
