// Which statement joins which lane, when another connection becomes one, and when one is given back.
import { describe, expect, test, vi } from 'vitest'
import { handPool } from '../../../test/support/hand-pool.ts'
import type { HandSocket } from '../../../test/support/hand-server.ts'
import { settle } from '../../../test/support/manual-clock.ts'
import { within } from '../../base/within.ts'
import type { Lease } from '../../core/lease.ts'
import type { PoolOptions } from '../../core/options.ts'
import type { Client } from '../driver.ts'
import type { Passenger } from './flight.ts'
import { Flight } from './flight.ts'
import type { Lane } from './lane.ts'
import { Lanes } from './lanes.ts'

/** A statement, and what its caller has heard. */
interface Ride {
  lane: Lane | undefined
  flight: Flight<Passenger> | undefined
  readonly heard: string[]
}

interface House extends PoolOptions {
  readonly depth?: number
  readonly stallMillis?: number
  readonly roundTripMillis?: number
}

function house({ depth = 100, stallMillis = 50, roundTripMillis = 0, ...options }: House = {}) {
  const pool = handPool(options)
  const { checkout, clock, engine, lend, namesOf, server, sessions } = pool
  const lanes = new Lanes({
    engine,
    clock,
    depth,
    stallMillis,
    roundTrip: () => roundTripMillis,
    namesOf,
    cancelOnce: (client) => within(clock, 1_000, (signal) => sessions.cancelOnce(client, signal)),
    isFit: (client) => sessions.isFit(client),
    mayBegin: () => true,
  })
  const board = (ride: Ride, lane: Lane, cost: number) => {
    const passenger: Passenger = {
      landed: (flight, error, result) => {
        const now = clock.now()
        lane.land(flight as Flight<Passenger>, error, now)
        ride.heard.push(error?.message ?? JSON.stringify(result?.rows))
        lanes.landed(lane, now)
      },
      moved: () => {
        ride.heard.push('moved')
        find(ride, cost)
      },
      late: (millis) => ride.heard.push(`late ${millis}`),
      stalled: () => {
        ride.heard.push('stalled')
        lane.abandon(flight)
      },
    }
    const what = {
      text: 'SELECT 1',
      values: undefined,
      name: undefined,
      rowMode: undefined,
      types: undefined,
    }
    const flight = new Flight<Passenger>(what, undefined, true, lane.names, passenger)
    flight.cost = cost
    ride.lane = lane
    ride.flight = flight
    lane.push(flight)
  }
  const find = (ride: Ride, cost: number) => {
    const lane = lanes.find(clock.now())
    if (lane !== undefined) return board(ride, lane, cost)
    checkout.request({ use: 'shared' }, (error, lease) => {
      const other = lease && lanes.on(lease)
      if (other === undefined) ride.heard.push(String(error))
      else {
        board(ride, other, cost)
        lanes.fill(other)
      }
    })
  }
  const start = (): Ride => ({ lane: undefined, flight: undefined, heard: [] })
  /** A caller whose statement goes wherever it should. */
  const ride = (cost = 0.01): Ride => {
    const one = start()
    find(one, cost)
    return one
  }
  /** Statements of these costs on that lane. */
  const load = (lane: Lane, ...costs: number[]): Ride[] =>
    costs.map((cost) => {
      const one = start()
      board(one, lane, cost)
      return one
    })
  /** A lane on a connection of its own. */
  const open = async () => lanes.on(await lend({ use: 'shared' })) as Lane
  /** Connections that wait for somebody. */
  const idle = async (count: number) => {
    const leases: Lease<Client>[] = []
    for (let n = 0; n < count; n++) leases.push(await lend())
    for (const lease of leases) lease.release()
  }
  const socketOf = ({ client }: Lane) =>
    (client as unknown as { connection: { stream: HandSocket } }).connection.stream
  const now = () => lanes.find(clock.now())
  return { ...pool, idle, lanes, load, now, open, ride, server, socketOf }
}

function costs(count: number, cost: number): number[] {
  return Array.from({ length: count }, () => cost)
}

/** Lets connections open. */
async function opened(): Promise<void> {
  for (let n = 0; n < 5; n++) await settle()
}

