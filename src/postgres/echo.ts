/** Writes down which statements run and how long they take: their texts without literals, never a value. */
import type { Clock } from '../base/clock.ts'
import { codeOf } from '../base/errors.ts'
import { fingerprint } from '../base/fingerprint.ts'
import { Tokens } from '../base/tokens.ts'

/** Where a line goes. */
export type EchoLine = (line: string) => void

/** Longer texts are cut: a log is for people. In characters. */
const LONGEST = 1_000

export class Echo {
  readonly #write: EchoLine
  readonly #clock: Clock

  constructor(write: EchoLine, clock: Clock) {
    this.#write = write
    this.#clock = clock
  }

  /** Statements begin to run as one. Returns what the end of that is to be told to, with the error of one that failed. */
  begin(statements: readonly unknown[]): (error?: unknown) => void {
    const since = this.#clock.now()
    return (error) => {
      const took = `${(this.#clock.now() - since).toFixed(1)} ms`
      // What the server says may repeat values; its code does not.
      const end = error === undefined ? took : `failed after ${took}: ${codeOf(error) ?? 'no code'}`
      this.#write(`${statements.map(withoutLiterals).join('; ')} -- ${end}`)
    }
  }
}

/** What a statement does, as one line. */
function withoutLiterals(statement: unknown): string {
  const text = typeof statement === 'string' ? statement : (statement as { text?: unknown } | null)?.text
  if (typeof text !== 'string') return '(a query object)'
  if (!isSound(text)) return '(a statement that cannot be read)'
  const plain = fingerprint(text)
  return plain.length > LONGEST ? `${plain.slice(0, LONGEST)} …` : plain
}

/** Whether it is certain where its literals begin and end. */
function isSound(text: string): boolean {
  const tokens = new Tokens(text)
  let token = tokens.next()
  while (token !== 'end' && token !== 'bad') token = tokens.next()
  return token === 'end' && !text.includes('\0')
}
