import { describe, expect, test } from 'vitest'
import { ManualClock, settle } from '../../test/support/manual-clock.ts'
import { SluiceError } from '../base/errors.ts'
import { Breaker, readBreaker } from '../resilience/breaker.ts'
import type { RetryOptions } from '../resilience/retry.ts'
import { RetryBudget, readRetry } from '../resilience/retry.ts'
import { Attempts } from './attempts.ts'
import type { Call, QueryOptions, Told } from './call.ts'
import { readCall } from './call.ts'
import { readConfig } from './config.ts'
import { Gate } from './gate.ts'

const coded = (code: string, more = {}) => Object.assign(new Error(`failed with ${code}`), { code, ...more })
const lost = coded('ECONNRESET', { syscall: 'read' })
const refused = coded('ECONNREFUSED', { syscall: 'connect' })
const unsent = (code: 'SLUICE_OPEN_FAILED' | 'SLUICE_CONNECTION_LOST' | 'SLUICE_QUEUE_FULL', more = {}) =>
  new SluiceError(code, 'not sent', { outcome: 'not-sent', ...more })
const unknown = (code: 'SLUICE_CONNECTION_LOST' | 'SLUICE_QUERY_TIMEOUT') =>
  new SluiceError(code, 'sent', { outcome: 'unknown' })

const CONFIG = readConfig({})

/** Attempts on a manual clock, without jitter; the words of what happened to one call at a time. */
function scene(
  retry: RetryOptions | boolean | undefined = { jitter: 'none' },
  gate?: Gate,
  clock = new ManualClock(),
) {
  const budget = new RetryBudget()
  const attempts = new Attempts({ clock, random: () => 0.5, gate, retry: readRetry(retry), budget })
  const said: string[] = []
  /** What each attempt got. */
  const calls: Call[] = []
  const askedAt: number[] = []
  /** Runs a call whose attempts end with these errors, one after another, and then with a result. */
  const run = (errors: readonly unknown[], options: QueryOptions = {}, atomic = true) => {
    const left = [...errors]
    const start = (call: Call, told: Told<string>) => {
      calls.push(call)
      askedAt.push(clock.now())
      if (call.signal?.aborted === true) return told(new SluiceError('SLUICE_ABORTED', 'aborted'), undefined)
      const error = left.shift()
      if (error === undefined) told(undefined, 'rows')
      else told(error, undefined)
    }
    attempts.run<string>(readCall(options, CONFIG), atomic, start, (error, result) => {
      const { code } = (error ?? {}) as { code?: string }
      said.push(result ?? code ?? (error as Error).message)
    })
  }
  return { attempts, askedAt, budget, calls, clock, run, said }
}

/** How often a call is tried whose first attempt ends with this. */
async function triesAfter(
  error: unknown,
  options: QueryOptions = {},
  atomic = true,
  retry?: RetryOptions,
): Promise<number> {
  const { calls, clock, run } = scene({ jitter: 'none', ...retry })
  run([error], options, atomic)
  await clock.advance(60_000)
  return calls.length
}

describe('a call is run again', () => {
  test.each([
    ['what was not sent', unsent('SLUICE_CONNECTION_LOST')],
    ['no connection could be opened', unsent('SLUICE_OPEN_FAILED')],
    ['the first connection of all was refused', refused],
    ['a name led nowhere', coded('EAI_AGAIN', { syscall: 'getaddrinfo' })],
    [
      'every address of a name refused',
      Object.assign(new AggregateError([refused, refused], ''), { code: 'ECONNREFUSED' }),
    ],
  ])('whatever it is, after %s', async (_, error) => {
    expect([await triesAfter(error), await triesAfter(error, {}, false)]).toEqual([2, 2])
  })

  test.each(['40001', '40P01'])(
    'as a transaction of its own, after it has lost a collision (%s)',
    async (code) => {
      expect(await triesAfter(coded(code))).toBe(2)
    },
  )

  test.each([
    ['a reset', lost],
    ['a server that goes down', coded('57P01')],
    ['a lost connection', unknown('SLUICE_CONNECTION_LOST')],
    ['what pg says without a code', new Error('Connection terminated unexpectedly')],
  ])('when it is idempotent, after %s', async (_, error) => {
    expect([await triesAfter(error, { idempotent: true }), await triesAfter(error)]).toEqual([2, 1])
  })

  test('when it is idempotent, whatever its text is', async () => {
    expect(await triesAfter(coded('40001'), { idempotent: true }, false)).toBe(2)
  })
})

