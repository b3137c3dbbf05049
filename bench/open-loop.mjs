/**
 * The load of the mixed bench: lookups that come at a fixed rate, whether or not earlier ones are answered, beside loops of slow
 * statements.
 */
import { setTimeout as sleep } from 'node:timers/promises'

const PER_SECOND = 2_000
const MOST_OUTSTANDING = 20_000
const SETTLE_MILLIS = 10_000

/**
 * @typedef {object} Load
 * @property {(n: number) => PromiseLike<unknown>} lookup sends the n-th lookup
 * @property {(n: number) => boolean} [aside] whether the n-th lookup is slow of itself, and so not counted
 * @property {(() => PromiseLike<unknown>)[]} loops each is called again as soon as it is answered
 * @property {number} warmMillis what is not counted
 * @property {number} cellMillis what is counted
 *
 * @typedef {object} Outcome
 * @property {number} p50 milliseconds, as the others
 * @property {number} p95
 * @property {number} p99
 * @property {number} max
 * @property {number[]} perSecond how often each loop was answered
 * @property {number} unanswered lookups at the end, counted at their age
 * @property {number} refused lookups not sent because too many were outstanding, counted like unanswered ones
 * @property {number} failed lookups and slow statements
 */

/**
 * Latency counts from the moment a lookup was due, not from when it was sent, so that neither a late timer nor a busy process
 * hides anything.
 * @param {Load} load @returns {Promise<Outcome>}
 */
export async function underLoad({ lookup, aside = () => false, loops, warmMillis, cellMillis }) {
  const begin = performance.now()
  const from = begin + warmMillis
  const until = from + cellMillis
  const [lookups, rates] = [new Lookups(lookup, begin, until), loops.map(() => 0)]
  let failed = 0
  const repeat = async (/** @type {() => PromiseLike<unknown>} */ act, /** @type {number} */ i) => {
    while (performance.now() < until) {
      try {
        const asked = performance.now()
        await act()
        const now = performance.now()
        // One that reaches over an edge counts in part: loops in step would else gain or lose a whole turn by chance.
        const within = Math.max(0, Math.min(now, until) - Math.max(asked, from))
        rates[i] += ((1e3 / cellMillis) * within) / (now - asked)
      } catch {
        failed++
        // A statement that fails at once would else keep the process busy.
        await sleep(10)
      }
    }
  }
  const repeated = Promise.all(loops.map(repeat))
  await lookups.sent()
  const counted = lookups.outcome(from, aside)
  const giveUp = new AbortController()
  await Promise.race([
    Promise.all([repeated, lookups.settled()]),
    sleep(SETTLE_MILLIS, undefined, { signal: giveUp.signal }).catch(() => {}),
  ])
  giveUp.abort()
  return { ...counted, perSecond: rates, failed: counted.failed + failed }
}

class Lookups {
  #send
  #begin
  #until
  #answered
  #next = 0
  #outstanding = 0
  #refused = 0
  #failed = 0
  #settled = () => {}

  /** @param {Load['lookup']} send @param {number} begin @param {number} until */
  constructor(send, begin, until) {
    this.#send = send
    this.#begin = begin
    this.#until = until
    this.#answered = new Float64Array(Math.floor(((until - begin) * PER_SECOND) / 1e3)).fill(Number.NaN)
  }

  /** Resolves when the time is over. */
  sent() {
    return /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        const timer = setInterval(() => {
          const now = performance.now()
          this.#sendUpTo(Math.min(this.#answered.length, ((now - this.#begin) * PER_SECOND) / 1e3))
          if (now < this.#until) return
          clearInterval(timer)
          resolve()
        }, 1)
      })
    )
  }

  /** Resolves when nothing is outstanding any more. */
  settled() {
    return /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        this.#settled = resolve
        if (this.#outstanding === 0) resolve()
      })
    )
  }

  /** @param {number} from @param {(n: number) => boolean} aside */
  outcome(from, aside) {
    const latencies = []
    let unanswered = 0
    for (let n = 0; n < this.#answered.length; n++) {
      const due = this.#due(n)
      if (due < from || aside(n)) continue
      const open = Number.isNaN(this.#answered[n])
      if (open) unanswered++
      latencies.push((open ? this.#until : this.#answered[n]) - due)
    }
    latencies.sort((a, b) => a - b)
    const at = (/** @type {number} */ q) => latencies[Math.ceil(q * latencies.length) - 1]
    const [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1].map(at)
    return { p50, p95, p99, max, unanswered, refused: this.#refused, failed: this.#failed }
  }

  #due(/** @type {number} */ n) {
    return this.#begin + (n * 1e3) / PER_SECOND
  }

  #sendUpTo(/** @type {number} */ count) {
    for (; this.#next < count; this.#next++) {
      if (this.#outstanding >= MOST_OUTSTANDING) this.#refused++
      else void this.#ask(this.#next)
    }
  }

  async #ask(/** @type {number} */ n) {
    this.#outstanding++
    try {
      await this.#send(n)
    } catch {
      this.#failed++
    }
    this.#answered[n] = performance.now()
    if (--this.#outstanding === 0) this.#settled()
  }
}
