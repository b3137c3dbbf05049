import { describe, expect, test, vi } from 'vitest'
import { ManualClock, settle } from '../../test/support/manual-clock.ts'
import { watchedPool } from '../../test/support/watched-pool.ts'
import type { CloudWatchClient, PutMetricDataInput } from './cloudwatch/client.ts'
import type { CloudWatchOptions } from './cloudwatch/options.ts'
import { cloudWatch } from './cloudwatch.ts'

const MINUTE = 60_000

/** An exporter of one pool, and a client that does what `answer` says. */
function exported(given: Partial<CloudWatchOptions> = {}) {
  const clock = new ManualClock()
  const sent: PutMetricDataInput[] = []
  const state = { answer: (): Promise<unknown> => Promise.resolve() }
  const signals: (AbortSignal | undefined)[] = []
  const client: CloudWatchClient = {
    putMetricData: (input, options) => {
      sent.push(input)
      signals.push(options?.abortSignal)
      return state.answer()
    },
  }
  const { numbers, pool } = watchedPool({ total: 5, idle: 2, waiting: 3, utilization: 30 })
  const told = vi.fn<(error: unknown) => void>()
  const surroundings = { clock, random: () => 1 }
  const options = { namespace: 'Shop', onError: told, ...given }
  const exporter = cloudWatch({ web: pool }, client, options, surroundings)
  return { clock, exporter, numbers, sent, signals, state, told }
}

const throttled = () =>
  Promise.reject(Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' }))

test('once a minute the pool is looked at, and its four values are sent', async () => {
  const { clock, numbers, sent } = exported({ dimensions: { Service: 'shop' } })
  await clock.advance(MINUTE - 1)
  expect(sent).toEqual([])
  await clock.advance(1)
  const common = {
    Dimensions: [
      { Name: 'PoolName', Value: 'web' },
      { Name: 'Service', Value: 'shop' },
    ],
    Timestamp: new Date(clock.epoch()),
  }
  expect(sent).toEqual([
    {
      Namespace: 'Shop',
      MetricData: [
        { MetricName: 'PoolTotalCount', Value: 5, Unit: 'Count', ...common },
        { MetricName: 'PoolIdleCount', Value: 2, Unit: 'Count', ...common },
        { MetricName: 'PoolWaitingCount', Value: 3, Unit: 'Count', ...common },
        { MetricName: 'PoolUtilization', Value: 30, Unit: 'Percent', ...common },
      ],
    },
  ])
  Object.assign(numbers, { idle: 4 })
  await clock.advance(MINUTE)
  expect(sent[1]?.MetricData[1]?.Value).toBe(4)
})

test('many pools go in requests of a thousand values', async () => {
  const clock = new ManualClock()
  const sizes: number[] = []
  const client: CloudWatchClient = {
    putMetricData: async ({ MetricData }) => void sizes.push(MetricData.length),
  }
  const pools = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`p${n}`, watchedPool().pool]))
  const exporter = cloudWatch(pools, client, { namespace: 'Shop' }, { clock })
  await exporter.flush()
  expect(sizes).toEqual([1_000, 200])
  expect(exporter.stats()).toEqual({ sent: 1_200, waiting: 0, dropped: 0, failures: 0 })
})

test('the timer keeps no process up, and neither does a request', async () => {
  const { clock, state } = exported()
  state.answer = () => new Promise(() => undefined)
  expect([clock.armed('all'), clock.armed('held')]).toEqual([1, 0])
  await clock.advance(MINUTE)
  expect([clock.armed('all'), clock.armed('held')]).toEqual([2, 0])
})

