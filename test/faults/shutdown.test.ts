/** A process that is told to end while its pool is at work: what had time was served, and the server keeps no session of it. */
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { networks } from '../support/pools.ts'
import { databaseUrl, sessions } from '../support/postgres.ts'
import { eventually, programs } from './support.ts'

const network = networks()
const start = programs()

/** Times are for a loaded machine: what is asked is that the process ends by its own deadline and not by luck. */
const SLACK_MILLIS = 4_000

const tell = `const tell = (name) => [(value) => console.log(name, 'ok'), (error) => console.log(name, error.code ?? error.message)]`

test('on SIGTERM what is lent, runs, waits and is being opened is served, newcomers are told, and the process ends with 0', async () => {
  const name = 'sluice-shutdown-served'
  const program = start(
    databaseUrl(),
    `${tell}
     const pool = new Pool({ connectionString: url, max: 4, min: 1, applicationName: '${name}' })
     onShutdown(pool, { after: (problems) => console.log('problems', problems.length) })
     await pool.listen('somewhere', () => undefined)
     const lease = await pool.lease()
     lease.query('SELECT pg_sleep(0.7)').then(...tell('lease')).then(() => lease.release())
     pool.transaction(async (tx) => { await tx.query('SELECT pg_sleep(0.5)'); await tx.query('SELECT 1') }).then(...tell('transaction'))
     pool.query('SELECT pg_sleep(0.6)').then(...tell('slow'))
     for (let n = 0; n < 20; n++) pool.query('SELECT $1::int', [n]).then(...tell('waiting'))
     process.once('SIGTERM', () => setImmediate(() => pool.query('SELECT 1').then(...tell('newcomer'))))
     console.log('ready')`,
  )
  await program.said('ready')
  const { code, stdout, stderr, millis } = await program.signal('SIGTERM')
  const words = stdout.trim().split('\n').sort()
  expect({ code, stderr, words }).toEqual({
    code: 0,
    stderr: '',
    words: [
      'lease ok',
      'newcomer SLUICE_POOL_ENDED',
      'problems 0',
      'ready',
      'slow ok',
      'transaction ok',
      ...Array.from({ length: 20 }, () => 'waiting ok'),
    ],
  })
  expect(millis).toBeLessThan(9_000)
  expect(await eventually(0, () => sessions(name))).toBe(0)
})

test('what does not end in time is cancelled at the server, every caller has an answer, and the process ends with 1', async () => {
  const name = 'sluice-shutdown-cut'
  const program = start(
    databaseUrl(),
    `${tell}
     const pool = new Pool({ connectionString: url, max: 3, applicationName: '${name}' })
     onShutdown(pool, { timeoutMillis: 2_000, after: (problems) => console.log(problems.map(String).join()) })
     const kept = await pool.connect()
     pool.query('SELECT pg_sleep(600)').then(...tell('endless'))
     const dropped = await pool.lease()
     dropped.query('SELECT pg_sleep(600)').then(...tell('dropped'))
     dropped.release()
     for (let n = 0; n < 3; n++) pool.query('SELECT 1').then(...tell('waiting'))
     console.log('ready')`,
  )
  await program.said('ready')
  const { code, stdout, millis } = await program.signal('SIGTERM')
  expect(code).toBe(1)
  expect(stdout).toContain('endless Connection terminated\n')
  expect(stdout).toContain('dropped Connection terminated\n')
  expect(stdout.match(/waiting (ok|SLUICE_POOL_ENDED|Connection terminated)/g)).toHaveLength(3)
  expect(stdout).toMatch(
    /the pool still had work after [\d,]+ ms \(timeoutMillis 2,000\), which was cut off: \d of 3 slots/,
  )
  expect(millis).toBeLessThan(2_000 + SLACK_MILLIS)
  expect(await eventually(0, () => sessions(name))).toBe(0)
})

test('statements on shared connections are served before the process ends', async () => {
  const name = 'sluice-shutdown-lanes'
  const program = start(
    databaseUrl(),
    `const pool = new Pool({ connectionString: url, max: 2, applicationName: '${name}' })
     onShutdown([pool], {})
     for (let n = 0; n < 50; n++) await pool.query('SELECT $1::int AS n', [n])
     let [asked, served, refused, other] = [0, 0, 0, 0]
     let open = true
     const caller = async () => {
       while (open) {
         asked += 1
         await pool.query('SELECT $1::int AS n', [asked]).then(() => { served += 1 }, (error) => {
           open = false
           if (error.code === 'SLUICE_POOL_ENDED') refused += 1
           else other += 1
         })
       }
     }
     for (let n = 0; n < 100; n++) caller()
     process.on('exit', () => console.log(JSON.stringify({ unanswered: asked - served - refused, other, shared: pool.stats().shared })))
     console.log('ready')`,
  )
  await program.said('ready')
  await pause(100)
  const { code, stdout } = await program.signal('SIGINT')
  expect({ code, said: stdout.split('\n')[1] }).toEqual({
    code: 0,
    said: JSON.stringify({ unanswered: 0, other: 0, shared: 0 }),
  })
  expect(await eventually(0, () => sessions(name))).toBe(0)
})

