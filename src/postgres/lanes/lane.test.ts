// The statements of many callers on one connection whose server is worked by hand.
import { describe, expect, test } from 'vitest'
import { handPool } from '../../../test/support/hand-pool.ts'
import type { HandSocket } from '../../../test/support/hand-server.ts'
import { settle } from '../../../test/support/manual-clock.ts'
import type { Refusal } from '../../../test/support/wire.ts'
import { errorResponse } from '../../../test/support/wire.ts'
import type { QueryResult } from '../driver.ts'
import type { Passenger } from './flight.ts'
import { Flight } from './flight.ts'
import type { LaneOwner } from './lane.ts'
import { Lane } from './lane.ts'
import { Watch } from './watch.ts'

/** A statement on the lane, and what its caller has heard. */
interface Ride {
  readonly flight: Flight<Passenger>
  readonly heard: string[]
  /** How long it kept the server busy. */
  own: number | undefined
}

async function house({ roundTripMillis = 0, isRunning = true } = {}) {
  const { clock, server, namesOf, lend } = handPool({ max: 1 })
  const lease = await lend({ use: 'shared' })
  const watch = new Watch(clock, () => undefined)
  const told: string[] = []
  const owner: LaneOwner = {
    watch,
    roundTripMillis,
    isRunning,
    stallMillis: 50,
    cancelOnce: () => Promise.resolve(),
    isFit: () => true,
    wrote: () => told.push('wrote'),
    emptied: ({ depth }) => told.push(`emptied with ${depth}`),
  }
  const names = namesOf(lease.resource)
  const lane = new Lane(lease, names, owner)
  const socket = server.sockets[0] as HandSocket
  socket.said()
  /** Puts a statement on the lane. */
  const push = (text = 'SELECT 1', cost = 1): Ride => {
    const heard: string[] = []
    const passenger: Passenger = {
      landed: (flight, error, result) => {
        ride.own = lane.land(flight as Flight<Passenger>, error, clock.now())
        heard.push(wordOf(error, result))
        lane.settle()
      },
      moved: () => heard.push('moved'),
      late: () => heard.push('late'),
      stalled: () => heard.push('stalled'),
    }
    const what = { text, values: undefined, name: undefined, rowMode: undefined, types: undefined }
    const flight = new Flight<Passenger>(what, undefined, true, names, passenger)
    flight.cost = cost
    const ride: Ride = { flight, heard, own: undefined }
    lane.push(flight)
    return ride
  }
  const flush = () => lane.flush(clock.now())
  /** Pushes that many and sends them. */
  const sent = (count: number): Ride[] => {
    const rides = Array.from({ length: count }, (_, n) => push(`SELECT ${n}`))
    flush()
    socket.said()
    return rides
  }
  return { clock, lane, lease, socket, told, push, flush, sent }
}

function wordOf(error: Error | undefined, result: QueryResult | undefined): string {
  return error === undefined ? JSON.stringify(result?.rows) : error.message
}

function heardBy(rides: readonly Ride[]): string[] {
  return rides.map(({ heard }) => heard.join(' then '))
}

async function answers(socket: HandSocket, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => socket.answer({ rows: [[`${n}`]] })))
}

