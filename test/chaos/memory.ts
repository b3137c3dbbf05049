/** Very many statements, with faults among them: what is left on the heap. */
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { randomOf } from '../../src/demo/workload/random.ts'
import type { Stage } from './fault.ts'
import { NAME, underFault } from './fault.ts'
import { LOOKUP } from './load.ts'
import type { Row, Run } from './scenario.ts'

/** A run of 8 s, the default, has a million; pg.Pool gets fewer of them so that it is done in the same time. */
const STATEMENTS_A_SECOND = { sluice: 125_000, pg: 25_000 }
const CALLERS = 100
const KILL_EVERY_MILLIS = 250

/**
 * Lookups as fast as they are answered, one in a hundred given up; a session is killed four times a second. Half of the
 * statements, a look at the heap, the other half, another look.
 */
export function memory(run: Run): Promise<Row> {
  return underFault(
    run,
    'many statements',
    async (stage) => {
      const half = Math.round((run.seconds * STATEMENTS_A_SECOND[run.pool]) / 2)
      await ask(stage, run.seed, Math.round(half / 5))
      const heaps = [await heap()]
      for (const turn of [1, 2]) {
        await withKills(stage, () => ask(stage, run.seed + turn, half))
        heaps.push(await heap())
      }
      const [begin = 0, middle = 0, end = 0] = heaps
      stage.note('statements', half * 2)
      stage.note('heap at begin MB', begin)
      stage.note('heap in the middle MB', middle)
      stage.note('heap at end MB', end)
    },
    { load: 'none' },
  )
}

async function ask({ subject, ledger }: Stage, seed: number, count: number): Promise<void> {
  let asked = 0
  const call = async (caller: number): Promise<void> => {
    const random = randomOf('memory', seed, caller)
    while (asked < count) {
      asked += 1
      if (!random.chance(0.01)) {
        await ledger.note(() => subject.query(LOOKUP, [asked]))
        continue
      }
      const giveUp = new AbortController()
      setImmediate(() => giveUp.abort())
      await ledger.note(() => subject.query(LOOKUP, [asked], { signal: giveUp.signal }))
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, (_, caller) => call(caller)))
}

async function withKills({ world: { server } }: Stage, work: () => Promise<void>): Promise<void> {
  const stopping = new AbortController()
  const killing = (async () => {
    while (!stopping.signal.aborted) {
      await server.admin(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = $1 AND backend_type = 'client backend' ORDER BY random() LIMIT 1`,
        [NAME],
      )
      await sleep(KILL_EVERY_MILLIS)
    }
  })()
  try {
    await work()
  } finally {
    stopping.abort()
    await killing
  }
}

/** Megabytes in use, to two places, once everything is collected that can be. */
async function heap(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const seen: number[] = []
  for (let n = 0; n < 4; n++) {
    await sleep(100)
    gc()
    seen.push(process.memoryUsage().heapUsed)
  }
  return Math.round((100 * Math.min(...seen)) / 1_048_576) / 100
}
