// A pool under an open-loop load on the manual clock: callers come whether or not the last ones have been served.
import type { PoolOptions, Priority } from '../../src/core/options.ts'
import type { FakePool } from '../support/fake-driver.ts'
import { fakePool } from '../support/fake-driver.ts'
import { randomOf } from '../support/random.ts'

/** Callers of one kind, who come at random moments. */
export interface Stream {
  readonly name: string
  readonly priority?: Priority
  readonly agent?: string
  readonly perSecond: number
  /** Every caller's own deadline, for the wait and the work. Without it callers wait for as long as the pool lets them. */
  readonly deadlineMillis?: number
}

/** What became of a stream. */
export interface Outcome {
  asked: number
  /** Done within the deadline. */
  onTime: number
  late: number
  /** Turned away in the turn in which they asked, and after waiting in vain. */
  turnedAway: number
  gaveUp: number
  readonly waits: number[]
}

export interface Load {
  readonly streams: readonly Stream[]
  readonly options: PoolOptions
  readonly millis: number
  /** What comes before does not count. */
  readonly warmMillis?: number
  /** The work of a caller: half to one and a half of it, at random. */
  readonly serviceMillis: number
  readonly seed: number
  /** Called at the begin and after every millisecond. */
  readonly watch?: (house: FakePool) => void
}

/** Plays a load, lets everybody who still waits come to an end, and ends the pool. */
export async function play(load: Load): Promise<Map<string, Outcome>> {
  const { millis, options, seed, streams, warmMillis = 0, watch } = load
  const random = randomOf(seed)
  const house = fakePool(options, random)
  const outcomes = new Map<string, Outcome>()
  const sources = streams.map((stream) => {
    const outcome: Outcome = { asked: 0, onTime: 0, late: 0, turnedAway: 0, gaveUp: 0, waits: [] }
    outcomes.set(stream.name, outcome)
    return { stream, outcome, nextAt: gap(stream, random) }
  })
  watch?.(house)
  for (let now = 0; now < millis; now++) {
    for (const source of sources) {
      for (; source.nextAt <= now; source.nextAt += gap(source.stream, random))
        arrive(house, load, source.stream, now < warmMillis ? undefined : source.outcome, random)
    }
    await house.clock.advance(1)
    watch?.(house)
  }
  await house.clock.advance(60_000)
  void house.pool.end()
  await house.clock.advance(1_000)
  return outcomes
}

function gap({ perSecond }: Stream, random: () => number): number {
  return (-1_000 * Math.log(1 - random())) / perSecond
}

function arrive(
  { clock, pool }: FakePool,
  { serviceMillis }: Load,
  { agent, deadlineMillis, priority }: Stream,
  outcome: Outcome | undefined,
  random: () => number,
): void {
  const askedAt = clock.now()
  if (outcome !== undefined) outcome.asked += 1
  pool.request({ agent, priority, timeoutMillis: deadlineMillis }, (_error, lease) => {
    const waited = clock.now() - askedAt
    if (lease === undefined) {
      if (outcome !== undefined) outcome[waited === 0 ? 'turnedAway' : 'gaveUp'] += 1
      return
    }
    clock.setTimeout(
      () => {
        lease.release()
        if (outcome === undefined) return
        outcome.waits.push(waited)
        outcome[clock.now() - askedAt <= (deadlineMillis ?? Number.POSITIVE_INFINITY) ? 'onTime' : 'late'] +=
          1
      },
      serviceMillis * (0.5 + random()),
    )
  })
}
