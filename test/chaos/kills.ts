/** Sessions are killed by an administrator, again and again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { NAME, underFault } from './fault.ts'
import type { Row, Run } from './scenario.ts'

export type Victims = 'one' | 'idle' | 'all'

const EVERY_MILLIS: Readonly<Record<Victims, number>> = { one: 100, idle: 200, all: 500 }
const CHOICE: Readonly<Record<Victims, string>> = {
  one: 'ORDER BY random() LIMIT 1',
  idle: "AND state = 'idle'",
  all: '',
}

/** One session ten times a second, all idle ones five times, or all of them twice. */
export function kills(victims: Victims): (run: Run) => Promise<Row> {
  return (run) =>
    underFault(
      run,
      `kill ${victims}`,
      async ({ world: { server }, millis, note }) => {
        let killed = 0
        for (const until = performance.now() + millis; performance.now() < until; ) {
          const rows = await server.admin(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = $1 AND backend_type = 'client backend' ${CHOICE[victims]}`,
            [NAME],
          )
          killed += rows.length
          await sleep(EVERY_MILLIS[victims])
        }
        note('killed', killed)
      },
      // Few enough callers that connections are idle now and then.
      victims === 'idle' ? { load: { callers: 20 } } : {},
    )
}