describe('what is put on a lane', () => {
  test('is held until it is flushed, and then goes in one packet, in order', async () => {
    const { flush, push, socket, told } = await house()
    const before = socket.packets
    const rides = ['SELECT 1', 'SELECT 2', 'SELECT 3'].map((text) => push(text))
    await settle()
    expect([socket.packets - before, told]).toEqual([0, ['wrote', 'wrote', 'wrote']])
    expect(rides.map(({ flight }) => flight.sent)).toEqual([false, false, false])
    flush()
    expect([socket.packets - before, socket.said()]).toEqual([
      1,
      ['query: SELECT 1', 'query: SELECT 2', 'query: SELECT 3'],
    ])
    expect(rides.map(({ flight }) => flight.sent)).toEqual([true, true, true])
  })

  test('goes out while earlier statements wait for their answers', async () => {
    const { flush, push, sent, socket } = await house()
    sent(2)
    push('SELECT 7')
    flush()
    expect([socket.said(), socket.waiting]).toEqual([['query: SELECT 7'], 3])
  })

  test('is answered in order, each caller with his own rows', async () => {
    const { sent, socket, told } = await house()
    const rides = sent(3)
    await answers(socket, 3)
    expect(heardBy(rides)).toEqual(['[{"n":0}]', '[{"n":1}]', '[{"n":2}]'])
    expect(told.slice(3)).toEqual(['emptied with 0'])
  })

  test('is answered in order however many it is', async () => {
    const { lane, sent, socket } = await house()
    const rides = sent(2_500)
    await answers(socket, 1_500)
    expect([lane.depth, lane.head(0)?.flight === rides[1_500]?.flight]).toEqual([1_000, true])
    rides.push(...sent(10))
    await answers(socket, 1_010)
    expect([lane.depth, rides.filter(({ heard }) => heard.length !== 1)]).toEqual([0, []])
  })

  test('counts as long as it is held or sent, with what it is expected to cost', async () => {
    const { flush, lane, push, socket } = await house()
    push('SELECT 1', 2)
    push('SELECT 2', 3)
    expect([lane.depth, lane.expected]).toEqual([2, 5])
    flush()
    push('SELECT 3', 4)
    expect([lane.depth, lane.expected]).toEqual([3, 9])
    await socket.answer()
    expect([lane.depth, lane.expected]).toEqual([2, 7])
  })

  test('leaves nothing of its cost behind', async () => {
    const { flush, lane, push, socket } = await house()
    for (const cost of [0.1, 0.2, 0.3]) push('SELECT 1', cost)
    flush()
    await answers(socket, 3)
    expect(lane.expected).toBe(0)
  })

  test('cannot be answered twice', async () => {
    const { clock, lane, sent, socket } = await house()
    const [ride] = sent(2)
    await socket.answer()
    expect(() => lane.land(ride?.flight as Flight<Passenger>, undefined, clock.now())).toThrow(
      'BUG: an answer',
    )
  })

  test('may be refused by pg before the head is answered, which stays the head', async () => {
    const { clock, lane, push, flush, socket } = await house()
    const head = push('SELECT 1')
    const refused = push('SELECT 2')
    Object.assign(refused.flight, { name: 'own' })
    ;(lane.client as unknown as { connection: { parsedStatements: object } }).connection.parsedStatements = {
      own: 'another text',
    }
    flush()
    await settle()
    expect(heardBy([head, refused])).toEqual(['', expect.stringContaining('must be unique')])
    expect([lane.depth, lane.head(clock.now())?.flight === head.flight]).toEqual([1, true])
    await socket.answer()
    expect(head.heard).toEqual(['[{"n":1}]'])
  })

  test('takes no time from a head that it was refused behind', async () => {
    const { clock, flush, lane, push, socket } = await house()
    const head = push('SELECT 1')
    flush()
    await clock.advance(30)
    expect([lane.head(26)?.millis, lane.isOpen]).toEqual([26, false])
    const refused = push('SELECT 2')
    Object.assign(refused.flight, { submit: () => new Error('refused') })
    flush()
    await settle()
    expect([refused.heard, lane.isOpen, lane.head(26)?.millis]).toEqual([['refused'], false, 26])
    await clock.advance(10)
    await socket.answer()
    expect(head.own).toBe(40)
  })
})

describe('what cannot be sent', () => {
  test('goes elsewhere when the connection has died in this turn', async () => {
    const { flush, lane, push, socket, told } = await house()
    const ride = push()
    socket.destroy()
    await settle()
    flush()
    expect([ride.heard, lane.isOpen, told.at(-1)]).toEqual([['moved'], false, 'emptied with 0'])
  })

  test('to a client of somebody else’s making fails by itself', async () => {
    const { flush, lane, push, socket } = await house()
    const rides = ['SELECT 1', 'SELECT 2', 'SELECT 3'].map((text) => push(text))
    const { query } = Object.getPrototypeOf(lane.client) as { query: (...given: unknown[]) => unknown }
    Object.assign(lane.client, {
      query(given: Flight) {
        if (given.text === 'SELECT 2') throw new Error('not by me')
        return query.call(lane.client, given)
      },
    })
    flush()
    expect([heardBy(rides), socket.said()]).toEqual([
      ['', 'not by me', ''],
      ['query: SELECT 1', 'query: SELECT 3'],
    ])
    await answers(socket, 2)
    expect(heardBy(rides)).toEqual(['[{"n":0}]', 'not by me', '[{"n":1}]'])
  })
})

describe('a statement keeps the server busy', () => {
  test('from the answer before it on', async () => {
    const { clock, sent, socket } = await house()
    const rides = sent(3)
    await clock.advance(5)
    await socket.answer()
    await clock.advance(7)
    await socket.answer()
    await socket.answer()
    expect(rides.map(({ own }) => own)).toEqual([5, 7, 0])
  })

  test('from when it was sent, where nothing was under way', async () => {
    const { clock, sent, socket } = await house()
    const [first] = sent(1)
    await socket.answer()
    await clock.advance(100)
    const [second] = sent(1)
    await clock.advance(3)
    await socket.answer()
    expect([first?.own, second?.own]).toEqual([0, 3])
  })

  test('as long as the watch looks, which is no longer than anything is under way', async () => {
    const { clock, sent, socket } = await house()
    const [ride] = sent(1)
    const armed = clock.armed()
    await clock.advance(500)
    await socket.answer()
    await clock.advance(8)
    expect([ride?.own, armed - clock.armed()]).toEqual([500, 1])
  })

  test('not while it is on its way', async () => {
    const { clock, sent, socket } = await house({ roundTripMillis: 20 })
    const [ride] = sent(1)
    await clock.advance(25)
    await socket.answer()
    expect(ride?.own).toBe(5)
  })

  test('not while the process was too busy to look', async () => {
    const { clock, sent, socket } = await house()
    const [ride] = sent(1)
    clock.jump(500)
    await socket.answer()
    expect(ride?.own).toBe(8)
  })
})

