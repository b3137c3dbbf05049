/** `log()` with a real pool, a real server, and the loggers that people have. */
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import winston from 'winston'
import type { PoolConfig } from '../../src/index.ts'
import { Pool } from '../../src/index.ts'
import type { FieldsFirst, LogOptions, MessageFirst } from '../../src/monitor/index.ts'
import { log } from '../../src/monitor/index.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'

type Line = Readonly<Record<string, unknown>>

function open(config: PoolConfig = {}): Pool {
  const pool = new Pool({ connectionString: databaseUrl(), ...config })
  onTestFinished(async () => {
    if (!pool.ending) await pool.end()
  })
  return pool
}

function pinoLines(level = 'debug') {
  const lines: Line[] = []
  const logger = pino({ level, base: null }, { write: (line) => lines.push(JSON.parse(line) as Line) })
  return { lines, logger }
}

function winstonLines(level = 'debug') {
  const lines: Line[] = []
  const transport = new winston.transports.Console({
    log: (info, next) => {
      lines.push(JSON.parse(JSON.stringify(info)) as Line)
      next()
    },
  })
  // What fills percent signs, as many programs have it.
  const format = winston.format.combine(winston.format.splat(), winston.format.errors({ stack: true }))
  return { lines, logger: winston.createLogger({ level, format, transports: [transport] }) }
}

function logged(pool: Pool, logger: FieldsFirst | MessageFirst, options?: LogOptions): void {
  const logging = log(pool, logger, options)
  onTestFinished(() => logging.stop())
}

const events = (lines: readonly Line[]) => lines.map(({ event }) => event)
const of = (lines: readonly Line[], event: string) => lines.filter((line) => line.event === event)

test.each([
  ['pino', pinoLines],
  ['winston', winstonLines],
])('%s: a pool from its first connection to its end', async (_, make) => {
  const { lines, logger } = make()
  const pool = open({ max: 1 })
  logged(pool, logger, { echo: true, slow: false })
  await pool.query('SELECT $1::text, 7', ['s3cr3t'])
  await expect(pool.query(`SELECT 's3cr3t'::int`)).rejects.toThrow('s3cr3t')
  await pool.end()
  expect(events(lines)).toEqual(['opened', 'statement', 'statement', 'closed', 'ended'])
  const [opened, fine, failed, closed] = lines
  expect(opened).toMatchObject({ pool: 'default', connection: 1 })
  expect(fine).toMatchObject({ statement: 'select $1::text, ?', class: 'moderate' })
  expect(fine).not.toHaveProperty('code')
  expect(failed).toMatchObject({ statement: 'select ?::int', code: '22P02' })
  expect(closed).toMatchObject({ connection: 1, reason: 'ended' })
  expect(JSON.stringify(lines)).not.toContain('s3cr3t')
})

test.each([
  ['pino', pinoLines],
  ['winston', winstonLines],
])('%s: a full pool, a leak and its return, a nested wait, a slow statement', async (_, make) => {
  const { lines, logger } = make('info')
  const pool = open({ max: 1, leakDetectionMillis: 10 })
  logged(pool, logger)
  const lease = await pool.lease({ agent: 'planner' })
  await expect(pool.lease({ timeoutMillis: 20 })).rejects.toThrow('timeout')
  await vi.waitFor(() => expect(of(lines, 'leak')).toHaveLength(1), { timeout: 5_000 })
  lease.release()
  await pool.query({ text: 'SELECT pg_sleep(0.15)', class: 'simple' })
  expect(of(lines, 'acquire-timeout')).toMatchObject([{ code: 'SLUICE_ACQUIRE_TIMEOUT', max: 1, leased: 1 }])
  expect(of(lines, 'nested-wait')).toHaveLength(1)
  expect(of(lines, 'leak')).toMatchObject([
    { agent: 'planner', stack: expect.stringContaining('log.test.ts') },
  ])
  expect(of(lines, 'leak-returned')).toHaveLength(1)
  expect(of(lines, 'slow-statement')).toMatchObject([
    { statement: 'select pg_sleep (?)', class: 'simple', expectedMillis: 100 },
  ])
  // At this level.
  expect(of(lines, 'opened')).toHaveLength(0)
})

test('a server that takes nobody: warnings, then errors, no password, and the breaker', async () => {
  const { lines, logger } = pinoLines('info')
  const url = new URL(databaseUrl())
  url.password = 's3cr3t'
  url.port = '1'
  const pool = open({
    connectionString: url.href,
    circuitBreaker: { openFailures: 2 },
  })
  logged(pool, logger)
  for (let n = 0; n < 3; n++) await expect(pool.query('SELECT 1')).rejects.toThrow(/ECONNREFUSED|breaker/)
  await vi.waitFor(() => expect(of(lines, 'breaker')[0]).toMatchObject({ state: 'open', level: 40 }))
  const [first, second] = of(lines, 'open-failed')
  expect(first).toMatchObject({ code: 'ECONNREFUSED', inARow: 1, level: 40 })
  expect(second).toMatchObject({ code: 'ECONNREFUSED', inARow: 2, level: 50 })
  expect(JSON.stringify(lines)).not.toContain('s3cr3t')
})

test('a connection that the server ends is a warning', async () => {
  const { lines, logger } = winstonLines('info')
  const pool = open({ max: 1 })
  pool.on('error', () => undefined)
  logged(pool, logger)
  const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  await withClient((client) => client.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]))
  await vi.waitFor(
    () => expect(of(lines, 'connection-lost')).toMatchObject([{ reason: 'lost', level: 'warn' }]),
    {
      timeout: 5_000,
    },
  )
})

test('a logger that throws harms neither the pool nor later lines', async () => {
  let calls = 0
  const fails = () => {
    calls += 1
    throw new Error('the disk is full')
  }
  const pool = open({ max: 1 })
  const logging = log(
    pool,
    { debug: fails, info: fails, warn: fails, error: fails },
    { echo: true, slow: false },
  )
  for (let n = 0; n < 3; n++) expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  await pool.end()
  // An uncaught exception would come in a turn of its own.
  await sleep(10)
  expect([calls, logging.failures]).toEqual([6, 6])
})

test('nothing is written once it is stopped', async () => {
  const { lines, logger } = pinoLines()
  const pool = open()
  const logging = log(pool, logger, { echo: true })
  logging.stop()
  await pool.query('SELECT 1')
  await pool.end()
  expect(lines).toEqual([])
})
