// A statement on a connection of its own, whose server is worked by hand.
import { describe, expect, test } from 'vitest'
import { handClient } from '../../../test/support/hand-server.ts'
import { ManualClock, settle } from '../../../test/support/manual-clock.ts'
import type { QueryResult } from '../driver.ts'
import type { AloneParts } from './alone.ts'
import { flyAlone, timed } from './alone.ts'
import { Names, nameOf } from './names.ts'
import { Texts } from './texts.ts'
import type { Cargo } from './trip.ts'
import { Watch } from './watch.ts'

const SELECT = 'SELECT $1'
const NAME = nameOf(SELECT)

interface How {
  readonly sql?: string
  readonly values?: readonly string[] | null
  readonly roundTripMillis?: number
  /** How often it was asked for, this time included. */
  readonly seen?: number
}

async function house({ sql = SELECT, values = ['1'], roundTripMillis = 0, seen = 2 }: How = {}) {
  const { client, socket } = await handClient()
  const clock = new ManualClock()
  const texts = new Texts()
  const names = new Names(client, 10)
  const trips: number[] = []
  const parts: AloneParts = {
    clock,
    watch: new Watch(clock, () => undefined),
    texts,
    roundTrip: (millis) => {
      trips.push(millis)
      return roundTripMillis
    },
    namesOf: () => names,
    knowledge: { ask: () => undefined, carriesNames: true, isOpen: false },
  }
  const text = texts.of(sql)
  text.seen = seen
  const statement = {
    text: sql,
    values: values ?? undefined,
    name: undefined,
    rowMode: undefined,
    types: undefined,
  }
  const pace = texts.paceOf(text, statement.values)
  const cargo: Cargo = { statement, text, pace, prepare: true, idempotent: false, isSimple: false }
  const told: (Error | QueryResult | undefined)[] = []
  const fly = () => flyAlone(parts, client, cargo, (error, result) => told.push(error ?? result))
  return { client, clock, fly, pace, parts, socket, text, told, trips }
}

describe('a statement alone', () => {
  test('is prepared as on a lane, and answered', async () => {
    const { fly, socket, told } = await house()
    fly()
    expect(socket.said()[0]).toBe(`parse ${NAME}: ${SELECT}`)
    await socket.answer({ rows: [['7']] })
    fly()
    expect(socket.said()[0]).toBe(`bind ${NAME} (1)`)
    await socket.answer({ rows: [['8']] })
    expect(told).toMatchObject([{ rows: [{ n: 7 }] }, { rows: [{ n: 8 }] }])
  })

  test('is timed: what it took less the way, and the size of its result', async () => {
    const { clock, fly, pace, socket, trips } = await house({ roundTripMillis: 4 })
    fly()
    await clock.advance(12)
    await socket.answer({ rows: [['123']] })
    expect([trips, pace.times.mean, pace.times.size, pace.times.runs]).toEqual([[12], 8, 3, 1])
  })

  test('takes none of the time in which the process was busy', async () => {
    const { clock, fly, pace, socket } = await house()
    fly()
    clock.jump(900)
    await socket.answer()
    expect(pace.times.mean).toBe(8)
  })

  test('ticks no longer than it is under way', async () => {
    const { clock, fly, socket } = await house()
    fly()
    await clock.advance(100)
    expect(clock.armed()).toBe(1)
    await socket.answer()
    await clock.advance(8)
    expect(clock.armed()).toBe(0)
  })

  test('that fails is told its error, and noted where the server has worked on it', async () => {
    const { clock, fly, pace, socket, told } = await house()
    fly()
    await clock.advance(40)
    await socket.refuse({ code: '22012', message: 'division by zero' })
    expect(told).toMatchObject([{ message: 'division by zero' }])
    expect([pace.times.runs, pace.times.isSlow]).toEqual([1, true])
  })

  test('that loses its connection is told so, and says nothing of its time or of the way', async () => {
    const { clock, fly, pace, socket, told, trips } = await house()
    fly()
    await clock.advance(40)
    socket.destroy()
    await settle()
    await settle()
    expect(told).toMatchObject([{ message: 'Connection terminated unexpectedly' }])
    expect([pace.times.runs, trips]).toEqual([0, []])
  })

  test('that a client of somebody else’s making will not take is told its error', async () => {
    const { client, fly, told } = await house()
    Object.assign(client, {
      query: () => {
        throw new Error('not by me')
      },
    })
    fly()
    expect(told).toMatchObject([{ message: 'not by me' }])
  })
})

describe('a statement that the connection has forgotten', () => {
  test('is sent once more without a name, in the same place', async () => {
    const { fly, socket, told } = await house()
    fly()
    socket.said()
    await socket.refuse({ code: '26000' })
    expect([told, socket.said()[0]]).toEqual([[], `parse: ${SELECT}`])
    await socket.answer({ rows: [['7']] })
    expect(told).toMatchObject([{ rows: [{ n: 7 }] }])
  })

  test('is sent once more and not twice', async () => {
    const { fly, socket, told } = await house()
    fly()
    await socket.refuse({ code: '42P05', message: 'refused 1' })
    expect(told).toEqual([])
    await socket.refuse({ code: '42P05', message: 'refused 2' })
    expect([told, socket.waiting]).toMatchObject([[{ message: 'refused 2' }], 0])
  })
})

describe('a text of several statements', () => {
  const REFUSED = { code: '42601', message: 'cannot insert multiple commands into a prepared statement' }

  test('goes by the simple protocol once the server has refused to prepare it, and from then on', async () => {
    const { fly, socket, text, told } = await house({ values: null })
    fly()
    expect(socket.said()[0]).toBe(`parse ${NAME}: ${SELECT}`)
    await socket.refuse(REFUSED)
    expect([told, text.isSeveral, socket.said()]).toEqual([[], true, [`query: ${SELECT}`]])
    await socket.answer()
    fly()
    expect(socket.said()).toEqual([`query: ${SELECT}`])
  })

  test('is refused for good where it is refused by the simple protocol too', async () => {
    const { fly, socket, told } = await house({ values: null, seen: 1 })
    fly()
    await socket.refuse(REFUSED)
    await socket.refuse(REFUSED)
    expect([told, socket.waiting]).toMatchObject([[{ code: '42601' }], 0])
  })

  test('cannot go another way with values', async () => {
    const { fly, socket, told } = await house()
    fly()
    await socket.refuse(REFUSED)
    expect([told, socket.waiting]).toMatchObject([[{ code: '42601' }], 0])
  })
})

describe('what pg sends by itself', () => {
  test('is timed as well, its size unknown', async () => {
    const { clock, pace, parts } = await house({ roundTripMillis: 3 })
    const told: unknown[] = []
    const answer = timed<string>(parts, pace, (error, result) => told.push(error ?? result))
    await clock.advance(11)
    answer(undefined, 'result')
    expect(told).toEqual(['result'])
    expect([pace.times.mean, pace.times.size, pace.times.runs]).toEqual([8, 0, 1])
  })

  test('is told its error', async () => {
    const { pace, parts } = await house()
    const told: unknown[] = []
    const error = new Error('lost')
    timed<string>(parts, pace, (failure) => told.push(failure))(error, undefined)
    expect([told, pace.times.runs]).toEqual([[error], 0])
  })
})