describe('the head', () => {
  test('is the oldest statement without an answer, and what is held is none', async () => {
    const { lane, push, sent, socket } = await house()
    push()
    expect(lane.head(0)).toBeUndefined()
    const [first, second] = sent(2)
    await socket.answer()
    expect([lane.head(0)?.flight === first?.flight, lane.head(0)?.flight === second?.flight]).toEqual([
      true,
      false,
    ])
  })

  test('has been there since the answer before it, less the way', async () => {
    const { clock, lane, sent, socket } = await house({ roundTripMillis: 2 })
    sent(2)
    expect(lane.head(7)?.millis).toBe(5)
    await clock.advance(10)
    await socket.answer()
    expect(lane.head(13)?.millis).toBe(3)
  })

  test('that is late lets nobody join, until its answer has come', async () => {
    const { lane, sent, socket } = await house()
    sent(2)
    lane.head(8)
    expect([lane.isOpen, lane.isKept, lane.isLate]).toEqual([true, true, false])
    lane.head(8.1)
    expect([lane.isOpen, lane.isKept, lane.isLate]).toEqual([false, true, true])
    await socket.answer()
    expect(lane.isOpen).toBe(true)
  })

  test('has a crowd behind it where somebody waits for what was sent after it', async () => {
    const { lane, push, sent } = await house()
    const [first, second] = sent(2)
    push()
    expect(lane.isCrowded).toBe(true)
    lane.abandon(second?.flight as Flight<Passenger>)
    expect([lane.isCrowded, first?.heard]).toEqual([false, []])
  })

  test('alone is no crowd', async () => {
    const { lane, sent } = await house()
    sent(1)
    expect(lane.isCrowded).toBe(false)
  })
})

describe('a caller who gives up', () => {
  test('before his statement is sent takes it with him, and the lane goes on', async () => {
    const { flush, lane, push, socket, told } = await house()
    const [stays, leaves] = [push('SELECT 1', 2), push('SELECT 2', 3)]
    lane.abandon(leaves.flight)
    expect([lane.depth, lane.expected, lane.isOpen]).toEqual([1, 2, true])
    flush()
    expect(socket.said()).toEqual(['query: SELECT 1'])
    await socket.answer()
    expect([stays.heard.length, leaves.heard, told.at(-1)]).toEqual([1, [], 'emptied with 0'])
  })

  test('before his statement is sent takes nobody else’s with it', async () => {
    const { flush, lane, push, socket } = await house()
    const [leaves] = [push('SELECT 1'), push('SELECT 2'), push('SELECT 3')]
    lane.abandon(leaves.flight)
    flush()
    expect(socket.said()).toEqual(['query: SELECT 2', 'query: SELECT 3'])
  })

  test('before his statement is sent ends a lane that has no other', async () => {
    const { lane, push, told } = await house()
    lane.abandon(push().flight)
    expect([lane.isOpen, told]).toEqual([false, ['wrote', 'emptied with 0']])
  })

  test('later closes the lane to others, and what it holds goes elsewhere', async () => {
    const { flush, lane, push, sent, socket, told } = await house()
    const [leaves, stays] = sent(2)
    const held = push('SELECT 7', 5)
    lane.abandon(leaves?.flight as Flight<Passenger>)
    expect([lane.isOpen, lane.isKept, held.heard, lane.depth, lane.expected]).toEqual([
      false,
      false,
      ['moved'],
      2,
      2,
    ])
    flush()
    expect([socket.said(), told.includes('emptied with 2')]).toEqual([[], false])
    await answers(socket, 2)
    expect([stays?.heard, told.at(-1)]).toEqual([['[{"n":1}]'], 'emptied with 0'])
  })

  test('in a pool that lets nobody in elsewhere leaves what is held where it is', async () => {
    const { flush, lane, push, sent, socket, told } = await house({ isRunning: false })
    const [leaves] = sent(1)
    const held = push('SELECT 7')
    lane.abandon(leaves?.flight as Flight<Passenger>)
    expect([lane.isOpen, held.heard, told.at(-1)]).toEqual([false, [], 'wrote'])
    flush()
    expect(socket.said()).toEqual(['query: SELECT 7'])
  })

  test('as the last one ends the lane with his statement under way', async () => {
    const { lane, sent, socket, told } = await house()
    const [one, two] = sent(2)
    lane.abandon(one?.flight as Flight<Passenger>)
    expect(told.at(-1)).toBe('wrote')
    lane.abandon(two?.flight as Flight<Passenger>)
    expect(told.at(-1)).toBe('emptied with 2')
    await answers(socket, 2)
    expect(told.filter((word) => word.startsWith('emptied'))).toHaveLength(1)
  })

  test('while somebody behind him still waits ends the lane with that one’s answer', async () => {
    const { lane, sent, socket, told } = await house()
    const [first, , third] = sent(3)
    lane.abandon(third?.flight as Flight<Passenger>)
    lane.abandon(first?.flight as Flight<Passenger>)
    await socket.answer()
    expect(told.at(-1)).toBe('wrote')
    await socket.answer()
    expect(told.at(-1)).toBe('emptied with 1')
  })
})

