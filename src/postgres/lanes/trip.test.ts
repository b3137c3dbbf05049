// One call's statement over lanes whose server is worked by hand: what its caller is told, and when it is sent once more.
import { describe, expect, test } from 'vitest'
import { handPool } from '../../../test/support/hand-pool.ts'
import type { HandSocket } from '../../../test/support/hand-server.ts'
import { settle } from '../../../test/support/manual-clock.ts'
import { errorResponse } from '../../../test/support/wire.ts'
import { SluiceError } from '../../base/errors.ts'
import { within } from '../../base/within.ts'
import type { PoolOptions } from '../../core/options.ts'
import type { QueryResult } from '../driver.ts'
import type { Owner, Statement } from './flight.ts'
import type { Lane } from './lane.ts'
import { Lanes } from './lanes.ts'
import { nameOf } from './names.ts'
import { Texts } from './texts.ts'
import type { Cargo, TripParts } from './trip.ts'
import { hasRun, Trip, takeOff } from './trip.ts'

const SELECT = 'SELECT $1'
const NAME = nameOf(SELECT)

type Failure = Error & { code?: string; outcome?: string; phase?: string }

interface Told {
  times: number
  error: Failure | undefined
  rows: unknown
}

interface Asked extends Partial<Omit<Cargo, 'statement'>> {
  readonly text?: never
  readonly sql?: string
  readonly values?: readonly string[] | null
  /** How often it was asked for, this time included. */
  readonly seen?: number
}

const KNOWN: TripParts['knowledge'] = { isRecognised: true, recognise: (_, then) => then() }

interface Ways extends PoolOptions {
  readonly stallMillis?: number
  readonly knowledge?: TripParts['knowledge']
}

function house({ stallMillis = 50, knowledge = KNOWN, ...options }: Ways = {}) {
  const pool = handPool(options)
  const { checkout, clock, engine, lend, namesOf, sessions } = pool
  const texts = new Texts()
  const lanes = new Lanes({
    engine,
    clock,
    depth: 100,
    stallMillis,
    roundTrip: () => 0,
    namesOf,
    cancelOnce: (client) => within(clock, 1_000, (signal) => sessions.cancelOnce(client, signal)),
    isFit: (client) => sessions.isFit(client),
    mayBegin: () => true,
  })
  const alone: string[] = []
  const parts: TripParts = {
    clock,
    lanes,
    texts,
    checkout,
    stallMillis,
    numbers: () => engine.numbers(),
    knowledge,
    alone: (lease, cargo, answer) => {
      alone.push(cargo.statement.text)
      aloneAnswers.push(() => {
        lease.release()
        answer(undefined, { rows: ['alone'] } as unknown as QueryResult)
      })
    },
  }
  const aloneAnswers: (() => void)[] = []
  const cargoOf = ({ sql = SELECT, values: given = ['1'], seen = 2, ...rest }: Asked = {}): Cargo => {
    const values = given ?? undefined
    const text = texts.of(sql)
    text.seen = seen
    const statement: Statement = { text: sql, values, name: undefined, rowMode: undefined, types: undefined }
    const pace = texts.paceOf(text, values)
    return { statement, text, pace, prepare: true, idempotent: false, isSimple: false, ...rest }
  }
  const begin = (asked?: Asked): { trip: Trip; told: Told } => {
    const told: Told = { times: 0, error: undefined, rows: undefined }
    const trip = new Trip(parts, cargoOf(asked), {}, (error, result) => {
      told.times += 1
      told.error = error
      told.rows = result?.rows
    })
    return { trip, told }
  }
  /** Puts a statement on a lane. */
  const board = (lane: Lane, asked?: Asked) => {
    const one = begin(asked)
    one.trip.board(lane)
    return one
  }
  const open = async () => lanes.on(await lend({ use: 'shared' })) as Lane
  const socketOf = ({ client }: Lane) =>
    (client as unknown as { connection: { stream: HandSocket } }).connection.stream
  return { ...pool, alone, aloneAnswers, begin, board, cargoOf, lanes, open, socketOf, texts }
}

/** Statements of that kind on one lane, sent. */
async function sent(count: number, asked?: Asked, options?: Parameters<typeof house>[0]) {
  const parts = house(options)
  const lane = await parts.open()
  const all = Array.from({ length: count }, () => parts.board(lane, asked))
  const socket = parts.socketOf(lane)
  socket.said()
  await settle()
  return { ...parts, lane, socket, trips: all.map(({ trip }) => trip), told: all.map(({ told }) => told) }
}

