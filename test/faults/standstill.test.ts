/** A process that stands still while its sessions end, and sessions that end all at once: whoever comes later finds a connection that works. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test, vi } from 'vitest'
import {
  ending,
  failed,
  freshName,
  kill,
  LOOKUP,
  learn,
  lookup,
  opened,
  SLEEP,
  untilRunning,
} from '../lanes/faults.ts'
import { poolsWith } from '../support/pools.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'
import { use } from './support.ts'

const open = poolsWith({ max: 8 })

const sleep = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

/** Keeps the event loop from turning. */
function stall(millis: number): void {
  for (const until = performance.now() + millis; performance.now() < until; );
}

/** A process with a pool of four connections, which asks something each time it is told to, and says what went wrong. */
const CHILD = `
import { createInterface } from 'node:readline'
import { Pool } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
const pool = new Pool({ connectionString: process.env.URL_OF_SERVER, applicationName: process.env.NAME, max: 4 })
pool.on('error', () => {})
const ask = () => Promise.allSettled(Array.from({ length: 12 }, (_, n) => pool.query('SELECT $1::int AS n', [n], { lane: n % 2 === 0 })))
const clients = await Promise.all([1, 2, 3, 4].map(() => pool.connect()))
for (const client of clients) client.release()
await ask()
console.log('ready')
for await (const _ of createInterface({ input: process.stdin })) {
  const ends = await ask()
  console.log(JSON.stringify(ends.filter((end) => end.status === 'rejected').map((end) => end.reason.message)))
}
await pool.end()
`

test('a process that was stopped while its sessions ended fails nobody when it goes on', async () => {
  const name = freshName()
  const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD], {
    env: { ...process.env, URL_OF_SERVER: databaseUrl(), NAME: name },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => (await lines.next()).value
  expect(await next()).toBe('ready')
  for (let round = 0; round < 2; round++) {
    child.kill('SIGSTOP')
    await kill(name)
    child.stdin.write('go\n')
    await sleep(3_500)
    child.kill('SIGCONT')
    expect(await next()).toBe('[]')
  }
  child.stdin.end()
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0)
})

test('an event loop that stood still while sessions ended fails nobody afterwards', async () => {
  const name = freshName()
  const pool = open({ applicationName: name })
  await opened(pool, 4)
  await learn(pool)
  await withClient(async (admin) => {
    const text = `SELECT pg_sleep(0.5); SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${name}'`
    const killing = admin.query(text)
    await sleep(50)
    stall(3_500)
    const asked = [
      ...Array.from({ length: 6 }, (_, n) => lookup(pool, n)),
      ...Array.from({ length: 6 }, () => use(pool)),
      pool.transaction((own) => own.query('SELECT 1')),
    ]
    await Promise.all([killing, ...asked])
  })
  expect(pool.stats().generation).toBeLessThanOrEqual(1)
})

test('when all sessions are killed each statement under way fails once, and nobody who comes then', async () => {
  const name = freshName()
  const pool = open({ applicationName: name })
  await learn(pool)
  await opened(pool, 8)
  const client = await pool.connect()
  const lease = await pool.lease()
  const underWay = [
    client.query('SELECT pg_sleep(30)'),
    lease.query('SELECT pg_sleep(30)'),
    pool.transaction((own) => own.query('SELECT pg_sleep(30)'), { timeout: 60_000 }),
    pool.query(SLEEP, [30]),
  ]
  const ends = underWay.map((one) => ending(one))
  await untilRunning(name, 4)
  await kill(name)
  await Promise.race(ends)
  // At once, before all the others are seen to be gone.
  await Promise.all(Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? use(pool) : pool.query(LOOKUP, [n]))))
  expect(await Promise.all(ends)).toEqual(ends.map(() => failed('57P01')))
  client.release()
  lease.release()
  await vi.waitFor(() => expect(pool.stats()).toMatchObject({ leased: 0, shared: 0, closing: 0 }))
  expect(pool.stats().generation).toBeLessThanOrEqual(1)
  await Promise.all(Array.from({ length: 40 }, () => use(pool)))
})

test.each(['idle', 'leased', 'lane'])(
  'when the %s session is killed, nothing but what it ran fails',
  async (kind) => {
    const name = freshName()
    const pool = open({ applicationName: name, max: 2 })
    await learn(pool)
    const underWay =
      kind === 'leased'
        ? [ending(pool.transaction((own) => own.query(SLEEP, [30]), { timeout: 60_000 }))]
        : kind === 'lane'
          ? [ending(pool.query(SLEEP, [30])), ending(lookup(pool, 1))]
          : []
    if (kind !== 'idle') await untilRunning(name, 1)
    await kill(name)
    const [head, behind] = await Promise.all(underWay)
    if (head !== undefined) expect(head).toEqual(failed('57P01'))
    if (behind !== undefined) expect(behind).toEqual(failed('SLUICE_CONNECTION_LOST', 'unknown'))
    if (kind === 'idle') await vi.waitFor(() => expect(pool.stats().total).toBe(0), 10_000)
    const asked = Array.from({ length: 10 }, (_, n) => lookup(pool, n))
    expect(await Promise.all(asked)).toHaveLength(10)
  },
)