describe('a lane that takes no more', () => {
  test('still sends what it holds when it is given back', async () => {
    const { flush, lane, push, socket, told } = await house()
    const ride = push()
    lane.retire()
    expect([lane.isOpen, lane.isKept]).toEqual([false, false])
    flush()
    await socket.answer()
    expect([ride.heard, told]).toEqual([['[{"n":1}]'], ['wrote', 'emptied with 0']])
  })

  test('sends what it holds elsewhere when it is closed', async () => {
    const { flush, lane, push, socket } = await house()
    const rides = [push('SELECT 1', 2), push('SELECT 2', 3)]
    lane.close()
    flush()
    expect([heardBy(rides), lane.depth, lane.expected, socket.said()]).toEqual([['moved', 'moved'], 0, 0, []])
  })

  test('does not open again with an answer', async () => {
    const { lane, sent, socket } = await house()
    sent(2)
    lane.retire()
    await socket.answer()
    expect([lane.isOpen, lane.isKept]).toEqual([false, false])
  })
})

describe('after an error', () => {
  async function refused(how: Refusal) {
    const parts = await house()
    const [head, next] = parts.sent(2)
    const held = parts.push()
    await parts.socket.refuse({ message: 'refused', ...how })
    return { ...parts, head, next, held }
  }

  test('of its own a statement leaves the lane as it was', async () => {
    const { head, held, lane, next, socket } = await refused({ code: '22012' })
    expect([lane.isOpen, lane.isLost, head?.heard, held.heard]).toEqual([true, false, ['refused'], []])
    await socket.answer({ rows: [['5']] })
    expect(next?.heard).toEqual(['[{"n":5}]'])
  })

  test.each(['FATAL', 'PANIC'])('that is %s the lane is lost', async (severity) => {
    const { held, lane } = await refused({ code: '57P01', severity })
    expect([lane.isOpen, lane.isLost, held.heard]).toEqual([false, true, ['moved']])
  })

  test.each(['T', 'E'])(
    'or an answer that leaves it in a transaction (%s) it takes no more',
    async (status) => {
      const { lane, push, sent, socket } = await house()
      sent(2)
      const held = push()
      await socket.answer({ status })
      await socket.answer({ status })
      expect([lane.isKept, held.heard]).toEqual([false, ['moved']])
    },
  )

  test('that ends the connection everybody on it is told, and the lane is over', async () => {
    const { lane, push, sent, socket, told } = await house()
    const rides = sent(3)
    const held = push()
    const wasLost: boolean[] = []
    for (const { flight } of rides) {
      const { owner } = flight
      const { landed } = owner
      owner.landed = (...how) => {
        wasLost.push(lane.isLost)
        landed(...how)
      }
    }
    socket.destroy()
    await settle()
    await settle()
    const ended = 'Connection terminated unexpectedly'
    expect(heardBy(rides)).toEqual([ended, ended, ended])
    // The first one's error is its own.
    expect([wasLost, held.heard]).toEqual([[false, true, true], ['moved']])
    expect([lane.isOpen, lane.depth, told.at(-1)]).toEqual([false, 0, 'emptied with 0'])
  })

  test('that is fatal the head has an error of its own, and those behind it the connection’s', async () => {
    const { lane, sent, socket } = await house()
    const rides = sent(2)
    socket.skip()
    await socket.say(errorResponse({ code: '57P01', severity: 'FATAL', message: 'by an administrator' }))
    expect(lane.isLost).toBe(true)
    socket.destroy()
    await settle()
    await settle()
    expect(heardBy(rides)).toEqual(['by an administrator', 'Connection terminated unexpectedly'])
  })
})
