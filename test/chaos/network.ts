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

/** Longer than any pool may take a statement for merely slow, and a short run has to wait for it. */
const LONG_MILLIS = 15_000

/** The path forgets every connection: old ones are dead and nobody is told, new ones go through once it is back. */
export function blackhole(length: 'short' | 'long'): (run: Run) => Promise<Row> {
  return (run) =>
    throughProxy(
      run,
      `blackhole, ${length}, server alive`,
      async ({ millis }, proxy) => {
        proxy.blackhole()
        await sleep(length === 'long' ? LONG_MILLIS : millis)
        proxy.heal()
      },
      // Long enough to see whether dead connections are given up at all.
      { tailMillis: length === 'long' ? 5_000 : 12_000 },
    )
}

/** A long one, and the server is killed and started again meanwhile. */
export function blackholeAndKill(run: Run): Promise<Row> {
  return throughProxy(
    run,
    'blackhole, long, server killed',
    async ({ world: { server } }, proxy) => {
      const from = performance.now()
      proxy.blackhole()
      await server.down('kill')
      await server.up()
      await sleep(Math.max(0, from + LONG_MILLIS - performance.now()))
      proxy.heal()
    },
    { tailMillis: 5_000 },
  )
}

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
