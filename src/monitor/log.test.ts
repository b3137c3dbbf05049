import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import { numbersWith } from '../../test/support/numbers.ts'
import { SluiceError } from '../base/errors.ts'
import type { Hooks } from '../core/hooks.ts'
import type { Lease } from '../core/lease.ts'
import type { Operation } from '../core/operation.ts'
import type { BreakerChange, LoggedPool, LogOptions } from './log.ts'
import { log } from './log.ts'

/** A pool that is told what happens to it. */
function fakePool() {
  const attached = new Set<Hooks<object>>()
  const listeners = new Set<(change: BreakerChange) => void>()
  const pool: LoggedPool = {
    stats: () => {
      throw new Error('nobody asks')
    },
    attach: (hooks) => {
      attached.add(hooks)
      return () => attached.delete(hooks)
    },
    on: (_, listener) => listeners.add(listener),
    off: (_, listener) => listeners.delete(listener),
  }
  const hooks = () => [...attached][0] ?? {}
  const breaker = (change: BreakerChange) => {
    for (const listener of listeners) listener(change)
  }
  return { attached, breaker, hooks, listeners, pool }
}

/** A log of one pool, and its lines. */
function scene(options: LogOptions = {}) {
  const clock = new ManualClock()
  const lines: unknown[][] = []
  const to = (level: string) => (message: string, fields: object) => lines.push([level, message, fields])
  const logger = { debug: to('debug'), info: to('info'), warn: to('warn'), error: to('error') }
  const fake = fakePool()
  const logging = log({ web: fake.pool }, logger, options, { clock })
  return { ...fake, clock, hooks: fake.hooks(), lines, logger, logging }
}

function leaseOf(resource: object, agent?: string): Lease<object> {
  const origin = { stack: 'Error: taken here\n    at job (job.ts:1)' }
  return { connection: { resource }, agent, origin } as Lease<object>
}

const operation: Operation = {
  text: 'select ? from users',
  summary: 'SELECT users',
  name: 'SELECT',
  class: 'simple',
  agent: 'planner',
  askedAt: 0,
}

const levels = (lines: unknown[][]) =>
  lines.map(([level, , fields]) => [level, (fields as { event: string }).event])

test('a connection is a line when it opens and when it closes, told from others by a number', () => {
  const { hooks, lines } = scene()
  const [one, other] = [{}, {}]
  hooks.opened?.(one, 12.345)
  hooks.opened?.(other, 1)
  hooks.closing?.(one, 'idle')
  expect(lines).toEqual([
    ['debug', 'connection opened', { pool: 'web', event: 'opened', connection: 1, millis: 12.3 }],
    ['debug', 'connection opened', { pool: 'web', event: 'opened', connection: 2, millis: 1 }],
    ['debug', 'connection closed', { pool: 'web', event: 'closed', connection: 1, reason: 'idle' }],
  ])
})

test('closes that are trouble are warnings, and a close that was given up is an error', () => {
  const { hooks, lines } = scene()
  hooks.closing?.({}, 'lost')
  hooks.closing?.({}, 'abandoned')
  hooks.lost?.({}, 'idle')
  expect(levels(lines)).toEqual([
    ['warn', 'connection-lost'],
    ['warn', 'left-in-transaction'],
    ['error', 'close-given-up'],
  ])
})

test('a failed open is a warning; from the second in a row on an error, until one succeeds', () => {
  const { hooks, lines } = scene()
  const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:5432'), { code: 'ECONNREFUSED' })
  hooks.openFailed?.(refused, 3)
  hooks.openFailed?.(refused, 3)
  hooks.opened?.({}, 1)
  hooks.openFailed?.(refused, 3)
  expect(levels(lines).map(([level]) => level)).toEqual(['warn', 'error', 'debug', 'warn'])
  expect(lines[1]?.[2]).toEqual({
    pool: 'web',
    event: 'open-failed',
    inARow: 2,
    millis: 3,
    code: 'ECONNREFUSED',
    error: 'connect ECONNREFUSED 10.0.0.1:5432',
  })
})

