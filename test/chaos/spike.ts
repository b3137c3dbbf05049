/** Fifty callers at once on a pool of five connections that may have fifty, whose opens are slow and whose statements are not. */
import { setTimeout as sleep } from 'node:timers/promises'
import { PASSWORD, ROLE, underFault } from './fault.ts'
import { quantile } from './quantile.ts'
import type { Row, Run } from './scenario.ts'

const CALLERS = 50
const WARM = 5
const OPEN_MILLIS = 150

/** What an open costs more is waited for in the password's function, which both pools ask in the middle of the handshake. */
export function spike(run: Run): Promise<Row> {
  let openMillis = 0
  return underFault(
    run,
    'spike of 50 callers',
    async ({ subject, ledger, note }) => {
      await Promise.all(
        Array.from({ length: WARM }, () => subject.lease((query) => query('SELECT pg_sleep(0.1)'))),
      )
      // The statement is known to be short by then, where a pool learns such things.
      for (let n = 0; n < 20; n++) await subject.query('SELECT pg_sleep(0.002)')
      openMillis = OPEN_MILLIS
      const [warm, from] = [subject.sockets.length, performance.now()]
      const latencies: number[] = []
      ledger.restart()
      const call = async (): Promise<void> => {
        await ledger.note(() => subject.query('SELECT pg_sleep(0.002)'))
        latencies.push(performance.now() - from)
      }
      await Promise.all(Array.from({ length: CALLERS }, call))
      // What was opened and is not needed any more has come by then.
      await sleep(OPEN_MILLIS * 6)
      note('connections before', warm)
      note('connections opened', subject.sockets.length - warm)
      note('last answer ms', Math.round(quantile(latencies, 1)))
    },
    {
      load: 'none',
      pool: ({ server: { host, port } }) => ({
        url: undefined,
        config: {
          host,
          port,
          user: ROLE,
          database: 'sluice',
          max: CALLERS,
          min: WARM,
          password: async () => {
            await sleep(openMillis)
            return PASSWORD
          },
        },
      }),
    },
  )
}
