/** Answers of plain reads, kept for others who ask the same: fresh ones in place of the server, older ones when the pool cannot serve. */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../base/clock.ts'
import { SluiceError } from '../../base/errors.ts'
import type { Call, QueryOptions } from '../call.ts'
import { readCall } from '../call.ts'
import type { ReadConfig } from '../config.ts'
import type { QueryResult } from '../driver.ts'
import type { QueryArguments } from '../forms.ts'
import { readStatement } from '../lanes/statement.ts'
import type { Texts } from '../lanes/texts.ts'
import type { Answer, Statements } from '../statement.ts'
import { isUnserved } from '../trouble.ts'
import type { CachedResult } from './kept.ts'
import { copyOf, isResult, sizeOf } from './kept.ts'
import type { CacheRule } from './rule.ts'
import { keyOf, readRule } from './rule.ts'

/** In bytes, as far as they can be told. A larger answer is not kept: copying it would take as long as asking again. */
const LARGEST_ANSWER = 1_048_576
const ALL_ANSWERS = 67_108_864

/** The cache of one pool in numbers, counted from its beginning. */
export interface CacheStats {
  readonly entries: number
  /** About how many bytes they take. */
  readonly bytes: number
  /** Callers who got a fresh answer at once. */
  readonly hits: number
  /** Callers who got an old answer because the pool could not serve. */
  readonly staleHits: number
  /** Statements that were run. */
  readonly misses: number
  /** Callers who waited for a statement that was under way for another. */
  readonly joined: number
}

/** What the cache works with. */
export interface CacheParts {
  readonly clock: Clock
  readonly statements: Statements
  readonly texts: Texts
  readonly config: ReadConfig
  /** Runs a statement as if it were asked for without the cache. */
  readonly run: (given: QueryArguments, told: Told) => void
}

type Told = (error: unknown, result: unknown) => void

interface Kept {
  readonly result: QueryResult
  /** When it came. */
  readonly at: number
  /** When it was asked for. */
  readonly askedAt: number
}

/** A call that has been read. */
interface Asked {
  readonly given: QueryArguments
  readonly rule: CacheRule
  readonly key: string
  readonly call: Call
}

/** One run of a statement, and everybody who waits for it. Ends early only when nobody does. */
class Flight {
  readonly waiters = new Set<Answer<QueryResult>>()
  readonly abort = new AbortController()
  readonly askedAt: number

  constructor(askedAt: number) {
    this.askedAt = askedAt
  }
}

/** One who waits. */
interface Seat {
  readonly flight: Flight
  readonly answer: Answer<QueryResult>
}

export class Cache {
  readonly #parts: CacheParts
  readonly #kept: LRUCache<string, Kept>
  readonly #flights = new Map<string, Flight>()
  #hits = 0
  #staleHits = 0
  #misses = 0
  #joined = 0

