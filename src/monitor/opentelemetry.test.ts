import { describe, expect, test, vi } from 'vitest'
import { ManualClock, settle } from '../../test/support/manual-clock.ts'
import { operationOf, watchedPool } from '../../test/support/watched-pool.ts'
import type { Attributes, BatchResult, InstrumentOptions, Meter, Span, Tracer } from './opentelemetry/api.ts'
import { openTelemetry } from './opentelemetry.ts'

/** A meter that writes down what it is told. */
function fakeMeter() {
  const recorded: [string, number, Attributes | undefined][] = []
  const made = new Map<string, InstrumentOptions | undefined>()
  const names = new Map<object, string>()
  const callbacks = new Set<(result: BatchResult) => void>()
  const observable = (name: string, options?: InstrumentOptions) => {
    made.set(name, options)
    const instrument = { addCallback: () => undefined }
    names.set(instrument, name)
    return instrument
  }
  const meter: Meter = {
    createHistogram: (name, options) => {
      made.set(name, options)
      return { record: (value, attributes) => recorded.push([name, value, attributes]) }
    },
    createObservableCounter: observable,
    createObservableUpDownCounter: observable,
    addBatchObservableCallback: (callback) => callbacks.add(callback),
    removeBatchObservableCallback: (callback) => callbacks.delete(callback),
  }
  const collect = () => {
    const seen: [string, number, Attributes | undefined][] = []
    const observe: BatchResult['observe'] = (instrument, value, attributes) =>
      void seen.push([names.get(instrument) ?? '', value, attributes])
    for (const callback of callbacks) callback({ observe })
    return seen
  }
  return { callbacks, collect, made, meter, recorded }
}

function fakeTracer(isRecording = true) {
  const spans: {
    name: string
    kind: number | undefined
    attributes: Attributes
    status?: number
    ends: number
  }[] = []
  const tracer: Tracer = {
    startSpan: (name, { attributes = {}, kind } = {}) => {
      const seen: (typeof spans)[number] = { name, kind, attributes: { ...attributes }, ends: 0 }
      spans.push(seen)
      const span: Span = {
        isRecording: () => isRecording,
        setAttributes: (more) => Object.assign(seen.attributes, more),
        setStatus: ({ code }) => {
          seen.status = code
        },
        end: () => {
          seen.ends += 1
        },
      }
      return span
    },
  }
  return { spans, tracer }
}

describe('at a collection', () => {
  test('each pool is shown once, whatever the number of pools, with its numbers', () => {
    const web = watchedPool({
      idle: 2,
      leased: 3,
      shared: 1,
      checking: 1,
      cancelling: 1,
      min: 4,
      max: 9,
      waiting: 7,
      timeouts: 5,
    })
    const jobs = watchedPool({ opening: 2, closing: 3, max: 2 })
    const { collect, made, meter } = fakeMeter()
    openTelemetry({ web: web.pool, jobs: jobs.pool }, meter)
    const seen = collect().map(([name, value, attributes = {}]) => {
      const { 'db.client.connection.pool.name': pool, 'db.client.connection.state': state } = attributes
      return [
        name.replace('db.client.connection.', ''),
        pool,
        ...(state === undefined ? [] : [state]),
        value,
      ].join(' ')
    })
    expect(seen).toEqual([
      'count web idle 2',
      'count web used 6',
      'idle.max web 9',
      'idle.min web 4',
      'limit web 9',
      'max web 9',
      'pending_requests web 7',
      'timeouts web 5',
      'count jobs idle 0',
      'count jobs used 0',
      'idle.max jobs 2',
      'idle.min jobs 0',
      'limit jobs 2',
      'max jobs 2',
      'pending_requests jobs 0',
      'timeouts jobs 0',
    ])
    expect(made.size).toBe(11)
  })

  test('a pool that cannot be asked does not hide the others', async () => {
    const told = vi.fn<(error: unknown) => void>()
    const { collect, meter } = fakeMeter()
    const broken = { ...watchedPool().pool, stats: () => raise() }
    openTelemetry({ broken, well: watchedPool().pool }, meter, undefined, { onError: told })
    expect(collect()).toHaveLength(8)
    await settle()
    expect(told).toHaveBeenCalledOnce()
  })
})

