/** Callers in a closed loop: each asks, waits for its answer, and asks again. */
import { Rest } from '../../demo/workload/rest.ts'
import { unlessAborted } from '../interrupt.ts'
import type { Tally } from './tally.ts'
import type { Way } from './ways.ts'

/** One round of one way. */
export interface Round {
  readonly callers: number
  readonly statements: readonly string[]
  readonly seconds: number
  readonly signal: AbortSignal
  /** How far the round is, 0 to 1; ten times a second. */
  readonly onTick: (share: number) => void
}

const tickMillis = 100
/** Whoever was refused does not ask again in the same instant: a server that says no is not hammered. */
const sulkMillis = 10
/** How often a connection is got from a way at rest. */
const gets = 10

/**
 * Runs a round to its end: what is under way then is waited for and counted. After `signal` nothing is waited for, and what was
 * answered before is counted.
 * @throws the reason of `signal`
 */
export async function drive(way: Way, tally: Tally, round: Round): Promise<void> {
  const { callers, seconds, signal, onTick } = round
  const rest = new Rest()
  const end = (): void => rest.end()
  signal.addEventListener('abort', end, { once: true })
  const began = performance.now()
  const ticking = setInterval(
    () => onTick(Math.min(1, (performance.now() - began) / 1_000 / seconds)),
    tickMillis,
  )
  try {
    const until = began + seconds * 1_000
    const calls = Array.from({ length: callers }, (_, first) => call(first, until, way, tally, round, rest))
    await unlessAborted(signal, Promise.all(calls))
  } finally {
    clearInterval(ticking)
    signal.removeEventListener('abort', end)
    // Also of a round cut short: its figures are those so far.
    tally.round((performance.now() - began) / 1_000, { opened: way.opened(), timeouts: way.timeouts() })
  }
  for (let n = 0; n < gets; n++) await unlessAborted(signal, get(way, tally))
}

async function get(way: Way, tally: Tally): Promise<void> {
  try {
    tally.got(await way.get())
  } catch (error) {
    tally.failed(error)
  }
}

async function call(
  first: number,
  until: number,
  way: Way,
  tally: Tally,
  { statements, signal }: Round,
  rest: Rest,
): Promise<void> {
  for (let n = first; !signal.aborted; n++) {
    const asked = performance.now()
    if (asked >= until) return
    try {
      await way.ask(statements[n % statements.length] as string)
      tally.answered(performance.now() - asked)
    } catch (error) {
      if (signal.aborted) return
      tally.failed(error)
      await rest.for(sulkMillis)
    }
  }
}