  constructor(parts: CacheParts) {
    this.#parts = parts
    this.#kept = new LRUCache({
      max: parts.config.cacheSize,
      maxSize: ALL_ANSWERS,
      maxEntrySize: LARGEST_ANSWER,
    })
  }

  /** Answers a call that came with `cache`: from what is kept, or with what one run for all who ask brings. */
  query(given: QueryArguments, told: Told): void {
    let asked: Asked
    try {
      asked = this.#read(given)
    } catch (error) {
      return told(error, undefined)
    }
    const fresh = asked.call.signal?.aborted === true ? undefined : this.#find(asked, asked.rule.ttl)
    if (fresh === undefined) return this.#wait(asked, told)
    this.#hits += 1
    told(undefined, fresh)
  }

  stats(): CacheStats {
    return Object.freeze({
      entries: this.#kept.size,
      bytes: this.#kept.calculatedSize,
      hits: this.#hits,
      staleHits: this.#staleHits,
      misses: this.#misses,
      joined: this.#joined,
    })
  }

  clear(): void {
    this.#kept.clear()
  }

  #read(given: QueryArguments): Asked {
    const { cache, ...options } = given.options
    const { config, texts } = this.#parts
    const rule = readRule(cache)
    const call = readCall(options, config)
    const statement = readStatement(given)
    if (statement === undefined || texts.of(statement.text).kind !== 'read')
      throw new SluiceError(
        'SLUICE_BAD_OPTION',
        'cache is for plain reads, one SELECT, VALUES, TABLE or WITH … SELECT of up to 16,384 characters that locks and writes nothing and leaves its session alone; this statement is none',
      )
    return { given: { ...given, options }, rule, key: keyOf(statement, rule.key), call }
  }

  /** A copy of what is kept, if it is younger than that. */
  #find({ key, rule }: Asked, millis: number): CachedResult | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    const age = this.#parts.clock.now() - kept.at
    return age < millis ? copyOf(kept.result, age < rule.ttl ? 'fresh' : 'stale', age) : undefined
  }

  #wait(asked: Asked, told: Told): void {
    const { timeoutMillis, signal } = asked.call
    let seat: Seat | undefined
    const start = (answer: Answer<QueryResult>) => {
      seat = { flight: this.#join(asked, answer), answer }
    }
    const bounds = { millis: timeoutMillis, signal }
    this.#parts.statements.run(start, bounds, {
      whatNow: () =>
        (seat?.flight.waiters.size ?? 0) > 1
          ? 'the statement goes on for others who wait for it'
          : 'nobody else waits for the statement, so it is given up, be it in the queue or at the server',
      answered: (error, result) => {
        if (result === undefined) this.#failed(asked, error, told)
        else told(undefined, copyOf(result, undefined, 0))
      },
      abandoned: (error) => {
        if (seat !== undefined) this.#leave(asked.key, seat)
        // It may never be answered: who asks from now on must not wait for it too.
        if (seat !== undefined && error.code === 'SLUICE_QUERY_TIMEOUT') this.#land(asked.key, seat.flight)
        this.#failed(asked, error, told)
      },
    })
  }

  #failed(asked: Asked, error: unknown, told: Told): void {
    const { ttl, staleIfError } = asked.rule
    const kept = isUnserved(error) ? this.#find(asked, ttl + staleIfError) : undefined
    if (kept === undefined) return told(error, undefined)
    this.#staleHits += 1
    told(undefined, kept)
  }

  /** Waits with the others who ask the same, or runs the statement for all who will. */
  #join(asked: Asked, answer: Answer<QueryResult>): Flight {
    const { key } = asked
    const underway = this.#flights.get(key)
    const flight = underway ?? new Flight(this.#parts.clock.now())
    flight.waiters.add(answer)
    if (underway === undefined) this.#fly(asked, flight)
    else this.#joined += 1
    return flight
  }

  #leave(key: string, { flight, answer }: Seat): void {
    flight.waiters.delete(answer)
    if (flight.waiters.size > 0) return
    this.#land(key, flight)
    flight.abort.abort(new Error('nobody waits for it any more'))
  }

  #fly({ given, key }: Asked, flight: Flight): void {
    this.#misses += 1
    this.#flights.set(key, flight)
    // The time and the signal are each caller's own.
    const options: QueryOptions = { ...given.options, signal: flight.abort.signal, timeout: undefined }
    this.#parts.run({ ...given, options }, (error, result) => {
      this.#land(key, flight)
      const failure = error ?? (isResult(result) ? undefined : noResult())
      if (failure === undefined) this.#keep(key, result as QueryResult, flight)
      for (const answer of flight.waiters)
        answer(failure as Error | undefined, failure === undefined ? (result as QueryResult) : undefined)
    })
  }

  /** Nobody joins it any more. */
  #land(key: string, flight: Flight): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }

  #keep(key: string, result: QueryResult, { askedAt }: Flight): void {
    // A run that was overtaken saw older data.
    if ((this.#kept.peek(key)?.askedAt ?? 0) > askedAt) return
    const size = sizeOf(result.rows, LARGEST_ANSWER) + sizeOf(key, LARGEST_ANSWER)
    this.#kept.set(key, { result, at: this.#parts.clock.now(), askedAt }, { size })
  }
}

function noResult(): SluiceError {
  return new SluiceError('SLUICE_BAD_OPTION', 'cache is for statements that answer with one result of rows')
}