test.each([
  ['SLUICE_ACQUIRE_TIMEOUT', 'warn', 'acquire-timeout'],
  ['SLUICE_OPEN_TIMEOUT', 'warn', 'unreachable'],
  ['SLUICE_OPEN_FAILED', 'warn', 'unreachable'],
  ['SLUICE_QUEUE_FULL', 'warn', 'queue-full'],
  ['SLUICE_SHED', 'warn', 'shed'],
  ['SLUICE_ABORTED', 'debug', 'aborted'],
  ['SLUICE_POOL_ENDED', 'debug', 'turned-away'],
] as const)('a caller who leaves with %s is %s: %s', (code, level, event) => {
  const { hooks, lines } = scene()
  const numbers = numbersWith({ leased: 10, waiting: 4 })
  hooks.rejected?.(new SluiceError(code, 'because', { numbers }), 99.6)
  expect(levels(lines)).toEqual([[level, event]])
  expect(lines[0]?.[2]).toMatchObject({
    code,
    waitedMillis: 100,
    max: 10,
    leased: 10,
    waiting: 4,
    error: 'because',
  })
})

test('a leak says who has it and where it was taken, and is told from its return by nothing but the event', () => {
  const { hooks, lines } = scene()
  const lease = leaseOf({}, 'planner')
  hooks.leaked?.(lease, 5_000.4)
  hooks.unleaked?.(lease, 9_000)
  hooks.nested?.(leaseOf({}), 10)
  expect(levels(lines)).toEqual([
    ['warn', 'leak'],
    ['info', 'leak-returned'],
    ['warn', 'nested-wait'],
  ])
  const leak = { pool: 'web', event: 'leak', connection: 1, agent: 'planner', heldMillis: 5_000 }
  expect(lines[0]?.[2]).toEqual({ ...leak, stack: 'Error: taken here\n    at job (job.ts:1)' })
  expect(lines[1]?.[2]).toMatchObject({ connection: 1, heldMillis: 9_000 })
  // An agent that is not known is left out.
  expect(lines[2]?.[2]).not.toHaveProperty('agent')
})

test('the circuit breaker is a warning when it opens, and news when it closes', () => {
  const { breaker, lines } = scene()
  breaker({ state: 'open', reason: '5 of 10 calls failed' })
  breaker({ state: 'half-open', reason: 'a probe may go' })
  breaker({ state: 'closed', reason: 'the probe succeeded' })
  expect(lines.map(([level, , fields]) => [level, (fields as BreakerChange).state])).toEqual([
    ['warn', 'open'],
    ['info', 'half-open'],
    ['info', 'closed'],
  ])
})

describe('statements', () => {
  test('one that took longer than is expected of its class is a warning, without what the server said', () => {
    const { hooks, lines } = scene()
    const error = Object.assign(new Error('invalid input: "s3cr3t"'), { code: '22P02' })
    hooks.answered?.(operation, { millis: 100, error: undefined })
    hooks.answered?.(operation, { millis: 100.06, error })
    expect(lines).toHaveLength(1)
    expect(lines[0]?.[2]).toEqual({
      pool: 'web',
      event: 'slow-statement',
      statement: 'select ? from users',
      class: 'simple',
      agent: 'planner',
      millis: 100.1,
      expectedMillis: 100,
      code: '22P02',
    })
  })

  test('with echo every one is a line, however many', () => {
    const { hooks, lines } = scene({ echo: true, first: 1 })
    for (let n = 0; n < 30; n++) hooks.answered?.(operation, { millis: 1, error: undefined })
    expect(lines).toHaveLength(30)
    expect(lines[29]).toEqual([
      'debug',
      'statement',
      {
        pool: 'web',
        event: 'statement',
        statement: operation.text,
        class: 'simple',
        agent: 'planner',
        millis: 1,
      },
    ])
  })

  test('without slow and echo no single one is listened to', () => {
    expect(scene().hooks).toHaveProperty('answered')
    expect(scene({ slow: false }).hooks).not.toHaveProperty('answered')
    expect(scene({ slow: false, echo: true }).hooks).toHaveProperty('answered')
  })

  test('the text of one that is not written is not worked out', () => {
    const { hooks } = scene({ first: 1 })
    let worked = 0
    const counted = {
      ...operation,
      get text() {
        worked += 1
        return 'select ?'
      },
    }
    for (let n = 0; n < 5; n++) hooks.answered?.(counted, { millis: 1_000, error: undefined })
    expect(worked).toBe(1)
  })
})