describe('a call is not run again', () => {
  test.each([
    ['a lost collision, where it may have committed within itself', coded('40001')],
    ['a reset', lost],
    ['a server that goes down', coded('57P01')],
    ['an unknown outcome', unknown('SLUICE_CONNECTION_LOST')],
  ])('after %s', async (_, error) => {
    expect(await triesAfter(error, {}, false)).toBe(1)
  })

  test.each([
    ['an SQL error', coded('23505')],
    ['a timeout, which has taken its time', unknown('SLUICE_QUERY_TIMEOUT')],
    ['a full queue, which it would only lengthen', unsent('SLUICE_QUEUE_FULL', { retryAfterMillis: 10 })],
    ['the end of the pool', new SluiceError('SLUICE_POOL_ENDED', '', { outcome: 'not-sent' })],
    ['a wrong password', coded('28P01')],
    ['a bad option', new SluiceError('SLUICE_BAD_OPTION', '')],
  ])('even where it is idempotent, after %s', async (_, error) => {
    expect(await triesAfter(error, { idempotent: true })).toBe(1)
  })

  test('more often than attempts says, and its last error is told', async () => {
    const { calls, clock, run, said } = scene({ attempts: 4, jitter: 'none' })
    run([refused, refused, refused, lost, refused])
    await clock.advance(60_000)
    expect([calls.length, said]).toEqual([4, ['ECONNRESET']])
  })

  test('where retry is off', async () => {
    const { calls, clock, run, said } = scene(false)
    run([refused], { idempotent: true })
    await clock.advance(60_000)
    expect([calls.length, said]).toEqual([1, ['ECONNREFUSED']])
  })
})

describe('retry.on', () => {
  test('as codes and as classes, decides after which errors', async () => {
    const on = ['23505', '42', 'SLUICE_QUEUE_FULL']
    const errors = [coded('23505'), coded('42P01'), unsent('SLUICE_QUEUE_FULL'), coded('40001'), refused]
    const tries = await Promise.all(errors.map((error) => triesAfter(error, {}, true, { on })))
    expect(tries).toEqual([2, 2, 2, 1, 1])
  })

  test('as a function, decides after which errors', async () => {
    const on = (error: unknown) => (error as Error).message.includes('23505')
    expect(await triesAfter(coded('23505'), {}, true, { on })).toBe(2)
    expect(await triesAfter(refused, {}, true, { on })).toBe(1)
  })

  test('never makes a statement run twice that may have taken effect', async () => {
    const on = () => true
    expect(await triesAfter(lost, {}, true, { on })).toBe(1)
    expect(await triesAfter(unknown('SLUICE_QUERY_TIMEOUT'), {}, true, { on })).toBe(1)
    expect(await triesAfter(unknown('SLUICE_QUERY_TIMEOUT'), { idempotent: true }, true, { on })).toBe(2)
  })

  test('that throws ends the call, with both errors in what it is told', async () => {
    const { clock, attempts } = scene({
      on: () => {
        throw new Error('no such field')
      },
    })
    const told: unknown[] = []
    const start = (_: Call, done: Told<string>) =>
      done(coded('23505', { detail: 'Key (id)=(secret)' }), undefined)
    attempts.run<string>(readCall({}, CONFIG), true, start, (error) => told.push(error))
    await clock.advance(60_000)
    expect(told).toEqual([
      expect.objectContaining({
        code: 'SLUICE_BAD_OPTION',
        message:
          'retry.on threw when it was asked about the error of a call (23505): no such field; that error is the cause of this one, and the call was not run again',
        cause: expect.objectContaining({ code: '23505' }),
      }),
    ])
  })
})