test('times are recorded in seconds as they happen', () => {
  const { hooks, pool } = watchedPool()
  const { meter, recorded } = fakeMeter()
  openTelemetry(pool, meter)
  const lease = {} as never
  hooks.emit('opened', {}, 40)
  hooks.emit('acquired', lease, 20)
  hooks.emit('released', lease, undefined, 30)
  hooks.emit('answered', operationOf(), { millis: 1_500, error: undefined })
  const named = { 'db.client.connection.pool.name': 'default' }
  expect(recorded.slice(0, 3)).toEqual([
    ['db.client.connection.create_time', 0.04, named],
    ['db.client.connection.wait_time', 0.02, named],
    ['db.client.connection.use_time', 0.03, named],
  ])
  expect(recorded[3]?.slice(0, 2)).toEqual(['db.client.operation.duration', 1.5])
})

test('histograms are of seconds, with boundaries for seconds: those of the conventions where they have some', () => {
  const { made, meter } = fakeMeter()
  openTelemetry(watchedPool().pool, meter)
  const connection = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60]
  const histograms = [
    ['db.client.connection.create_time', connection],
    ['db.client.connection.wait_time', connection],
    ['db.client.connection.use_time', connection],
    ['db.client.operation.duration', [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]],
  ] as const
  for (const [name, explicitBucketBoundaries] of histograms)
    expect(made.get(name), name).toMatchObject({ unit: 's', advice: { explicitBucketBoundaries } })
  expect([...made.keys()].filter((name) => /time$|duration$/.test(name))).toHaveLength(histograms.length)
})

test('what is counted has the unit of the conventions', () => {
  const { made, meter } = fakeMeter()
  openTelemetry(watchedPool().pool, meter)
  const units = [...made].map(([name, options]) => [name, options?.unit] as const)
  expect(Object.fromEntries(units.filter(([, unit]) => unit !== 's'))).toEqual({
    'db.client.connection.count': '{connection}',
    'db.client.connection.idle.max': '{connection}',
    'db.client.connection.idle.min': '{connection}',
    'db.client.connection.limit': '{connection}',
    'db.client.connection.max': '{connection}',
    'db.client.connection.pending_requests': '{request}',
    'db.client.connection.timeouts': '{timeout}',
  })
})

test('the metric has a hundred summaries, unless said otherwise', () => {
  const { hooks, pool } = watchedPool()
  const { meter, recorded } = fakeMeter()
  openTelemetry(pool, meter)
  for (let n = 0; n < 120; n++)
    hooks.emit('answered', operationOf({ summary: `SELECT t${n}` }), { millis: 1, error: undefined })
  const seen = new Set(recorded.map(([, , attributes]) => attributes?.['db.query.summary']))
  expect(seen.size).toBe(101)
  expect(seen).toContain('_OTHER')
})

test('the server stands on operations, of each pool its own', () => {
  const web = watchedPool()
  const jobs = watchedPool()
  const { meter, recorded } = fakeMeter()
  const server = (name: string) => ({ address: `${name}.example`, port: 6432, namespace: 'app' })
  openTelemetry({ web: web.pool, jobs: jobs.pool }, meter, undefined, { server })
  jobs.hooks.emit('answered', operationOf(), { millis: 1, error: undefined })
  expect(recorded[0]?.[2]).toMatchObject({
    'db.system.name': 'postgresql',
    'server.address': 'jobs.example',
    'server.port': 6432,
    'db.namespace': 'app',
  })
})

test('the server may be another than Postgres, at any port that there is', () => {
  const { hooks, pool } = watchedPool()
  const { meter, recorded } = fakeMeter()
  openTelemetry(pool, meter, undefined, { server: { system: 'redis', port: 65_535 } })
  hooks.emit('answered', operationOf(), { millis: 1, error: undefined })
  expect(recorded[0]?.[2]).toMatchObject({ 'db.system.name': 'redis', 'server.port': 65_535 })
  const beyond = { server: { port: 65_536 } }
  expect(() => openTelemetry(pool, meter, undefined, beyond)).toThrow('port must be a whole number from 1 to')
})