describe('a statement takes off', () => {
  const owner: Owner = { landed: () => undefined }

  async function takenOff(asked: Asked & { name?: string }, unnamed?: boolean) {
    const { cargoOf, open, socketOf } = house()
    const lane = await open()
    const { name, ...rest } = asked
    const cargo = cargoOf(rest)
    const flight = takeOff({ ...cargo, statement: { ...cargo.statement, name } }, lane.names, owner, unnamed)
    const socket = socketOf(lane)
    socket.said()
    lane.client.query(flight as never)
    return [flight.name, socket.said()[0]]
  }

  test('under the name of its text once it has come before', async () => {
    expect(await takenOff({ seen: 1 })).toEqual([undefined, `parse: ${SELECT}`])
    expect(await takenOff({ seen: 2 })).toEqual([NAME, `parse ${NAME}: ${SELECT}`])
  })

  test('plainly where it has neither values nor a name', async () => {
    expect(await takenOff({ values: null, seen: 1 })).toEqual([undefined, `query: ${SELECT}`])
    expect(await takenOff({ values: [], seen: 1 })).toEqual([undefined, `query: ${SELECT}`])
    expect((await takenOff({ values: [], seen: 2 }))[0]).toBe(NAME)
  })

  test('under the name that its caller has given, the first time too', async () => {
    expect(await takenOff({ name: 'own', seen: 1 })).toEqual(['own', `parse own: ${SELECT}`])
    expect(await takenOff({ name: 'own', seen: 9, prepare: false })).toEqual(['own', `parse own: ${SELECT}`])
  })

  test('without a name where nothing is to be prepared, or the name has failed', async () => {
    expect((await takenOff({ prepare: false }))[0]).toBeUndefined()
    expect((await takenOff({}, true))[0]).toBeUndefined()
    expect((await takenOff({ name: 'own' }, true))[0]).toBeUndefined()
  })

  test('plainly where it is known to be several', async () => {
    const { cargoOf, open } = house()
    const lane = await open()
    const cargo = cargoOf({ values: null })
    cargo.text.isSeveral = true
    expect(takeOff(cargo, lane.names, owner).name).toBeUndefined()
  })
})

describe('what a lane should reckon with', () => {
  test('is what the statement is expected to take, with a doubt while it is new', async () => {
    const { board, cargoOf, open } = house()
    const lane = await open()
    cargoOf().pace.times.record(2, 0)
    board(lane)
    expect(lane.expected).toBe(12)
  })

  test('is without doubt where its caller says that it is short', async () => {
    const { board, cargoOf, open } = house()
    const lane = await open()
    cargoOf().pace.times.record(2, 0)
    board(lane, { isSimple: true })
    expect(lane.expected).toBe(2)
  })

  test('is never nothing', async () => {
    const { board, cargoOf, open } = house()
    const lane = await open()
    cargoOf().pace.times.record(0, 0)
    board(lane, { isSimple: true })
    expect(lane.expected).toBe(0.01)
  })
})

describe('an answer', () => {
  test('reaches its caller, and its time is noted with its size', async () => {
    const { cargoOf, clock, socket, told } = await sent(1)
    await clock.advance(3)
    await socket.answer({ rows: [['123']] })
    expect(told).toEqual([{ times: 1, error: undefined, rows: [{ n: 123 }] }])
    expect(cargoOf().pace.times).toMatchObject({ runs: 1, mean: 3, size: 3 })
  })

  test('that is an error of its own reaches its caller as it is, and is noted as a run', async () => {
    const { cargoOf, socket, told } = await sent(1)
    await socket.refuse({ code: '22012', message: 'division by zero' })
    expect([told[0]?.error?.code, told[0]?.times, cargoOf().pace.times.runs]).toEqual(['22012', 1, 1])
    expect(cargoOf().text.isSeveral).toBe(false)
  })

  test('counts as sent from when it was sent', async () => {
    const { board, open } = house()
    const { trip } = board(await open())
    expect(trip.isSent).toBe(false)
    await settle()
    expect(trip.isSent).toBe(true)
  })

  test('lets others join that wait to share', async () => {
    const { begin, checkout, engine, lane, socket } = await sent(1, undefined, { max: 1 })
    const next = begin()
    checkout.request({ use: 'shared' }, (_, lease) => lease && next.trip.boardOn(lease))
    expect(engine.sharing.waiting).toBe(1)
    await socket.answer()
    expect([engine.sharing.waiting, lane.depth]).toEqual([0, 1])
  })
})