describe('the pause', () => {
  test('doubles, up to its limit', async () => {
    const { askedAt, clock, run } = scene({ attempts: 6, backoff: 100, maxBackoff: 350, jitter: 'none' })
    run(Array.from({ length: 5 }, () => refused))
    await clock.advance(60_000)
    expect(askedAt).toEqual([0, 100, 300, 650, 1_000, 1_350])
  })

  test('is a random part of itself', async () => {
    const { askedAt, clock, run } = scene({ backoff: 100 })
    run([refused, refused])
    await clock.advance(60_000)
    expect(askedAt).toEqual([0, 50, 150])
  })

  test('is as long as the error asks for at least', async () => {
    const { askedAt, clock, run } = scene({ backoff: 100, jitter: 'none', on: ['SLUICE_QUEUE_FULL'] })
    run([unsent('SLUICE_QUEUE_FULL', { retryAfterMillis: 700 })])
    await clock.advance(60_000)
    expect(askedAt).toEqual([0, 700])
  })

  test('is part of the timeout of the call: the next attempt has what is left', async () => {
    const { calls, clock, run, said } = scene({ backoff: 100, jitter: 'none' })
    run([refused, refused], { timeout: 500 })
    await clock.advance(60_000)
    expect(calls.map(({ timeoutMillis }) => timeoutMillis)).toEqual([500, 400, 200])
    expect(calls.map(({ askedMillis }) => askedMillis)).toEqual([undefined, 500, 500])
    expect(said).toEqual(['rows'])
  })

  test('is not begun where the timeout would end in it', async () => {
    const { calls, clock, run, said } = scene({ backoff: 100, jitter: 'none' })
    run([refused], { timeout: 100 })
    expect(said).toEqual(['ECONNREFUSED'])
    await clock.advance(60_000)
    expect(calls.length).toBe(1)
  })

  test('that a frozen process has slept through ends with the error, not with an attempt that has no time', async () => {
    const { attempts, calls, clock, run, said } = scene({ backoff: 100, jitter: 'none' })
    run([refused], { timeout: 300 })
    clock.jump(5_000)
    await clock.advance(0)
    expect([calls.length, attempts.retries, said]).toEqual([1, 0, ['ECONNREFUSED']])
  })

  test('ends with an abort, which is told at once and once', async () => {
    const { attempts, clock, run, said } = scene({ backoff: 1_000, jitter: 'none' })
    const controller = new AbortController()
    run([refused], { signal: controller.signal })
    await clock.advance(10)
    expect(said).toEqual([])
    controller.abort()
    expect([said, clock.armed()]).toEqual([['SLUICE_ABORTED'], 0])
    await clock.advance(60_000)
    expect([said, attempts.retries]).toEqual([['SLUICE_ABORTED'], 0])
  })

  test('leaves no listener on the signal behind', async () => {
    const { clock, run, said } = scene({ backoff: 100, jitter: 'none' })
    const controller = new AbortController()
    run([refused], { signal: controller.signal })
    await clock.advance(200)
    controller.abort()
    await settle()
    expect(said).toEqual(['rows'])
  })

  test('ends when the pool ends, and nothing is run again after that', async () => {
    const { attempts, calls, clock, run, said } = scene({ attempts: 5, backoff: 1_000, jitter: 'none' })
    run([refused, refused])
    run([refused])
    attempts.stop()
    expect([said, clock.armed()]).toEqual([['ECONNREFUSED', 'rows'], 0])
    run([refused])
    await clock.advance(60_000)
    expect(calls.length).toBe(5)
    expect(said).toEqual(['ECONNREFUSED', 'rows', 'ECONNREFUSED'])
  })
})

describe('the budget', () => {
  test('bounds the retries of many calls that fail together', async () => {
    const { attempts, calls, clock, run, said } = scene({ attempts: 10, backoff: 1, jitter: 'none' })
    for (let n = 0; n < 1_000; n++) run(Array.from({ length: 20 }, () => refused))
    await clock.advance(5_000)
    expect([attempts.retries, calls.length, said.length]).toEqual([250, 1_250, 1_000])
  })

  test('is not used up by calls that are not run again', async () => {
    const { budget, clock, run } = scene()
    for (let n = 0; n < 100; n++) run([coded('23505')])
    await clock.advance(100)
    expect(budget.left(clock.now())).toBe(70)
  })
})

describe('in front of a breaker', () => {
  const gated = (retry: RetryOptions | boolean) => {
    const clock = new ManualClock()
    const settings = readBreaker({ openFailures: 1, cooldownMillis: 1_000 })
    if (settings === undefined) throw new Error('no breaker')
    const breaker = new Breaker(
      settings,
      () => 0.999_999,
      () => undefined,
    )
    const pool = { state: 'running', numbers: {} as never, lastOpenFailure: undefined } as const
    return { breaker, ...scene(retry, new Gate(breaker, clock, () => pool), clock) }
  }

  test('a refused call is told so at once, and not run again', async () => {
    const { breaker, calls, clock, run, said } = gated(true)
    breaker.openFailed(0)
    run([])
    expect([said, calls.length]).toEqual([['SLUICE_BREAKER_OPEN'], 0])
    expect(clock.armed()).toBe(0)
  })

  test('a refused call is run again where retry.on says so, when the breaker lets it', async () => {
    const { askedAt, breaker, clock, run, said } = gated({
      on: ['SLUICE_BREAKER_OPEN'],
      backoff: 1,
      jitter: 'none',
    })
    breaker.openFailed(0)
    run([])
    await clock.advance(60_000)
    expect([said, askedAt, breaker.state]).toEqual([['rows'], [1_000], 'closed'])
  })

  test('a call that is aborted already is told that, and is no probe', async () => {
    const { breaker, clock, run, said } = gated(true)
    breaker.openFailed(0)
    await clock.advance(2_000)
    run([], { signal: AbortSignal.abort() })
    expect([said, breaker.state]).toEqual([['SLUICE_ABORTED'], 'open'])
  })

  test('each attempt counts for itself', async () => {
    const { breaker, clock, run } = gated({ backoff: 1, jitter: 'none' })
    run([refused, refused])
    await clock.advance(100)
    expect(breaker.stats(clock.now())).toMatchObject({ calls: 3, failures: 2 })
  })
})

test('without either option a call is started as it is, and nothing is kept of it', () => {
  const { attempts } = scene(false)
  const call = readCall({}, CONFIG)
  const told = () => undefined
  const got: unknown[] = []
  attempts.run(call, true, (...given) => got.push(...given), told)
  expect(attempts.areKept).toBe(false)
  expect(got).toEqual([call, told])
  expect([got[0] === call, got[1] === told]).toEqual([true, true])
})
