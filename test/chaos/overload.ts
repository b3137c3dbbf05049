/** More statements than the server can answer in time, for as long as the run lasts, in three priorities. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../src/demo/workload/random.ts'
import type { Stage } from './fault.ts'
import { underFault } from './fault.ts'
import type { Row, Run } from './scenario.ts'

/** Few connections, so that it is their number and not a busy machine that bounds what can be answered. */
const CONNECTIONS = 5
const STATEMENT = 'SELECT pg_sleep(0.01)'
const DEADLINE_MILLIS = 500
const HIGH_SHARE = 0.2

type Priority = 'high' | 'medium' | 'low'

interface Tally {
  asked: number
  /** Answered within the deadline, counted from when it was due. */
  good: number
}

/**
 * An open loop: arrivals come by chance (exponential pauses) at `factor` times what the pool answers when it is just busy.
 * Those of high priority come at a fifth of that capacity, the rest is half medium and half low. pg.Pool knows no priority;
 * its callers have the same deadline and its wait for a connection is bounded by it.
 */
export function overload(factor: number): (run: Run) => Promise<Row> {
  return (run) =>
    underFault(
      run,
      `overload ${factor}x`,
      async (stage) => {
        const capacity = await measure(stage, Math.min(2_000, run.seconds * 300))
        const tallies = await arrive(stage, capacity, factor, run.seconds * 1_000)
        const { high, medium, low } = tallies
        const good = high.good + medium.good + low.good
        const percent = (part: number, whole: number) => Math.round((100 * part) / Math.max(1, whole))
        stage.note('capacity/s', Math.round(capacity))
        stage.note('goodput %', percent(good, capacity * run.seconds))
        for (const [name, { good, asked }] of Object.entries(tallies))
          stage.note(`${name} %`, percent(good, asked))
      },
      {
        load: 'none',
        pool: () => ({ config: { max: CONNECTIONS, connectionTimeoutMillis: DEADLINE_MILLIS } }),
      },
    )
}

/** What the pool answers a second when there is always one more caller than it has connections. */
async function measure({ subject, ledger }: Stage, millis: number): Promise<number> {
  const counted = { from: 0, answers: 0 }
  const until = performance.now() + 500 + millis
  const loop = async (): Promise<void> => {
    while (performance.now() < until) {
      await subject.query(STATEMENT)
      if (performance.now() < until - millis) continue
      counted.from ||= performance.now()
      counted.answers += 1
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS + 1 }, loop))
  ledger.restart()
  return (1_000 * counted.answers) / (performance.now() - counted.from)
}

async function arrive(
  { subject, ledger, world: { random } }: Stage,
  capacity: number,
  factor: number,
  millis: number,
): Promise<Record<Priority, Tally>> {
  const tallies: Record<Priority, Tally> = { high: tally(), medium: tally(), low: tally() }
  const underway = new Set<Promise<unknown>>()
  const ask = async (due: number, priority: Priority): Promise<void> => {
    tallies[priority].asked += 1
    const timeoutMillis = Math.max(1, due + DEADLINE_MILLIS - performance.now())
    const answered = await ledger.note(() => subject.query(STATEMENT, [], { timeoutMillis, priority }))
    if (answered && performance.now() - due <= DEADLINE_MILLIS) tallies[priority].good += 1
  }
  const begin = performance.now()
  let due = begin
  while (due < begin + millis) {
    const asked: Promise<void> = ask(due, priorityOf(random, factor)).finally(() => underway.delete(asked))
    underway.add(asked)
    due += (-Math.log(1 - random.next()) * 1_000) / (capacity * factor)
    const wait = due - performance.now()
    // A timer's resolution is a millisecond; those due within it come together.
    if (wait > 0) await sleep(Math.max(1, wait))
    else if (underway.size % 64 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.race([Promise.all(underway), sleep(DEADLINE_MILLIS * 4, undefined, { ref: false })])
  return tallies
}

function tally(): Tally {
  return { asked: 0, good: 0 }
}

function priorityOf(random: Random, factor: number): Priority {
  if (random.chance(HIGH_SHARE / factor)) return 'high'
  return random.chance(0.5) ? 'medium' : 'low'
}