describe('which lane a statement joins', () => {
  test('one connection becomes a lane for a hundred who come in one turn', async () => {
    const { ride, server } = house({ max: 10 })
    const rides = Array.from({ length: 100 }, () => ride(0.001))
    await opened()
    expect([server.sockets.length, server.sockets[0]?.waiting]).toEqual([1, 100])
    expect(new Set(rides.map(({ lane }) => lane)).size).toBe(1)
  })

  test('the current lane of the turn is taken while its expected wait fits, though another is emptier', async () => {
    const { load, now, open } = house()
    const [emptier, current] = [await open(), await open()]
    load(emptier, 0.1)
    load(current, 0.5)
    expect(now()).toBe(current)
    load(current, 0.01)
    expect(now()).toBe(emptier)
  })

  test('the next turn begins with the first lane that fits', async () => {
    const { load, now, open } = house()
    const [first, second] = [await open(), await open()]
    load(first, 0.4)
    load(second, 0.1)
    await settle()
    expect(now()).toBe(first)
    load(first, 0.11)
    await settle()
    expect(now()).toBe(second)
  })

  test('another connection is asked for only when no lane fits', async () => {
    const { idle, load, now, open } = house()
    await idle(2)
    const lane = await open()
    load(lane, 0.5)
    expect(now()).toBe(lane)
    load(lane, 0.01)
    expect(now()).toBeUndefined()
  })

  test('a lane that has room again is taken before another connection is asked for', async () => {
    const { idle, load, now, open, socketOf } = house()
    await idle(2)
    const lane = await open()
    load(lane, 0.4, 0.4)
    await settle()
    expect(now()).toBeUndefined()
    await socketOf(lane).answer()
    expect(now()).toBe(lane)
  })

  test('no lane is deeper than it may be', async () => {
    const { idle, load, now, open } = house({ depth: 3 })
    await idle(2)
    const lane = await open()
    load(lane, 0, 0)
    expect(now()).toBe(lane)
    load(lane, 0)
    expect(now()).toBeUndefined()
  })

  test('a lane whose head is late takes no more until its answer has come', async () => {
    const { clock, idle, load, now, open, socketOf } = house()
    await idle(2)
    const lane = await open()
    load(lane, 0.01, 0.01)
    await clock.advance(12)
    expect(now()).toBe(lane)
    await clock.advance(4)
    expect(now()).toBeUndefined()
    await socketOf(lane).answer()
    expect(now()).toBe(lane)
  })

  test('nobody joins a lane while the pool is paused, or once its connection is to be replaced', async () => {
    const { engine, load, now, open } = house()
    const lane = await open()
    load(lane, 0.01)
    engine.pause()
    expect(now()).toBeUndefined()
    engine.resume()
    expect(now()).toBe(lane)
    engine.clear()
    expect(now()).toBeUndefined()
  })
})

