/** The network between pool and server goes away, or breaks what goes through it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TcpProxy } from '../support/proxy.ts'
import { startProxy } from '../support/proxy.ts'
import type { FaultOptions, Stage } from './fault.ts'
import { underFault } from './fault.ts'
import type { Row, Run } from './scenario.ts'

/** A fault whose pool reaches its server through a proxy. */
async function throughProxy(
  run: Run,
  fault: string,
  act: (stage: Stage, proxy: TcpProxy) => Promise<void>,
  options: FaultOptions = {},
): Promise<Row> {
  const proxy = await startProxy({ host: '127.0.0.1', port: 0 })
  try {
    return await underFault(run, fault, (stage) => act(stage, proxy), {
      ...options,
      pool: (world) => {
        proxy.setTarget(world.target)
        world.target = { host: proxy.host, port: proxy.port }
        return {}
      },
      // What still waits for an answer then would wait for ever.
      leaving: () => proxy.close(),
    })
  } finally {
    await proxy.close()
  }
}

/** The path is interrupted, and comes back: what was on its way arrives late, as TCP has it. */
export function outage(run: Run): Promise<Row> {
  return throughProxy(run, 'outage, server alive', async ({ millis }, proxy) => {
    proxy.hold()
    await sleep(millis)
    proxy.heal()
  })
}

/** The path forgets every connection: old ones are dead and nobody is told, new ones go through. */
export function blackhole(run: Run): Promise<Row> {
  return throughProxy(
    run,
    'blackhole, server alive',
    async ({ millis }, proxy) => {
      proxy.blackhole()
      await sleep(millis)
      proxy.heal()
    },
    LONG_TAIL,
  )
}

/** As `blackhole`, and the server is killed and started again meanwhile. */
export function blackholeAndKill(run: Run): Promise<Row> {
  return throughProxy(
    run,
    'blackhole, server killed',
    async ({ world: { server }, millis }, proxy) => {
      const from = performance.now()
      proxy.blackhole()
      await server.down('kill')
      await server.up()
      await sleep(Math.max(0, from + millis - performance.now()))
      proxy.heal()
    },
    LONG_TAIL,
  )
}

/** Long enough to see whether dead connections are given up at all. */
const LONG_TAIL: FaultOptions = { tailMillis: 12_000 }

/** Every connection is reset, twice a second. */
export function resets(run: Run): Promise<Row> {
  return throughProxy(run, 'resets', async ({ millis, note }, proxy) => {
    let count = 0
    for (const until = performance.now() + millis; performance.now() < until; await sleep(500)) {
      count += proxy.connections
      proxy.cut()
    }
    note('reset', count)
  })
}
