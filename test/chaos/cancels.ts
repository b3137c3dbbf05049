/** Callers who give up, a hundred times a second, statements that would run for a minute. */
import { setTimeout as sleep } from 'node:timers/promises'
import { underFault } from './fault.ts'
import type { Row, Run } from './scenario.ts'

const EVERY_MILLIS = 10
const GIVEN_UP_AFTER_MILLIS = 20

/** Twenty other callers work on. A caller of pg.Pool ends a statement by dropping its connection: it has no other way. */
export function cancels(run: Run): Promise<Row> {
  return underFault(
    run,
    '100 cancels a second',
    async ({ subject, ledger, note }) => {
      const begun = performance.now()
      const until = begun + run.seconds * 1_000
      const all: Promise<boolean>[] = []
      for (let n = 0; performance.now() < until; n++) {
        const giveUp = new AbortController()
        setTimeout(() => giveUp.abort(), GIVEN_UP_AFTER_MILLIS)
        all.push(ledger.note(() => subject.query('SELECT pg_sleep(60)', [], { signal: giveUp.signal })))
        await sleep(Math.max(0, begun + (n + 1) * EVERY_MILLIS - performance.now()))
      }
      note('asked', all.length)
      note('cancel requests', subject.sockets.filter(({ cancel }) => cancel).length)
      await Promise.race([Promise.all(all), sleep(5_000, undefined, { ref: false })])
    },
    { load: { callers: 20, cancelled: 0 }, pool: () => ({ givenUp: 'destroy' }) },
  )
}
