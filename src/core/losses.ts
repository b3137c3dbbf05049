/** What the loss of connections says about the others: one may be an accident, many at once are a server that is gone. */
import type { Connection } from './slot.ts'

/** Losses that lie further apart are accidents of their own. */
const WAVE_MILLIS = 1_000

/** What to think of the connections that are left. */
export type Outlook =
  /** nothing new: it was told before, or was to be replaced anyway */
  | 'known'
  /** each should be asked before it is used */
  | 'doubtful'
  /** all are to be replaced: the server that they lead to is not there any more */
  | 'gone'

export class Losses {
  #generation = -1
  #since = 0
  #lost = 0
  /** One that is lost is told of more than once: by its error, by its end, by what ran on it. */
  readonly #noted = new WeakSet<Connection<unknown>>()

  /**
   * Takes note of a loss.
   * @param generation the one that new connections belong to now
   * @param left how many connections of that generation are left
   * @param whole whether the server itself has said that it is going down
   */
  note(
    connection: Connection<unknown>,
    generation: number,
    left: number,
    whole: boolean,
    now: number,
  ): Outlook {
    if (connection.generation !== generation || this.#noted.has(connection)) return 'known'
    this.#noted.add(connection)
    if (this.#generation !== generation || now - this.#since > WAVE_MILLIS) {
      this.#generation = generation
      this.#since = now
      this.#lost = 0
    }
    this.#lost += 1
    return whole || (this.#lost > 1 && this.#lost >= left) ? 'gone' : 'doubtful'
  }
}