describe('spans', () => {
  test('one is a client, begins with its attributes and ends with its caller being told', () => {
    const { hooks, pool } = watchedPool()
    const { spans, tracer } = fakeTracer()
    const telemetry = openTelemetry(pool, fakeMeter().meter, tracer)
    const operation = operationOf()
    hooks.emit('asked', operation)
    expect(spans).toMatchObject([
      { name: 'SELECT users', kind: 2, ends: 0, attributes: { 'db.query.text': operation.text } },
    ])
    hooks.emit('answered', operation, { millis: 1, error: undefined })
    expect(spans).toMatchObject([{ ends: 1 }])
    telemetry.stop()
    expect(spans).toMatchObject([{ ends: 1 }])
    expect(spans[0]).not.toHaveProperty('status')
  })

  test('one that failed has the status of an error and its code, never its text', () => {
    const { hooks, pool } = watchedPool()
    const { spans, tracer } = fakeTracer()
    openTelemetry(pool, fakeMeter().meter, tracer)
    const operation = operationOf()
    hooks.emit('asked', operation)
    hooks.emit('answered', operation, {
      millis: 1,
      error: Object.assign(new Error('s3cr3t'), { code: '22P02' }),
    })
    expect(spans).toMatchObject([{ status: 2, ends: 1, attributes: { 'error.type': '22P02' } }])
    expect(JSON.stringify(spans)).not.toContain('s3cr3t')
  })

  test('of one that nobody records nothing is kept', () => {
    const { hooks, pool } = watchedPool()
    const { spans, tracer } = fakeTracer(false)
    const telemetry = openTelemetry(pool, fakeMeter().meter, tracer)
    hooks.emit('asked', operationOf())
    telemetry.stop()
    expect(spans).toMatchObject([{ ends: 0 }])
  })

  test('stop() ends those of what is under way, once', () => {
    const { attached, hooks, pool } = watchedPool()
    const { spans, tracer } = fakeTracer()
    const telemetry = openTelemetry(pool, fakeMeter().meter, tracer)
    const operation = operationOf()
    hooks.emit('asked', operation)
    telemetry.stop()
    telemetry.stop()
    hooks.emit('answered', operation, { millis: 1, error: undefined })
    expect(spans).toMatchObject([{ ends: 1 }])
    expect(attached.size).toBe(0)
  })

  test('without a tracer nobody listens for what is asked', () => {
    const attach = vi.fn<(hooks: object) => () => void>(() => () => undefined)
    openTelemetry({ ...watchedPool().pool, attach }, fakeMeter().meter)
    expect(attach).toHaveBeenCalledOnce()
    expect(attach.mock.calls[0]?.[0]).not.toHaveProperty('asked')
  })
})

test('after stop() no collection shows the pool', () => {
  const { callbacks, collect, meter } = fakeMeter()
  const telemetry = openTelemetry(watchedPool().pool, meter)
  expect(collect()).toHaveLength(8)
  telemetry.stop()
  expect(callbacks.size).toBe(0)
})

test('a meter and a tracer that throw reach onError once a minute, and the pool never', async () => {
  const clock = new ManualClock()
  const told = vi.fn<(error: unknown) => void>()
  const { hooks, pool } = watchedPool()
  const meter: Meter = { ...fakeMeter().meter, createHistogram: () => ({ record: raise }) }
  const telemetry = openTelemetry(pool, meter, { startSpan: raise }, { onError: told }, { clock })
  for (let n = 0; n < 100; n++) {
    const operation = operationOf()
    hooks.emit('asked', operation)
    hooks.emit('answered', operation, { millis: 1, error: undefined })
  }
  await settle()
  expect(told.mock.calls).toEqual([[new Error('no')]])
  expect(telemetry.failures).toBe(200)
  await clock.advance(60_000)
  hooks.emit('opened', {}, 1)
  await settle()
  expect(told).toHaveBeenCalledTimes(2)
})

test.each([
  [
    () => openTelemetry(watchedPool().pool, {} as never),
    'openTelemetry() takes a meter; what it got has no createHistogram()',
  ],
  [
    () => openTelemetry(watchedPool().pool, fakeMeter().meter, 7 as never),
    'openTelemetry() takes a tracer; it got 7',
  ],
  [
    () => openTelemetry(watchedPool().pool, fakeMeter().meter, undefined, { summaries: 1_001 }),
    'summaries must be a whole number from 0 to 1,000; it is 1001',
  ],
  [
    () =>
      openTelemetry(watchedPool().pool, fakeMeter().meter, undefined, {
        server: { address: 'postgres://u:p@h/d' },
      }),
    'address must be a host, without user and password; it looks like a connection string',
  ],
  [
    () =>
      openTelemetry(watchedPool().pool, fakeMeter().meter, undefined, { server: { adress: 'h' } as never }),
    'adress is not an option of server of openTelemetry(); did you mean address?',
  ],
  [() => openTelemetry({}, fakeMeter().meter), 'openTelemetry() was given no pool'],
])('what it cannot use is refused, and nothing is attached: %#', (ask, sentence) => {
  expect(ask).toThrow(sentence)
})

function raise(): never {
  throw new Error('no')
}
