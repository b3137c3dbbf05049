/** A statement on a connection of its own: prepared and timed as on a lane. */
import type { Clock } from '../../base/clock.ts'
import type { Client, QueryResult } from '../driver.ts'
import { plainQuery } from '../driver.ts'
import type { Answer } from '../statement.ts'
import type { Flight, Owner } from './flight.ts'
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
  let sentAt = 0
  const again = (flight: Flight, error: Error): boolean => {
    if (attempts === MOST_ATTEMPTS) return false
    if (flight.wasForgotten(error)) return true
    if (!isSeveral(error, cargo.statement) || cargo.text.isSeveral) return false
    cargo.text.isSeveral = true
    return true
  }
  const owner: Owner = {
    landed: (flight, error, result) => {
      watch.end()
      if (error !== undefined && again(flight, error)) return fly()
      const now = clock.now()
      if (error === undefined || hasRun(error)) {
        const own = watch.own(sentAt + roundTrip(now - sentAt), now)
        texts.note(cargo.text, own, flight.size, now)
      }
      answer(error, result)
    },
  }
  const fly = () => {
    attempts += 1
    sentAt = clock.now()
    watch.begin(sentAt)
    plainQuery(client).call(client, takeOff(cargo, namesOf(client), owner))
  }
  fly()
}
