/** Overload: when a queue stands, how fast waiters are served, and who cannot be served in time. */

/** The part of a deadline that may pass in the queue before the queue counts as standing. */
const TARGET = 1 / 4

/** For how long even whoever is served best must have waited longer than that. A burst that drains is shorter. */
const INTERVAL_MILLIS = 100

/**
 * Whether a queue stands, found as CoDel finds it (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 2012): what
 * counts is the least sojourn of an interval, since a good queue is one that empties. The sojourn is that of who has waited
 * longest, as a part of what it will wait: it says the same in order of arrival, and still says it once the newest are served.
 */
export class Standing {
  #aboveSince = Number.POSITIVE_INFINITY
  #isStanding = false

  get isStanding(): boolean {
    return this.#isStanding
  }

  /** Somebody is served. @param part how much of its deadline who has waited longest has waited, 0 to 1 */
  look(part: number, now: number): void {
    if (part < TARGET) {
      this.#aboveSince = Number.POSITIVE_INFINITY
      this.#isStanding = false
    } else if (this.#aboveSince > now) this.#aboveSince = now
    else if (now - this.#aboveSince >= INTERVAL_MILLIS) this.#isStanding = true
  }
}

/** A measurement needs so many waiters served, over so long at least, without the queue running empty. */
const SAMPLES = 20
const LEAST_MILLIS = 250

/** One that takes longer says nothing of now, and one that is older neither. */
const MOST_MILLIS = 2_000

interface Measured {
  readonly perMilli: number
  readonly at: number
}

/** How fast waiters are served while the queue is never empty. */
export class Throughput {
  #slots = 0
  #since: number | undefined
  #served = 0
  #last: Measured | undefined
  #before: Measured | undefined

  /** The queue is empty: what was counted so far says nothing of how fast it can go. */
  interrupt(): void {
    this.#since = undefined
  }

  /** One waiter was served, and others waited meanwhile. @param slots connections there are: with more of them all is measured anew */
  served(now: number, slots: number): void {
    if (slots > this.#slots) {
      this.#last = undefined
      this.#before = undefined
    }
    const since = this.#since
    if (since === undefined || slots > this.#slots || now - since > MOST_MILLIS)
      return this.#begin(now, slots)
    this.#served += 1
    const millis = now - since
    if (this.#served < SAMPLES || millis < LEAST_MILLIS) return
    this.#before = this.#last
    this.#last = { perMilli: this.#served / millis, at: now }
    this.#begin(now, slots)
  }

  #begin(now: number, slots: number): void {
    this.#since = now
    this.#served = 0
    this.#slots = slots
  }

  /** Waiters served a millisecond: the better of the last two measurements, undefined while there is none of the last seconds. */
  perMilli(now: number): number | undefined {
    const fresh = (one: Measured | undefined) =>
      one !== undefined && now - one.at <= MOST_MILLIS ? one.perMilli : 0
    return Math.max(fresh(this.#last), fresh(this.#before)) || undefined
  }
}

/** Who stands before a newcomer. */
export interface Ahead {
  /** Those on more urgent levels. */
  readonly urgent: number
  /** Those on its own level, at least. */
  readonly level: number
  /** Nobody on a less urgent level may have a turn. */
  readonly isLowest: boolean
  /** The part of the turns that its level keeps whatever happens, 0 to 1. */
  readonly share: number
}

/** Why a newcomer is not let in. */
export interface Verdict {
  /** Its turn would come after about so long. */
  readonly waitMillis: number
  readonly perMilli: number
  readonly ahead: Ahead
  /** The queue stands, and of all turns its level is left the share that it keeps. */
  readonly standing: boolean
}

/**
 * Whether a newcomer's turn would come too late. Its level has the turns that the more urgent leave it, or the share that it
 * keeps, whichever is faster; in a standing queue the lowest level is left its share alone. It must be too late for luck.
 * @param perMilli waiters served a millisecond
 * @param millis how long it waits at most
 */
export function judgeNewcomer(
  ahead: Ahead,
  perMilli: number,
  millis: number,
  isStanding: boolean,
): Verdict | undefined {
  const { isLowest, level, share, urgent } = ahead
  const standing = isStanding && isLowest && urgent > 0
  const kept = level / share
  const turns = urgent === 0 ? level : standing ? kept : Math.min(urgent + level, kept)
  // Two standard deviations of a random process: what is a little late on average often comes in time.
  const least = turns - 2 * Math.sqrt(turns)
  if (least / perMilli <= millis) return undefined
  return { waitMillis: turns / perMilli, perMilli, ahead, standing }
}
