/** The process of the pool itself stands still, and its sessions end meanwhile. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { NAME, underFault } from './fault.ts'
import type { Row, Run } from './scenario.ts'

/** What the server does while nobody here can: sent ahead, it runs by itself. */
const LATER = (seconds: number) =>
  `SELECT pg_sleep(${seconds}); SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${NAME}'`

/** Long enough that nobody takes it for a busy machine. */
const STANDSTILL_MILLIS = 5_000

/** The event loop does nothing for 5 s, however short the run; after half of that every session is killed. */
export function stalledLoop(run: Run): Promise<Row> {
  return underFault(
    run,
    'event loop stalls',
    async ({ world: { server }, ends }) => {
      const killing = server.admin(LATER(STANDSTILL_MILLIS / 2_000))
      // So that the statement above is really on its way.
      await sleep(200)
      // From here the loop goes on to timers before it reads any socket: callers ask before anybody has heard of the end.
      await new Promise((resolve) => setImmediate(resolve))
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STANDSTILL_MILLIS)
      ends()
      await killing
    },
    // Few enough callers that most connections are idle when the loop stalls.
    { load: { callers: 20 } },
  )
}

/** A load in a process of its own, which is stopped with SIGSTOP for 5 s; meanwhile every session is killed. */
export async function frozenClient(run: Run): Promise<Row> {
  const child = fork(fileURLToPath(import.meta.resolve('./child.js')), [JSON.stringify(run)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const rows: Row[] = []
  child.on('message', (message: ChildMessage) => {
    if ('row' in message) rows.push(message.row)
    else {
      child.kill('SIGSTOP')
      setTimeout(() => child.kill('SIGCONT'), message.freezeMillis)
    }
  })
  await once(child, 'exit')
  const [row] = rows
  if (row === undefined) throw new Error('the process under test ended without a result')
  return row
}

/** What the process under test says to the one that stops it. */
export type ChildMessage = { readonly freezeMillis: number } | { readonly row: Row }

/** The part of `frozenClient` that runs in the child. */
export function frozenHere(run: Run, say: (message: ChildMessage) => void): Promise<Row> {
  return underFault(
    run,
    'client process frozen',
    async ({ world: { server }, note, ends }) => {
      const millis = STANDSTILL_MILLIS
      const killing = server.admin(LATER(millis / 2_000))
      await sleep(200)
      const from = performance.now()
      say({ freezeMillis: millis })
      // Whoever stands still does not see time pass: a wait of 50 ms that took long was the freeze.
      for (let last = from; performance.now() - last < millis / 2; ) {
        last = performance.now()
        await sleep(50)
        if (last - from > millis * 3) throw new Error('the process was never stopped')
      }
      ends()
      note('frozen ms', Math.round(performance.now() - from))
      await killing
    },
    { load: { callers: 20 } },
  )
}
