/** The server ends and comes back: in good order, in a hurry, or as another one that takes writes. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ending } from '../support/server.ts'
import { startServer } from '../support/server.ts'
import { prepare, underFault } from './fault.ts'
import type { Row, Run } from './scenario.ts'

/** The server is away for half a second and what its start takes. */
export function restart(how: Ending): (run: Run) => Promise<Row> {
  return (run) =>
    underFault(run, `restart, ${how}`, async ({ world: { server }, note }) => {
      const from = performance.now()
      await server.down(how)
      await sleep(500)
      await server.up()
      note('away ms', Math.round(performance.now() - from))
    })
}

/**
 * The primary becomes read-only while its sockets live; new connections lead to a second server, which takes writes. The
 * rows of both count.
 */
export async function readOnlyPrimary(run: Run): Promise<Row> {
  const second = await startServer()
  try {
    await prepare(second)
    // The pool's role has the same password on both.
    return await underFault(run, 'primary turns read-only', async ({ world, ledger, note, millis }) => {
      world.writesAt.push(second)
      const before = ledger.lost['25006'] ?? 0
      world.target = { host: second.host, port: second.port }
      await world.server.admin('ALTER SYSTEM SET default_transaction_read_only = on')
      await world.server.admin('SELECT pg_reload_conf()')
      await sleep(millis)
      note('writes refused', (ledger.lost['25006'] ?? 0) - before)
    })
  } finally {
    await second.stop()
  }
}
