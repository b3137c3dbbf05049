/** Functions that are frozen between two requests: their sessions end meanwhile, and the next statement does not know. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { databaseUrl } from '../support/postgres.ts'
import { eventually } from './support.ts'

const ROUNDS = 3
/** The server ends sessions that are idle for longer: more than the second of a standstill that a pool takes notice of. */
const SERVER_IDLE_MILLIS = 1_200
/** Long enough for that, and shorter than every time of the pool that could help: it is to notice by itself. */
const FROZEN_MILLIS = 2_400

/** A function of a profile: asks once for each line that it reads, and says what came. */
const FUNCTION = `
import { createInterface } from 'node:readline'
import { Pool } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
const pool = new Pool({ connectionString: process.env.URL_OF_SERVER, ...JSON.parse(process.env.OPTIONS) })
pool.on('error', () => {})
const ask = async () => (await pool.query('SELECT 1 AS one')).rows[0].one
await ask()
console.log('ready')
const lines = createInterface({ input: process.stdin })
// Timers come before anything that the network has brought, and a statement of theirs may be under way when time stops.
if (process.env.TIMERS) setInterval(() => void pool.query('SELECT 2').catch((error) => console.log('by a timer: ' + error.message)), 20).unref()
lines.on('line', () => ask().then(() => console.log('answered'), (error) => console.log(error.message)))
`

/** Starts one; what it says comes line by line. */
function start(options: object, timers: boolean, atEnd: (end: () => void) => void) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', FUNCTION], {
    env: {
      ...process.env,
      URL_OF_SERVER: databaseUrl(),
      OPTIONS: JSON.stringify(options),
      NODE_OPTIONS: '',
      TIMERS: timers ? '1' : '',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  atEnd(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { child, next: async () => (await lines.next()).value }
}

// With timers only where nothing is kept open beside what is used: this server ends what is idle all the time, and could end it
// just as it is asked, frozen or not.
const PROFILES = [
  ['serverless', true],
  ['serverless', false],
  ['edge', true],
  ['edge', false],
  ['persistent', false],
  ['high-performance', false],
] as const

test.concurrent.for(PROFILES)(
  'a %s process that was frozen past the idle timeout of the server answers its next statement (with timers: %s)',
  async ([profile, timers], { onTestFinished }) => {
    const { child, next } = start(
      { profile, options: `-c idle_session_timeout=${SERVER_IDLE_MILLIS}` },
      timers,
      onTestFinished,
    )
    expect(await next()).toBe('ready')
    for (let round = 0; round < ROUNDS; round++) {
      child.stdin.write('ask\n')
      expect(await next()).toBe('answered')
      child.kill('SIGSTOP')
      // The request may be there before the ends of the sessions, or after them.
      if (round % 2 === 0) child.stdin.write('ask\n')
      await pause(FROZEN_MILLIS)
      if (round % 2 === 1) child.stdin.write('ask\n')
      child.kill('SIGCONT')
      expect(await next()).toBe('answered')
    }
  },
)

test.each(['serverless', 'edge'] as const)(
  'a %s process ends by itself while connections are idle',
  async (profile) => {
    const { child, next } = start(
      { profile, idleTimeoutMillis: 600_000, softIdleTimeoutMillis: 600_000 },
      false,
      onTestFinished,
    )
    const ended = new Promise((resolve) => child.once('close', resolve))
    expect(await next()).toBe('ready')
    child.stdin.end()
    expect(await ended).toBe(0)
  },
)

test.each(['serverless', 'edge'] as const)('a %s pool opens nothing before it is asked', async (profile) => {
  const { Pool } = await import('../../src/index.ts')
  const pool = new Pool({ connectionString: databaseUrl(), profile })
  onTestFinished(() => pool.end())
  await pause(50)
  expect(pool.stats()).toMatchObject({ opened: 0, total: 0, min: 0 })
  await pool.query('SELECT 1')
  expect(pool.stats().opened).toBe(1)
  // The edge keeps an idle connection for a second, serverless for three.
  expect(await eventually(0, () => pool.stats().total)).toBe(0)
})
