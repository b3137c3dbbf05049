/** A statement on a connection of its own: prepared and timed as on a lane. */
import type { Clock } from '../../base/clock.ts'
import type { Client, QueryResult } from '../driver.ts'
import { plainQuery } from '../driver.ts'
import type { Answer } from '../statement.ts'
import type { Flight } from './flight.ts'
import { isSeveral } from './flight.ts'
import type { Names } from './names.ts'
import type { Texts } from './texts.ts'
import type { Cargo } from './trip.ts'
import { hasRun, MOST_ATTEMPTS, takeOff } from './trip.ts'
import type { Watch } from './watch.ts'

/** What it works with. */
export interface AloneParts {
  readonly clock: Clock
  readonly watch: Watch
  readonly texts: Texts
  /** What of a statement's time was the network's, given one more measurement of both. */
  readonly roundTrip: (tripMillis: number) => number
  readonly namesOf: (client: Client) => Names
}

/** Sends a statement on a client that nobody else uses, again where the connection had forgotten it. */
export function flyAlone(parts: AloneParts, client: Client, cargo: Cargo, answer: Answer<QueryResult>): void {
  const { clock, watch, texts, roundTrip, namesOf } = parts
  let attempts = 0
  const fly = () => {
    attempts += 1
    const sentAt = clock.now()
    const landed = (flight: Flight, error: Error | undefined, result: QueryResult | undefined) => {
      watch.end()
      if (error !== undefined && attempts < MOST_ATTEMPTS) {
        if (flight.wasForgotten(error)) return fly()
        if (isSeveral(error, cargo.statement) && !cargo.text.isSeveral) {
          cargo.text.isSeveral = true
          return fly()
        }
      }
      const now = clock.now()
      if (error === undefined || hasRun(error)) {
        const own = watch.own(sentAt + roundTrip(now - sentAt), now)
        texts.note(cargo.text, own, flight.size, now)
      }
      answer(error, result)
    }
    watch.begin(sentAt)
    plainQuery(client).call(client, takeOff(cargo, namesOf(client), landed))
  }
  fly()
}
