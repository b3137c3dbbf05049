/** A statement on a connection of its own: prepared and timed as on a lane. */
import type { Clock } from '../../base/clock.ts'
import { codeOf } from '../../base/errors.ts'
import type { Client, QueryResult } from '../driver.ts'
import { plainQuery } from '../driver.ts'
import type { Knowledge } from '../knowledge.ts'
import type { Answer } from '../statement.ts'
import type { Flight, Owner } from './flight.ts'
import { isSeveral } from './flight.ts'
import type { Names } from './names.ts'
import type { Pace, Texts } from './texts.ts'
import type { Cargo } from './trip.ts'
import { hasRun, takeOff } from './trip.ts'
import type { Watch } from './watch.ts'

/** What it works with. */
export interface AloneParts {
  readonly clock: Clock
  readonly watch: Watch
  readonly texts: Texts
  /** What of a statement's time was the network's, given one more measurement of both. */
  readonly roundTrip: (tripMillis: number) => number
  readonly namesOf: (client: Client) => Names
  readonly knowledge: Pick<Knowledge, 'ask' | 'carriesNames' | 'isOpen'>
}

const NOOP = (): void => undefined

/** Sends a statement on a client that nobody else uses, again where the connection had forgotten it. */
export function flyAlone(parts: AloneParts, client: Client, cargo: Cargo, answer: Answer<QueryResult>): void {
  const { knowledge, namesOf } = parts
  let unnamed = false
  let answered: (error: Error | undefined, size: number) => void = NOOP
  const again = (flight: Flight, error: Error): boolean => {
    if (flight.mayRetry(error)) {
      unnamed = true
      return true
    }
    if (!isSeveral(error, cargo.statement) || cargo.text.isSeveral) return false
    cargo.text.isSeveral = true
    return true
  }
  const owner: Owner = {
    landed: (flight, error, result) => {
      answered(error, flight.size)
      if (error !== undefined && again(flight, error)) fly()
      else answer(error, result)
    },
  }
  const isTimed = () => {
    answered = begin(parts, cargo.pace)
  }
  const fly = () => {
    // The question goes in front, and its time is not the statement's.
    if (knowledge.isOpen && isRepeated(cargo)) knowledge.ask(client, isTimed)
    else isTimed()
    const flight = takeOff(cargo, namesOf(client), owner, unnamed || !knowledge.carriesNames)
    try {
      plainQuery(client).call(client, flight)
    } catch (error) {
      flight.handleError(error as Error)
    }
  }
  fly()
}

/** Whether a statement would be prepared, if the endpoint were known to carry that. */
function isRepeated({ prepare, text }: Cargo): boolean {
  return prepare && text.seen > 1
}

/** An answer that is noted as well. Of what pg sends by itself the size is not known. */
export function timed<R>(parts: AloneParts, pace: Pace, answer: Answer<R>): Answer<R> {
  const answered = begin(parts, pace)
  return (error, result) => {
    answered(error, 0)
    answer(error, result)
  }
}

/** Begins to time a run. Returns what its end is to be told to. */
function begin({ clock, watch, texts, roundTrip }: AloneParts, pace: Pace) {
  const sentAt = clock.now()
  watch.begin(sentAt)
  return (error: Error | undefined, size: number): void => {
    watch.end()
    if (error !== undefined && codeOf(error) === undefined) return
    const now = clock.now()
    const own = watch.own(sentAt + roundTrip(now - sentAt), now)
    if (error === undefined || hasRun(error, own)) texts.note(pace, own, size, now)
  }
}