describe('too much', () => {
  test('of each event ten lines are written in a minute, then one that says how many were left out', async () => {
    const { clock, hooks, lines } = scene()
    const timeout = new SluiceError('SLUICE_ACQUIRE_TIMEOUT', 'too long')
    for (let n = 0; n < 1_000; n++) hooks.rejected?.(timeout, 1)
    hooks.rejected?.(new SluiceError('SLUICE_SHED', 'too late'), 1)
    expect(lines).toHaveLength(11)
    await clock.advance(60_000)
    const fields = { pool: 'web', event: 'acquire-timeout', leftOut: 990, windowMillis: 60_000 }
    expect(lines[11]).toEqual(['warn', 'lines were left out', fields])
    expect(lines).toHaveLength(12)
  })

  test('the end of the pool, and of the log, first say what was left out', () => {
    const { hooks, lines, logging } = scene({ first: 1 })
    for (let n = 0; n < 3; n++) hooks.closing?.({}, 'ended')
    hooks.ended?.()
    for (let n = 0; n < 3; n++) hooks.closing?.({}, 'ended')
    logging.stop()
    expect(lines.map(([, message]) => message)).toEqual([
      'connection closed',
      'lines were left out',
      'pool ended',
      'lines were left out',
    ])
  })
})

describe('a logger that fails', () => {
  test('reaches nobody, is counted, and gets the next line', () => {
    const { hooks, lines, logger, logging } = scene()
    const { debug } = logger
    logger.debug = () => {
      throw new Error('the disk is full')
    }
    hooks.opened?.({}, 1)
    logger.debug = debug
    hooks.opened?.({}, 1)
    expect([lines.length, logging.failures]).toEqual([1, 1])
  })

  test('what cannot be put into words is counted too', () => {
    const { hooks, lines, logging } = scene()
    hooks.openFailed?.(Object.create(null), 1)
    expect([lines.length, logging.failures]).toEqual([0, 1])
  })
})

test('no password of an error is written', () => {
  const { breaker, hooks, lines } = scene()
  const secret = 'postgres://app:s3cr3t@db/app'
  hooks.openFailed?.(new Error(`cannot reach ${secret}`), 1)
  hooks.rejected?.(new SluiceError('SLUICE_OPEN_FAILED', `cannot reach ${secret}`), 1)
  breaker({ state: 'open', reason: `cannot reach ${secret}` })
  expect(lines).toHaveLength(3)
  expect(JSON.stringify(lines)).not.toContain('s3cr3t')
})

test('stopping detaches, once', () => {
  const { attached, listeners, logging } = scene()
  expect([attached.size, listeners.size]).toEqual([1, 1])
  logging.stop()
  logging.stop()
  expect([attached.size, listeners.size]).toEqual([0, 0])
})

test('no message holds a percent sign, which some loggers fill', async () => {
  const { EVENTS } = await import('./log/events.ts')
  expect(Object.values(EVENTS).filter(([, message]) => message.includes('%'))).toEqual([])
})

test.each([
  [{ first: 0 }, 'first must be a whole number from 1 to 1,000,000; it is 0'],
  [{ windowMillis: 0 }, 'windowMillis must be a number from 1'],
  [{ shape: 'pino' }, "shape must be one of 'fields-first', 'message-first'"],
  [{ ecko: true }, 'ecko is not an option of log(); did you mean echo?'],
])('%o is refused', (options, text) => {
  expect(() => scene(options as LogOptions)).toThrow(text)
})