describe('a connection that ends', () => {
  test('gives its first caller its own error, and the others the loss, with an outcome that nobody knows', async () => {
    const { socket, told } = await sent(3)
    socket.destroy()
    await settle()
    await settle()
    expect(told[0]?.error).toMatchObject({ message: 'Connection terminated unexpectedly' })
    expect(SluiceError.is(told[0]?.error)).toBe(false)
    for (const { error, times } of told.slice(1)) {
      expect([times, error]).toMatchObject([
        1,
        { code: 'SLUICE_CONNECTION_LOST', outcome: 'unknown', phase: 'query' },
      ])
      expect(error?.message).toContain(
        'Connection terminated unexpectedly; the statement may have taken effect',
      )
    }
  })

  test('by the server’s word gives that word to its first caller only', async () => {
    const { socket, told } = await sent(2)
    socket.skip()
    await socket.say(errorResponse({ code: '57P01', severity: 'FATAL', message: 'by an administrator' }))
    socket.destroy()
    await settle()
    await settle()
    expect(told.map(({ error }) => error?.code)).toEqual(['57P01', 'SLUICE_CONNECTION_LOST'])
  })
})

describe('a statement that the connection has forgotten', () => {
  test('is sent once more without a name, and its caller hears nothing of it', async () => {
    const { socket, told } = await sent(1)
    socket.said()
    await socket.refuse({ code: '26000' })
    expect([told[0]?.times, socket.said()[0]]).toEqual([0, `parse: ${SELECT}`])
    await socket.answer({ rows: [['7']] })
    expect(told[0]).toEqual({ times: 1, error: undefined, rows: [{ n: 7 }] })
  })

  test('is closed where the server has another one of that name', async () => {
    const { socket, told } = await sent(1)
    socket.said()
    await socket.refuse({ code: '42P05' })
    expect(socket.said().slice(0, 2)).toEqual([`close ${NAME}`, `parse: ${SELECT}`])
    await socket.answer({ rows: [['7']] })
    expect(told[0]?.rows).toEqual([{ n: 7 }])
  })

  test('is sent once more and not twice', async () => {
    const { socket, told } = await sent(1)
    await socket.refuse({ code: '42P05', message: 'refused 1' })
    await socket.refuse({ code: '42P05', message: 'refused 2' })
    expect([told[0]?.times, told[0]?.error?.message, socket.waiting]).toEqual([1, 'refused 2', 0])
  })

  test('is sent elsewhere where its lane takes no more', async () => {
    const { lane, open, socket, socketOf, told } = await sent(1)
    const other = await open()
    lane.retire()
    await socket.refuse({ code: '26000' })
    await settle()
    expect([socket.waiting, socketOf(other).waiting]).toEqual([0, 1])
    await socketOf(other).answer({ rows: [['7']] })
    expect(told[0]?.rows).toEqual([{ n: 7 }])
  })

  test('is not sent for a caller who has gone, here or elsewhere', async () => {
    const { engine, lane, server, socket, trips } = await sent(2)
    trips[0]?.abandon()
    socket.said()
    await socket.refuse({ code: '26000' })
    expect([lane.isKept, socket.said(), engine.sharing.waiting, server.sockets.length]).toEqual([
      false,
      [],
      0,
      1,
    ])
  })

  test('has run once when it was sent twice', async () => {
    const { cargoOf, socket } = await sent(1)
    await socket.refuse({ code: '26000' })
    await socket.answer()
    expect(cargoOf().pace.times.runs).toBe(1)
  })

  test('is none of those that have run', async () => {
    const { socket, told } = await sent(1)
    await socket.refuse({ code: '23505', message: 'twice' })
    expect([told[0]?.error?.message, socket.waiting]).toEqual(['twice', 0])
  })
})

test('a text that turns out to be several is known for that, and not prepared again', async () => {
  const { socket, texts, told } = await sent(1, { values: null })
  await socket.refuse({ code: '42601', message: 'cannot insert multiple commands into a prepared statement' })
  expect([told[0]?.error?.code, texts.of(SELECT).isSeveral]).toEqual(['42601', true])
})

