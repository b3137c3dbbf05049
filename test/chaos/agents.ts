/** An agent that always has a thousand statements waiting, beside one that asks now and then. */
import { setTimeout as sleep } from 'node:timers/promises'
import { underFault } from './fault.ts'
import { quantile } from './quantile.ts'
import type { Row, Run } from './scenario.ts'

const NOISY = 1_000
const STATEMENT = 'SELECT pg_sleep(0.01)'
const CONNECTIONS = 5
const QUIET_EVERY_MILLIS = 50

export function noisyAgent(run: Run): Promise<Row> {
  return underFault(
    run,
    'noisy agent',
    async ({ subject, ledger, note }) => {
      const warm = performance.now()
      for (let n = 0; n < 50; n++) await subject.query(STATEMENT)
      const service = (performance.now() - warm) / 50
      const until = performance.now() + run.seconds * 1_000
      let answered = 0
      const noisy = async (): Promise<void> => {
        while (performance.now() < until) {
          const done = await ledger.note(() => subject.query(STATEMENT, [], { agent: 'noisy' }))
          if (done) answered += 1
          else await sleep(20)
        }
      }
      const waits: number[] = []
      const quiet = async (): Promise<void> => {
        // By then the other's statements fill the queue.
        await sleep(300)
        while (performance.now() < until) {
          const from = performance.now()
          await ledger.note(() => subject.query(STATEMENT, [], { agent: 'quiet' }))
          waits.push(performance.now() - from - service)
          await sleep(QUIET_EVERY_MILLIS)
        }
      }
      await Promise.all([quiet(), ...Array.from({ length: NOISY }, noisy)])
      note('service ms', Math.round(10 * service) / 10)
      note('quiet asked', waits.length)
      note('quiet wait p50 ms', Math.round(quantile(waits, 0.5)))
      note('quiet wait, longest, ms', Math.round(quantile(waits, 1)))
      note('noisy answered', answered)
    },
    { load: 'none', pool: () => ({ config: { max: CONNECTIONS } }) },
  )
}
