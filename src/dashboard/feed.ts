/** What the viewers are told: made once for all of them, and not at all while nobody looks, but for one point of history a second. */
import type { Clock } from '../base/clock.ts'
import { Beat } from './beat.ts'
import type { EventFrame, Frame, Hello, Slow } from './frame.ts'
import type { DashboardPool } from './pool.ts'
import type { Kind, Sink } from './viewers.ts'
import { Viewers } from './viewers.ts'
import { EventLog } from './watch/events.ts'
import { PoolWatch } from './watch/watch.ts'

const SECOND = 1_000
const SLOW_MILLIS = 2_000

/** What a browser waits before it comes back, in milliseconds. */
const RETRY_MILLIS = 1_000

/** What the feed is of. */
export interface FeedParts {
  readonly pools: ReadonlyMap<string, DashboardPool>
  readonly clock: Clock
  readonly everyMillis: number
  /** Told to the page when it comes. */
  readonly about: Pick<Hello, 'version' | 'run' | 'title'>
}

/** From its making until `stop()` the pools are watched. */
export class Feed {
  readonly #parts: FeedParts
  readonly #log = new EventLog()
  readonly #watches: readonly PoolWatch[]
  readonly #viewers: Viewers
  readonly #seconds: Beat
  readonly #frames: Beat
  readonly #slows: Beat
  /** The newest event that was told in a frame, or that nobody was there for. */
  #toldUpTo = 0
  #slow: Slow['pools'] = []

  constructor(parts: FeedParts) {
    const { clock, everyMillis, pools } = parts
    this.#parts = parts
    this.#viewers = new Viewers(clock)
    this.#watches = [...pools].map(([name, pool]) => {
      const of = pools.size > 1 ? `${name}: ` : ''
      return new PoolWatch(name, pool, clock, (level, text) =>
        this.#log.add(clock.epoch(), level, `${of}${text}`),
      )
    })
    this.#seconds = new Beat(clock, SECOND, () => this.#second())
    this.#frames = new Beat(clock, everyMillis, () => this.#frame())
    this.#slows = new Beat(clock, SLOW_MILLIS, () => this.#tellSlow())
    this.#seconds.start()
  }

  get viewers(): Viewers {
    return this.#viewers
  }

  /** Somebody comes: is told what was, and from now on what is. */
  welcome(sink: Sink): void {
    if (!this.#frames.isRunning) this.#begin()
    const { about, everyMillis } = this.#parts
    const hello: Hello = {
      ...about,
      everyMillis,
      history: this.#watches.map((watch) => watch.history()),
      slow: this.#slow,
      events: this.#log.between(0, this.#toldUpTo),
    }
    const first = `retry: ${RETRY_MILLIS}\n\n${message('hello', hello)}`
    this.#viewers.add(sink, Buffer.from(first))
  }

  /** Something has happened to the dashboard itself. */
  note(level: EventFrame['level'], text: string): void {
    this.#log.add(this.#parts.clock.epoch(), level, text)
  }

  /** Says good-bye to all, and watches no longer. */
  stop(): void {
    this.#seconds.stop()
    this.#rest()
    this.#viewers.end()
    for (const watch of this.#watches) watch.stop()
  }

  #begin(): void {
    this.#toldUpTo = this.#log.last
    this.#slow = this.#lookSlowly()
    this.#frames.start()
    this.#slows.start()
  }

  #rest(): void {
    this.#frames.stop()
    this.#slows.stop()
  }

  #second(): void {
    for (const watch of this.#watches) watch.second()
  }

  #frame(): void {
    if (this.#viewers.size === 0) return this.#rest()
    const pools = this.#watches.map((watch) => watch.frame()).filter((pool) => pool !== undefined)
    const events = this.#log.between(this.#toldUpTo, this.#log.last)
    this.#toldUpTo = this.#log.last
    const frame: Frame = { at: this.#parts.clock.epoch(), pools, events }
    this.#send('frame', frame)
  }

  #tellSlow(): void {
    this.#slow = this.#lookSlowly()
    const slow: Slow = { pools: this.#slow }
    this.#send('slow', slow)
  }

  #lookSlowly(): Slow['pools'] {
    return this.#watches.map((watch) => watch.slow()).filter((pool) => pool !== undefined)
  }

  #send(kind: Kind, what: Frame | Slow): void {
    this.#viewers.send(kind, Buffer.from(message(kind, what)))
  }
}

/** One message of an event stream. JSON has no line break of its own. */
function message(event: string, what: Frame | Slow | Hello): string {
  return `event: ${event}\ndata: ${JSON.stringify(what)}\n\n`
}