describe('a cancellation that was meant for another', () => {
  /** As if a request to cancel something on that lane were under way. */
  const aimAt = (lane: Lane) => Object.defineProperty(lane, 'isAimedAt', { value: true })

  async function hit(idempotent: boolean, isAimedAt: boolean) {
    const parts = await sent(2, { idempotent })
    if (isAimedAt) aimAt(parts.lane)
    await parts.socket.refuse({ code: '57014', message: 'canceling' })
    return parts
  }

  test('has the statement run again where running it twice does no harm', async () => {
    const { socket, told } = await hit(true, true)
    expect([told[0]?.times, socket.waiting]).toEqual([0, 2])
    await socket.answer({ rows: [['1']] })
    await socket.answer({ rows: [['7']] })
    expect(told.map(({ rows }) => rows)).toEqual([[{ n: 7 }], [{ n: 1 }]])
  })

  test('is told when it has hit the statement three times', async () => {
    const { lane, socket, told } = await sent(1, { idempotent: true })
    aimAt(lane)
    for (let n = 1; n <= 3; n++) {
      expect(told[0]?.times).toBe(0)
      await socket.refuse({ code: '57014', message: `canceling ${n}` })
    }
    expect([told[0]?.error?.message, socket.waiting]).toEqual(['canceling 3', 0])
  })

  test('is counted, and a move to another lane is not', async () => {
    const { board, open, socketOf } = house()
    const lanes = [await open(), await open(), await open()]
    const { told } = board(lanes[0] as Lane, { idempotent: true })
    const carrying = () => lanes.find(({ depth }) => depth === 1) as Lane
    for (let moves = 0; moves < 2; moves++) carrying().close()
    const last = carrying()
    await settle()
    aimAt(last)
    await socketOf(last).refuse({ code: '57014', message: 'canceling' })
    await socketOf(last).answer({ rows: [['7']] })
    expect(told).toEqual({ times: 1, error: undefined, rows: [{ n: 7 }] })
  })

  test('is told where running it twice may do harm', async () => {
    const { socket, told } = await hit(false, true)
    expect([told[0]?.error?.message, socket.waiting]).toEqual(['canceling', 1])
  })

  test('is none where no cancellation of ours is under way', async () => {
    const { socket, told } = await hit(true, false)
    expect([told[0]?.error?.message, socket.waiting]).toEqual(['canceling', 1])
  })
})

describe('a statement whose lane closes before it is sent', () => {
  async function closed(options: PoolOptions = {}) {
    const parts = house(options)
    const lane = await parts.open()
    const other = options.max === 1 ? undefined : await parts.open()
    const one = parts.board(lane)
    lane.close()
    return { ...parts, ...one, lane, other }
  }

  test('goes by another lane', async () => {
    const { other, socketOf, told } = await closed()
    await settle()
    await socketOf(other as Lane).answer({ rows: [['7']] })
    expect(told).toEqual({ times: 1, error: undefined, rows: [{ n: 7 }] })
  })

  test('waits for another place where there is none, and is not sent meanwhile', async () => {
    const { engine, lane, server, socketOf, told, trip } = await closed({ max: 1 })
    expect([engine.sharing.waiting, trip.isSent]).toEqual([1, false])
    lane.settle()
    for (let n = 0; n < 5; n++) await settle()
    expect([engine.sharing.waiting, trip.isSent, server.sockets.length]).toEqual([0, true, 1])
    await socketOf(lane).answer({ rows: [['7']] })
    expect(told.rows).toEqual([{ n: 7 }])
  })

  test('is told what its wait has come to', async () => {
    const { clock, told } = await closed({ max: 1, acquireTimeoutMillis: 100 })
    await clock.advance(100)
    expect([told.times, told.error?.code]).toEqual([1, 'SLUICE_ACQUIRE_TIMEOUT'])
  })

  test('waits no longer than its caller does', async () => {
    const { clock, engine, told, trip } = await closed({ max: 1 })
    trip.abandon()
    expect(engine.sharing.waiting).toBe(0)
    await clock.advance(60_000)
    expect(told.times).toBe(0)
  })
})

describe('a connection that cannot carry a lane', () => {
  async function aboard() {
    const parts = house({ max: 1 })
    const lease = await parts.lend({ use: 'shared' })
    Object.assign(lease.resource, { pipeline: undefined })
    const one = parts.begin()
    one.trip.boardOn(lease)
    return { ...parts, ...one, lease }
  }

  test('is the statement’s own', async () => {
    const { alone, aloneAnswers, told, trip } = await aboard()
    expect([alone, trip.isSent]).toEqual([[SELECT], true])
    aloneAnswers[0]?.()
    expect([told.rows, trip.isSent]).toEqual([['alone'], false])
  })

  test('is the statement’s own too where nobody would say what the endpoint is', async () => {
    const { alone, begin, lend } = house({ max: 1, knowledge: { ...KNOWN, isRecognised: false } })
    begin().trip.boardOn(await lend({ use: 'shared' }))
    expect(alone).toEqual([SELECT])
  })

  test('is given back when its caller gives up', async () => {
    const { aloneAnswers, engine, lease, told, trip } = await aboard()
    trip.abandon()
    for (let n = 0; n < 5; n++) await settle()
    expect([lease.released, engine.numbers().idle]).toEqual([true, 1])
    expect(told.times).toBe(0)
    expect(aloneAnswers).toHaveLength(1)
  })

  test('is not taken by a caller who has given up', async () => {
    const { alone, begin, engine, lend } = house({ max: 1 })
    const { trip } = begin()
    trip.abandon()
    trip.boardOn(await lend({ use: 'shared' }))
    expect([alone, engine.numbers().idle]).toEqual([[], 1])
  })
})