test('requests under way may go on using the pool until before() has ended', async () => {
  const program = start(
    databaseUrl(),
    `import { createServer } from 'node:http'
     const pool = new Pool({ connectionString: url, max: 2 })
     const server = createServer(async (request, response) => {
       await pool.query('SELECT pg_sleep(0.3)')
       const { rows } = await pool.query('SELECT 7 AS n')
       response.end(String(rows[0].n))
     })
     onShutdown(pool, { before: () => new Promise((resolve) => { server.close(resolve); server.closeIdleConnections() }) })
     server.listen(0, '127.0.0.1', () => {
       fetch('http://127.0.0.1:' + server.address().port, { headers: { connection: 'close' } })
         .then((response) => response.text()).then((text) => console.log('answered', text))
       server.once('request', () => console.log('ready'))
     })`,
  )
  await program.said('ready')
  const { code, stdout } = await program.signal('SIGTERM')
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'ready\nanswered 7\n' })
})

test('a second signal ends the process at once', async () => {
  const program = start(
    databaseUrl(),
    `const pool = new Pool({ connectionString: url, max: 1 })
     onShutdown(pool, { timeoutMillis: 60_000, before: () => console.log('begun') })
     await pool.connect()
     console.log('ready')`,
  )
  await program.said('ready')
  const ended = program.signal('SIGTERM')
  await program.said('begun')
  void program.signal('SIGINT')
  expect((await ended).code).toBe(130)
})

test('without a signal the process ends as if nothing had been asked', async () => {
  const program = start(
    databaseUrl(),
    `const pool = new Pool({ connectionString: url, allowExitOnIdle: true })
     onShutdown(pool)
     await pool.query('SELECT 1')
     setTimeout(() => console.log('over'), 10)`,
  )
  await program.said('over')
  // Signal 0 asks whether it is still there and tells it nothing.
  expect(await eventually(0, () => program.child.exitCode)).toBe(0)
})

describe('a network that has gone silent', () => {
  test('keeps a process with leases, statements and waiters no longer than its deadline', async () => {
    const { proxy, connectionString } = await network()
    const program = start(
      connectionString,
      `${tell}
       const pool = new Pool({ connectionString: url, max: 3 })
       onShutdown(pool, { timeoutMillis: 2_000 })
       await Promise.all([1, 2, 3].map(() => pool.query('SELECT pg_sleep(0.05)')))
       const kept = await pool.connect()
       console.log('ready')
       await later(300)
       pool.query('SELECT 1').then(...tell('fast'))
       pool.query('SELECT pg_sleep(1)').then(...tell('slow'))
       for (let n = 0; n < 3; n++) pool.lease().then(...tell('waiting'))
       console.log('asked')`,
    )
    await program.said('ready')
    proxy.blackhole()
    await program.said('asked')
    const { code, stdout, millis } = await program.signal('SIGTERM')
    expect(code).toBe(1)
    expect(stdout.match(/fast|slow|waiting/g)).toHaveLength(5)
    expect(stdout).not.toMatch(/(fast|slow) ok/)
    expect(millis).toBeLessThan(2_000 + SLACK_MILLIS)
  })

  test('keeps a process whose opens hang no longer than its deadline', async () => {
    const { proxy, connectionString } = await network()
    proxy.blackhole()
    const program = start(
      connectionString,
      `${tell}
       const pool = new Pool({ connectionString: url, max: 3 })
       onShutdown(pool, { timeoutMillis: 1_500 })
       for (let n = 0; n < 5; n++) pool.query('SELECT 1').then(...tell('waiting'))
       console.log('ready')`,
    )
    await program.said('ready')
    const { code, stdout, millis } = await program.signal('SIGTERM')
    expect({ code, told: stdout.match(/waiting SLUICE_POOL_ENDED/g)?.length }).toEqual({ code: 1, told: 5 })
    expect(millis).toBeLessThan(1_500 + SLACK_MILLIS)
  })
})