describe('the wait that a lane may promise', () => {
  /** Whether a statement joins a lane with so much under way on so many lanes, another connection being idle. */
  async function fits(count: number, wait: number, others = 0): Promise<boolean> {
    const { idle, load, now, open } = house({ depth: 1_000 })
    await idle(3)
    const lane = await open()
    load(lane, ...costs(count, 0), wait)
    if (others > 0) load(await open(), ...costs(others, 1))
    await settle()
    return now() === lane
  }

  test('is half a millisecond while sixteen statements or fewer are under way', async () => {
    expect([await fits(0, 0.5), await fits(15, 0.5), await fits(0, 0.51), await fits(15, 0.51)]).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  test('grows with the square root of what is under way', async () => {
    expect([await fits(63, 1), await fits(63, 1.01)]).toEqual([true, false])
    expect([await fits(255, 2), await fits(255, 2.01)]).toEqual([true, false])
  })

  test('counts what is under way on all lanes', async () => {
    expect([await fits(31, 1, 32), await fits(31, 1.01, 32)]).toEqual([true, false])
  })
})

describe('where no other connection is to be had', () => {
  test('a statement joins the least loaded lane', async () => {
    const { load, now, open } = house({ max: 3 })
    const [, least] = [await open(), await open(), await open()].map((lane, n) => {
      load(lane, [5, 3, 4][n] as number)
      return lane
    })
    await settle()
    expect(now()).toBe(least)
  })

  test.each([
    [0, 10],
    [3, 16],
  ])(
    'with a way of %d ms a lane may be %d ms deep, and what comes then waits',
    async (roundTripMillis, most) => {
      const { engine, load, now, open, ride } = house({ max: 1, roundTripMillis })
      const lane = await open()
      load(lane, most)
      expect(now()).toBe(lane)
      load(lane, 0.1)
      expect(now()).toBeUndefined()
      ride()
      expect(engine.sharing.waiting).toBe(1)
    },
  )

  test('a further one is opened meanwhile, and becomes a lane once it is there', async () => {
    const { engine, load, now, open, ride, server } = house({ max: 3 })
    const lane = await open()
    load(lane, 1)
    expect(now()).toBe(lane)
    expect(engine.numbers().opening).toBe(1)
    await opened()
    expect([server.sockets.length, engine.numbers().idle]).toEqual([2, 1])
    const next = ride()
    expect(next.lane === lane).toBe(false)
  })

  test('those who wait to share are not overtaken by who comes later', async () => {
    const { engine, load, now, open, ride, socketOf } = house({ max: 1 })
    const lane = await open()
    load(lane, 15)
    await settle()
    const [held] = load(lane, 6)
    const waits = ride(1)
    expect([waits.lane, engine.sharing.waiting]).toEqual([undefined, 1])
    lane.abandon(held?.flight as Flight<Passenger>)
    expect([lane.expected, now()]).toEqual([15, undefined])
    await socketOf(lane).answer()
    await opened()
    expect(engine.sharing.waiting).toBe(0)
  })

  test('thousands who wait to share join at once', async () => {
    const { engine, ride, server } = house({ max: 1, depth: 10_000, queueLimit: 10_000 })
    for (let n = 0; n < 9_000; n++) ride(0.0001)
    await opened()
    expect([engine.sharing.waiting, server.sockets[0]?.waiting]).toEqual([0, 9_000])
  })

  test('those who wait to share join as answers come, as many as fit', async () => {
    const { engine, ride, server } = house({ max: 1, depth: 2 })
    const rides = Array.from({ length: 5 }, () => ride())
    await opened()
    const [socket] = server.sockets as [HandSocket]
    const boarded = () => rides.filter(({ lane }) => lane !== undefined).length
    expect([boarded(), engine.sharing.waiting]).toEqual([2, 3])
    await socket.answer()
    expect([boarded(), engine.sharing.waiting]).toEqual([3, 2])
    for (let n = 0; n < 4; n++) await socket.answer()
    expect([boarded(), engine.sharing.waiting, socket.waiting]).toEqual([5, 0, 0])
  })

  test('those who wait to share do not join what takes longer than a lane may promise', async () => {
    const { engine, load, open, ride, socketOf } = house({ max: 1 })
    const lane = await open()
    load(lane, 5, 21)
    ride()
    await settle()
    await socketOf(lane).answer()
    expect(engine.sharing.waiting).toBe(1)
    await socketOf(lane).answer()
    expect(engine.sharing.waiting).toBe(0)
  })
})

describe('a connection', () => {
  test('carries one lane, whoever asks', async () => {
    const { lanes, lend } = house()
    const lease = await lend({ use: 'shared' })
    expect(lanes.on(lease)).toBe(lanes.on(lease))
  })

  test('whose client cannot pipeline carries none', async () => {
    const { lanes, lend } = house()
    const lease = await lend({ use: 'shared' })
    Object.assign(lease.resource, { pipeline: undefined })
    expect(lanes.on(lease)).toBeUndefined()
  })

  test('that is busy carries none', async () => {
    const { lanes, lend, server } = house()
    const lease = await lend({ use: 'shared' })
    void lease.resource.query('SELECT 1')
    expect(lanes.on(lease)).toBeUndefined()
    await server.sockets[0]?.answer()
    expect(lanes.on(lease)).toBeDefined()
  })

  test('on which nobody has begun a lane can be given back', async () => {
    const { engine, lanes, lend } = house()
    const lease = await lend({ use: 'shared' })
    lanes.decline(lease)
    expect([lease.released, engine.numbers().idle]).toEqual([true, 1])
    lanes.decline(lease)
  })

  test('that carries a lane is not given back by somebody who has no use for it', async () => {
    const { lanes, lend } = house()
    const lease = await lend({ use: 'shared' })
    lanes.on(lease)
    lanes.decline(lease)
    expect(lease.released).toBe(false)
  })
})

describe('what a turn has gathered', () => {
  test('goes out at its end, one packet a lane', async () => {
    const { load, open, socketOf } = house()
    const both = [await open(), await open()]
    const packets = () => both.map((lane) => socketOf(lane).packets)
    const before = packets()
    for (const lane of [...both, ...both]) load(lane, 0.01, 0.01)
    expect(packets()).toEqual(before)
    await settle()
    expect(packets()).toEqual(before.map((count) => count + 1))
    expect(both.map((lane) => socketOf(lane).waiting)).toEqual([4, 4])
  })

  test('moves to another lane when its own closes', async () => {
    const { load, open, socketOf } = house()
    const [closes, other] = [await open(), await open()]
    load(closes, 0.01)
    await settle()
    const rides = load(closes, 0.01, 0.01)
    load(other, 0.01)
    closes.close()
    await settle()
    expect(rides.map(({ lane, heard }) => [lane === other, heard])).toEqual([
      [true, ['moved']],
      [true, ['moved']],
    ])
    expect([socketOf(closes).waiting, socketOf(other).waiting]).toEqual([1, 3])
  })
})

describe('what a lane holds for the end of its turn', () => {
  async function left(options: House = {}) {
    const parts = house({ max: 2, ...options })
    const [lane, other] = [await parts.open(), await parts.open()]
    const [leaves] = parts.load(lane, 0.01, 0.01)
    await settle()
    const [held] = parts.load(lane, 0.01)
    return { ...parts, held, lane, leave: () => lane.abandon(leaves?.flight as Flight<Passenger>), other }
  }

  test('goes elsewhere when a caller before it gives up', async () => {
    const { held, leave, other } = await left()
    leave()
    expect([held?.heard, held?.lane === other]).toEqual([['moved'], true])
  })

  test('stays where it is in a pool that ends, which lets nobody in any more', async () => {
    const { engine, held, lane, leave, socketOf } = await left()
    void engine.end()
    leave()
    await settle()
    expect([held?.heard, socketOf(lane).waiting]).toEqual([[], 3])
  })
})

describe('a lane is given back', () => {
  test('with the last answer, and can be lent to anybody', async () => {
    const { engine, lend, load, open, sessions, socketOf } = house({ max: 1 })
    const cancel = vi.spyOn(sessions, 'cancel')
    const lane = await open()
    load(lane, 0.01)
    await settle()
    expect(engine.numbers()).toMatchObject({ shared: 1, idle: 0 })
    await socketOf(lane).answer()
    expect(engine.numbers()).toMatchObject({ shared: 0, idle: 1 })
    expect(cancel).not.toHaveBeenCalled()
    const whole = await lend()
    expect((whole.resource as { pipeline?: boolean }).pipeline).toBe(false)
  })

  test('with the last caller, and what runs for nobody is cancelled', async () => {
    const { engine, load, open, server } = house({ max: 1 })
    const lane = await open()
    const [ride] = load(lane, 0.01)
    await settle()
    lane.abandon(ride?.flight as Flight<Passenger>)
    expect(engine.numbers()).toMatchObject({ shared: 0, idle: 0, cancelling: 1 })
    await opened()
    expect(server.cancels.length).toBe(1)
  })

  test('and joined by nobody afterwards', async () => {
    const { load, now, open, socketOf } = house({ max: 1 })
    const lane = await open()
    load(lane, 0.01)
    await settle()
    await socketOf(lane).answer()
    expect(now()).toBeUndefined()
  })

  test('once its connection is to be replaced, when it is empty', async () => {
    const { engine, load, open, socketOf } = house({ max: 1 })
    const lane = await open()
    load(lane, 0.01, 0.01)
    await settle()
    engine.clear()
    expect(lane.isKept).toBe(true)
    await socketOf(lane).answer()
    expect([lane.isKept, engine.numbers().shared]).toEqual([false, 1])
    await socketOf(lane).answer()
    await opened()
    expect(engine.stats().closed).toEqual({ cleared: 1 })
  })
})

describe('when somebody waits for a whole connection', () => {
  /** Three lanes with five, two and three statements under way, and so many who wait. */
  async function crowded(waiting: number) {
    const parts = house({ max: 3 })
    const lanes = [await parts.open(), await parts.open(), await parts.open()]
    for (const [n, lane] of lanes.entries()) parts.load(lane, ...costs([5, 2, 3][n] as number, 0.01))
    await settle()
    const lent: Lease<Client>[] = []
    for (let n = 0; n < waiting; n++) parts.engine.request({}, (_, lease) => lease && lent.push(lease))
    const kept = () => lanes.map(({ isKept }) => isKept)
    const answer = (n: number) => parts.socketOf(lanes[n] as Lane).answer()
    return { ...parts, answer, kept, lanes, lent }
  }

  test('the emptiest lane takes no more, and is lent to him with its last answer', async () => {
    const { answer, kept, lanes, lent } = await crowded(1)
    await answer(0)
    expect([kept(), lent.length]).toEqual([[true, false, true], 0])
    await answer(1)
    expect(lent.length).toBe(0)
    await answer(1)
    expect(lent[0]?.resource).toBe(lanes[1]?.client)
  })

  test('no more lanes are given back than there are who wait', async () => {
    const { answer, kept } = await crowded(2)
    await answer(0)
    expect(kept()).toEqual([true, false, false])
    await answer(2)
    await answer(0)
    expect(kept()).toEqual([true, false, false])
  })

  test('a lane that is over does not count as one of those given back', async () => {
    const { answer, engine, kept } = await crowded(0)
    await answer(1)
    await answer(1)
    await opened()
    expect(engine.numbers().shared).toBe(2)
    for (let n = 0; n < 2; n++) engine.request({}, () => undefined)
    await answer(0)
    expect(kept()).toEqual([true, false, false])
  })

  test('all lanes are given back when enough wait', async () => {
    const { answer, kept } = await crowded(5)
    await answer(0)
    expect(kept()).toEqual([false, false, false])
  })

  test('none is given back while there are none who wait', async () => {
    const { answer, kept } = await crowded(0)
    await answer(0)
    expect(kept()).toEqual([true, true, true])
  })
})

describe('a head that takes long', () => {
  test('has its kind called late once it has certainly taken more than ten milliseconds', async () => {
    const { clock, load, open } = house()
    const [head, next] = load(await open(), 0.01, 0.01)
    await settle()
    await clock.advance(12)
    expect(head?.heard).toEqual([])
    await clock.advance(4)
    expect([head?.heard, next?.heard]).toEqual([['late 12'], []])
  })

  test('is none of a lane that carries nothing', async () => {
    const { clock, load, now, open } = house()
    const empty = await open()
    const [head] = load(await open(), 0.01)
    await settle()
    await clock.advance(20)
    expect([head?.heard.at(-1), now()]).toEqual(['late 16', empty])
  })

  test('is ended when others wait behind it, with one request to cancel it', async () => {
    const { clock, load, open, server, socketOf } = house()
    const lane = await open()
    const [head, next] = load(lane, 0.01, 0.01)
    await settle()
    await clock.advance(52)
    expect([head?.heard.includes('stalled'), server.cancels.length]).toEqual([false, 0])
    await clock.advance(8)
    expect([head?.heard.filter((word) => word === 'stalled'), server.cancels.length]).toEqual([
      ['stalled'],
      1,
    ])
    expect([lane.isKept, lane.isAimedAt]).toEqual([false, true])
    server.cancels[0]?.destroy()
    await opened()
    await socketOf(lane).refuse({ code: '57014', message: 'canceling' })
    expect(lane.isAimedAt).toBe(false)
    await socketOf(lane).answer({ rows: [['5']] })
    expect(next?.heard).toEqual(['[{"n":5}]'])
  })

  test('may go on as long as nobody waits behind it', async () => {
    const { clock, load, open, server } = house()
    const [head] = load(await open(), 0.01)
    await settle()
    await clock.advance(1_000)
    expect([head?.heard.includes('stalled'), server.cancels.length]).toEqual([false, 0])
  })

  test('is asked to end once more where that did not help for as long again', async () => {
    const { clock, load, open, server } = house()
    const [head] = load(await open(), 0.01, 0.01)
    await settle()
    await clock.advance(60)
    server.cancels[0]?.destroy()
    await opened()
    await clock.advance(44)
    expect(server.cancels.length).toBe(1)
    await clock.advance(8)
    expect([server.cancels.length, head?.heard.filter((word) => word === 'stalled').length]).toEqual([2, 1])
  })

  test('has no timer left once the lanes are stopped', async () => {
    const { clock, lanes, load, open } = house({ idleTimeoutMillis: 0 })
    load(await open(), 0.01)
    await settle()
    const armed = clock.armed()
    lanes.stop()
    expect(armed - clock.armed()).toBe(1)
  })
})
