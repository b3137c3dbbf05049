/** What has happened to all pools: the newest hundred, numbered. */
import { Ring } from '../../base/ring.ts'
import type { EventFrame } from '../frame.ts'

const KEPT = 100

/** The list that events go to. */
export class EventLog {
  readonly #ring = new Ring<EventFrame>(KEPT)
  #last = 0

  /** The number of the newest one; 0 before the first. */
  get last(): number {
    return this.#last
  }

  /** @param text one sentence without a full stop and without secrets */
  add(at: number, level: EventFrame['level'], text: string): void {
    this.#last += 1
    this.#ring.push({ id: this.#last, at, level, text })
  }

  /** Those that are kept with numbers above `after` and up to `upTo`. */
  between(after: number, upTo: number): EventFrame[] {
    return this.#ring.values().filter(({ id }) => id > after && id <= upTo)
  }
}