describe('where sending fails', () => {
  test('values are kept, tries get rarer, and all arrive in their order', async () => {
    const { clock, exporter, sent, state, told } = exported()
    state.answer = throttled
    await clock.advance(MINUTE)
    const tries: number[] = []
    // With the longest jitter: 1, 2, 4, 8 and 16 seconds later.
    for (let second = 1; second <= 40; second++) {
      const before = sent.length
      await clock.advance(1_000)
      if (sent.length > before) tries.push(second)
    }
    expect(tries).toEqual([1, 3, 7, 15, 31])
    expect(exporter.stats()).toMatchObject({ sent: 0, waiting: 4, dropped: 0, failures: 6 })
    expect(told).toHaveBeenCalledOnce()
    state.answer = () => Promise.resolve()
    await clock.advance(MINUTE)
    expect(exporter.stats()).toMatchObject({ sent: 8, waiting: 0, dropped: 0 })
    expect(clock.armed()).toBe(1)
  })

  test('there is never more than five minutes between tries, and after a success the first is a second later again', async () => {
    const { clock, sent, state } = exported()
    state.answer = throttled
    await clock.advance(60 * MINUTE)
    const before = sent.length
    await clock.advance(30 * MINUTE)
    expect(sent.length - before).toBe(6)
    state.answer = () => Promise.resolve()
    await clock.advance(6 * MINUTE)
    state.answer = throttled
    await clock.advance(MINUTE)
    const after = sent.length
    await clock.advance(1_000)
    expect(sent.length).toBe(after + 1)
  })

  test('sixty looks are kept, and what is older is dropped and counted', async () => {
    const { clock, exporter, state } = exported()
    state.answer = throttled
    await clock.advance(100 * MINUTE)
    expect(exporter.stats()).toMatchObject({ waiting: 240, dropped: 160 })
  })

  test('what CloudWatch refuses is dropped, and does not stand in the way of the rest', async () => {
    const { clock, exporter, state } = exported()
    state.answer = () =>
      Promise.reject(Object.assign(new Error('no'), { name: 'InvalidParameterValueException' }))
    await clock.advance(MINUTE)
    expect(exporter.stats()).toMatchObject({ sent: 0, waiting: 0, dropped: 4, failures: 1 })
    state.answer = () => Promise.resolve()
    await clock.advance(MINUTE)
    expect(exporter.stats()).toMatchObject({ sent: 4, dropped: 4 })
  })

  test('a request that gets no answer ends at its deadline, and its signal aborts', async () => {
    const { clock, exporter, signals, state } = exported({ timeoutMillis: 3_000 })
    state.answer = () => new Promise(() => undefined)
    await clock.advance(MINUTE)
    expect(signals[0]?.aborted).toBe(false)
    await clock.advance(3_000)
    expect(signals[0]?.aborted).toBe(true)
    expect(exporter.stats()).toMatchObject({ waiting: 4, failures: 1 })
  })

  test('a client that throws at once is a failure as any other', async () => {
    const { clock, exporter, state, told } = exported()
    state.answer = () => {
      throw new Error('no region')
    }
    await clock.advance(MINUTE)
    expect(exporter.stats()).toMatchObject({ waiting: 4, failures: 1 })
    expect(told).toHaveBeenCalledWith(new Error('no region'))
  })
})

describe('flush()', () => {
  test('sends what is there now, also while tries are put off', async () => {
    const { clock, exporter, state } = exported()
    state.answer = throttled
    await clock.advance(MINUTE)
    state.answer = () => Promise.resolve()
    await exporter.flush()
    expect(exporter.stats()).toMatchObject({ sent: 8, waiting: 0 })
    expect(clock.armed()).toBe(1)
  })

  test('that succeeds ends the putting off', async () => {
    const { clock, exporter, state } = exported()
    state.answer = throttled
    await clock.advance(20 * MINUTE)
    state.answer = () => Promise.resolve()
    await exporter.flush()
    const { sent } = exporter.stats()
    await clock.advance(MINUTE)
    expect(exporter.stats().sent).toBe(sent + 4)
  })

  test('tries for itself where the request that was under way fails', async () => {
    const { clock, exporter, state } = exported({ timeoutMillis: 3_000 })
    let fail: (error: Error) => void = () => undefined
    state.answer = () => new Promise((_, reject) => (fail = reject))
    await clock.advance(MINUTE)
    state.answer = () => Promise.resolve()
    const flushed = exporter.flush()
    fail(new Error('no'))
    await flushed
    expect(exporter.stats()).toMatchObject({ sent: 8, waiting: 0, failures: 1 })
  })

  test('never rejects', async () => {
    const { exporter, state, told } = exported()
    state.answer = throttled
    await exporter.flush()
    await settle()
    expect(exporter.stats()).toMatchObject({ waiting: 4, failures: 1 })
    expect(told).toHaveBeenCalledOnce()
  })
})