describe('a statement that keeps others waiting', () => {
  test('has its kind leave the lanes before it has ended', async () => {
    const { cargoOf, clock } = await sent(2)
    await clock.advance(16)
    expect(cargoOf().pace.times).toMatchObject({ isSlow: true, isShort: false, high: 12 })
  })

  test('is ended for its caller with a sentence that tells what to do', async () => {
    const { clock, lane, server, socket, told } = await sent(2, undefined, { stallMillis: 1_500 })
    await clock.advance(1_512)
    expect(lane.isKept).toBe(false)
    expect(told[0]).toMatchObject({
      times: 1,
      error: { code: 'SLUICE_QUERY_TIMEOUT', outcome: 'unknown', phase: 'query' },
    })
    expect(told[0]?.error?.message).toMatch(
      /^Query read timeout: no answer within 1,500 ms \(laneStallMillis\) .*\{ class: 'complex' \}/,
    )
    expect(server.cancels.length).toBe(1)
    await socket.refuse({ code: '57014' })
    await socket.answer({ rows: [['7']] })
    expect([told[0]?.times, told[1]?.rows]).toEqual([1, [{ n: 7 }]])
  })
})

test('a statement goes elsewhere when the connection was given back on which it waited for what the endpoint is', async () => {
  const answers: (() => void)[] = []
  const knowledge = {
    isRecognised: false,
    recognise: (_: unknown, then: () => void) => void answers.push(then),
  }
  const { begin, engine, lend } = house({ knowledge })
  const lease = await lend({ use: 'shared' })
  const trips = [begin().trip, begin().trip]
  for (const trip of trips) trip.boardOn(lease)
  trips[0]?.abandon()
  knowledge.isRecognised = true
  for (const answer of answers) answer()
  await settle()
  expect([lease.released, engine.numbers().shared]).toEqual([true, 1])
})

test('a caller who gives up while the endpoint is asked takes the question with him: nobody else waits for it', async () => {
  const knowledge = { isRecognised: false, recognise: () => undefined }
  const { begin, lend } = house({ knowledge })
  const lease = await lend({ use: 'shared' })
  const { trip } = begin()
  trip.boardOn(lease)
  expect(lease.released).toBe(false)
  trip.abandon()
  expect(lease.released).toBe(true)
})

describe('a caller who gives up', () => {
  test('hears nothing more', async () => {
    const { socket, told, trips } = await sent(2)
    trips[0]?.abandon()
    await socket.answer()
    await socket.answer()
    expect(told.map(({ times }) => times)).toEqual([0, 1])
  })

  test('has the time of his statement noted all the same', async () => {
    const { clock, socket, texts, trips } = await sent(2)
    trips[0]?.abandon()
    await clock.advance(5)
    await socket.answer()
    expect(texts.of(SELECT).family.times).toMatchObject({ runs: 1, high: 5 })
  })
})

describe('the time of a statement that failed', () => {
  const says = (code: string | undefined, own = 1) => hasRun(Object.assign(new Error('x'), { code }), own)

  test('counts where the server has worked on it', () => {
    expect(['22012', '23505', '40001', '42703', 'P0001', '55P03'].map((code) => says(code))).toEqual(
      Array.from({ length: 6 }, () => true),
    )
  })

  test('does not where it never began, or the connection was lost', () => {
    const codes = ['26000', '0A000', '08006', '57P01', 'ECONNRESET', 'SLUICE_CONNECTION_LOST', undefined]
    expect(codes.map((code) => says(code, 50))).toEqual(codes.map(() => false))
  })

  test('counts for one that was cancelled only where it had been slow', () => {
    expect([says('57014', 10), says('57014', 10.1)]).toEqual([false, true])
  })
})
