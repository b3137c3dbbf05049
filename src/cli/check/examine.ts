/** Whether a target is a Postgres that lets us in; where it is not, why. */
import { connect } from 'node:net'
import type { Target } from '../target.ts'
import type { Trouble } from '../trouble.ts'
import { explain, silent } from '../trouble.ts'
import type { Findings } from './probe.ts'
import { AdminConsole, probe } from './probe.ts'

/** What came of a look at a target. */
export type Outcome = { found: Findings } | { trouble: Trouble }

/** Connects, under the name of `sluice check` unless another is given, looks, and closes the connection again. Never throws. */
export async function examine(
  target: Target,
  timeoutMillis: number,
  applicationName?: string,
): Promise<Outcome> {
  try {
    return { found: await probe(target, timeoutMillis, applicationName) }
  } catch (error) {
    if (error instanceof AdminConsole) return { trouble: consoleTrouble(error) }
    const trouble = explain(error, target)
    if (trouble.kind === 'timeout' && (await accepts(target))) return { trouble: silent(target) }
    return { trouble }
  }
}

function consoleTrouble({ version }: AdminConsole): Trouble {
  return {
    kind: 'not-postgres',
    code: undefined,
    what: `This is the administration console of ${version}, not a database.`,
    advice: 'Name a database of yours at the end of the URL instead of "pgbouncer".',
  }
}

/** Whether a port takes connections at all: tells a mute server from a network that swallows packets. */
function accepts({ host, port }: Target): Promise<boolean> {
  if (host.startsWith('/')) return Promise.resolve(true)
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 })
    const settle = (accepted: boolean) => () => {
      socket.destroy()
      resolve(accepted)
    }
    socket.on('connect', settle(true)).on('timeout', settle(false)).on('error', settle(false))
  })
}