describe('stop()', () => {
  test('sends once more, then nothing happens', async () => {
    const { clock, exporter, sent } = exported()
    await Promise.all([exporter.stop(), exporter.stop()])
    expect(sent).toHaveLength(1)
    expect(clock.armed()).toBe(0)
    await exporter.flush()
    await clock.advance(10 * MINUTE)
    expect(sent).toHaveLength(1)
  })

  test('ends in time where nobody answers, and counts what it leaves', async () => {
    const { clock, exporter, sent, signals, state } = exported({ timeoutMillis: 3_000 })
    state.answer = () => new Promise(() => undefined)
    await clock.advance(MINUTE)
    const stopped = exporter.stop()
    await clock.advance(3_000)
    await stopped
    expect(signals.every((signal) => signal?.aborted)).toBe(true)
    expect(exporter.stats()).toMatchObject({ sent: 0, waiting: 0, dropped: 8 })
    const before = sent.length
    await clock.advance(10 * MINUTE)
    expect([sent.length, clock.armed()]).toEqual([before, 0])
  })

  test('sends nothing more where it waited for a request that was under way', async () => {
    const clock = new ManualClock()
    const answers: (() => void)[] = []
    const client: CloudWatchClient = {
      putMetricData: () => new Promise<void>((resolve) => answers.push(resolve)),
    }
    const pools = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`p${n}`, watchedPool().pool]))
    const exporter = cloudWatch(pools, client, { namespace: 'Shop', timeoutMillis: 3_000 }, { clock })
    await clock.advance(MINUTE)
    const stopped = exporter.stop()
    // What is under way takes two requests: the time is over in the middle of the second.
    await clock.advance(2_000)
    answers[0]?.()
    await clock.advance(1_000)
    await stopped
    expect(exporter.stats()).toMatchObject({ sent: 1_000, waiting: 0, failures: 1 })
    await clock.advance(10 * MINUTE)
    expect([answers.length, clock.armed()]).toEqual([2, 0])
  })

  test('gives up what could not be sent', async () => {
    const { clock, exporter, state } = exported()
    state.answer = throttled
    await exporter.stop()
    expect(exporter.stats()).toMatchObject({ sent: 0, waiting: 0, dropped: 4, failures: 1 })
    expect(clock.armed()).toBe(0)
  })
})

test('a pool that cannot be asked does not hide the others, and one that has ended is not shown', async () => {
  const sent: PutMetricDataInput[] = []
  const client: CloudWatchClient = { putMetricData: async (input) => void sent.push(input) }
  const broken = {
    ...watchedPool().pool,
    stats: () => {
      throw new Error('no')
    },
  }
  const pools = { broken, well: watchedPool().pool, gone: watchedPool({ state: 'ended' }).pool }
  await cloudWatch(pools, client, { namespace: 'Shop' }, { clock: new ManualClock() }).flush()
  const names = sent.flatMap(({ MetricData }) => MetricData.map(({ Dimensions }) => Dimensions[0]?.Value))
  expect(new Set(names)).toEqual(new Set(['well']))
})

const refused: [Partial<CloudWatchOptions>, string][] = [
  [{ namespace: undefined as never }, 'namespace is missing: what the metrics stand under'],
  [
    { namespace: ':a' },
    'namespace must be 1 to 255 printable ASCII characters, the first no colon; it is ":a"',
  ],
  [{ namespace: 'AWS/RDS' }, 'namespace must not begin with AWS/, which is kept for AWS; it is "AWS/RDS"'],
  [{ everyMillis: 999 }, 'everyMillis must be a number from 1,000 to 3,600,000 (milliseconds); it is 999'],
  [{ dimensions: { Service: ' ' } }, 'the dimension Service must be 1 to 1,024 printable ASCII characters'],
  [
    { dimensions: { Dienst: 'Bücher' } },
    'the dimension Dienst must be 1 to 1,024 printable ASCII characters',
  ],
  [{ dimensions: { PoolName: 'x' } }, 'dimensions has PoolName, which is the name of the pool'],
  [
    { dimensions: Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`d${n}`, 'x'])) },
    'dimensions must be at most 29; they are 30',
  ],
  [{ nameSpace: 'x' } as never, 'nameSpace is not an option of cloudWatch(); did you mean namespace?'],
]
test.each(refused)('what CloudWatch would not take is refused at once: %j', (options, sentence) => {
  const clock = new ManualClock()
  const client: CloudWatchClient = { putMetricData: () => Promise.resolve() }
  const given = { namespace: 'Shop', ...options }
  expect(() => cloudWatch(watchedPool().pool, client, given, { clock })).toThrow(sentence)
  expect(clock.armed()).toBe(0)
})

test('a client without the method, and a name of a pool that cannot be a dimension, are refused', () => {
  const client: CloudWatchClient = { putMetricData: () => Promise.resolve() }
  expect(() => cloudWatch(watchedPool().pool, {} as never, { namespace: 'Shop' })).toThrow(
    'cloudWatch() takes the CloudWatch of the AWS SDK; what it got has no putMetricData()',
  )
  expect(() => cloudWatch({ Büro: watchedPool().pool }, client, { namespace: 'Shop' })).toThrow(
    'the dimension PoolName must be 1 to 1,024 printable ASCII characters',
  )
})
