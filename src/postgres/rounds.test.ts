import { describe, expect, test } from 'vitest'
import type { HandPool } from '../../test/support/hand-pool.ts'
import { handPool } from '../../test/support/hand-pool.ts'
import type { HandSocket } from '../../test/support/hand-server.ts'
import { settle } from '../../test/support/manual-clock.ts'
import { SluiceError } from '../base/errors.ts'
import type { Lease } from '../core/lease.ts'
import type { PoolOptions } from '../core/options.ts'
import type { Doing } from './backend.ts'
import type { Client } from './driver.ts'
import { Rounds } from './rounds.ts'
import type { Reach } from './side.ts'

/** The server's address, as the test has it: it says what is asked, or keeps the questions for later. */
class Address {
  asked = 0
  answer: Reach | 'later' = { is: 'answers' }
  /** What the session of whoever is asked about does. */
  doing: Doing = 'works'
  readonly later: ((reach: Reach) => void)[] = []

  reach(): Promise<Reach> {
    this.asked += 1
    const { answer } = this
    return answer === 'later' ? new Promise((resolve) => this.later.push(resolve)) : Promise.resolve(answer)
  }
}

const ANSWERS: Reach = { is: 'answers' }
const SILENT: Reach = { is: 'silent', why: 'no answer within 2000 ms' }

interface House extends HandPool {
  readonly rounds: Rounds
  readonly address: Address
}

interface Limits {
  readonly silence?: number
  readonly resting?: number
}

function build(limits: Limits = {}, options: PoolOptions = {}): House {
  const parts = handPool({ max: 3, closeTimeoutMillis: 20_000, ...options })
  const { clock, engine, sessions } = parts
  const address = new Address()
  const rounds = new Rounds({
    engine,
    clock,
    silenceMillis: limits.silence ?? 5_000,
    idleInTransactionMillis: limits.resting ?? Number.POSITIVE_INFINITY,
    someClient: () => sessions.clients.at(-1),
    reach: () => address.reach(),
    doing: () => Promise.resolve(address.doing),
    cut: (client, error) => sessions.cut(client, error),
    letGo: () => sessions.letGo(),
    giveUpClose: (client) => sessions.giveUpClose(client),
    numbers: () => engine.numbers(),
  })
  engine.attach(rounds.hooks)
  return { ...parts, rounds, address }
}

/** A lease with a statement under way on it, and how that ends: undefined as long as it has not. */
async function busy(house: House): Promise<{ lease: Lease<Client>; socket: HandSocket; end: Ended }> {
  const lease = await house.lend()
  const end = ask(lease.resource)
  await settle()
  return { lease, socket: house.server.sockets.at(-1) as HandSocket, end }
}

interface Ended {
  error: unknown
  is: 'under way' | 'answered' | 'failed'
}

function ask(client: Client, text = 'SELECT 1'): Ended {
  const end: Ended = { error: undefined, is: 'under way' }
  client.query(text).then(
    () => {
      end.is = 'answered'
    },
    (error: unknown) => {
      Object.assign(end, { is: 'failed', error })
    },
  )
  return end
}

describe('silence on a lent connection', () => {
  test('is nothing while no statement is under way', async () => {
    const house = build()
    await house.lend()
    await house.clock.advance(60_000)
    expect(house.address.asked).toBe(0)
  })

  test('lets the server be asked, and is borne as long as that answers', async () => {
    const house = build()
    const { socket, end } = await busy(house)
    await house.clock.advance(4_000)
    expect(house.address.asked).toBe(0)
    await house.clock.advance(60_000)
    // Each answer is good for as long as the silence may last.
    expect(house.address.asked).toBeGreaterThan(8)
    expect(house.address.asked).toBeLessThan(14)
    expect(end.is).toBe('under way')
    await socket.answer()
    expect(end.is).toBe('answered')
  })

  test.each(['rests', 'gone'] as const)(
    'cuts the connection where its session %s, asked twice because an answer may be on its way',
    async (doing) => {
      const house = build()
      const { end } = await busy(house)
      house.address.doing = doing
      await house.clock.advance(6_000)
      expect([house.address.asked, end.is]).toEqual([1, 'under way'])
      await house.clock.advance(2_000)
      expect(end).toMatchObject({
        is: 'failed',
        error: {
          code: 'SLUICE_CONNECTION_LOST',
          outcome: 'unknown',
          message: expect.stringContaining('its session does nothing for this connection'),
        },
      })
    },
  )

  test('is borne by an answer that comes after the first question', async () => {
    const house = build()
    const { socket, end, lease } = await busy(house)
    house.address.doing = 'rests'
    await house.clock.advance(6_000)
    await socket.answer()
    expect(end.is).toBe('answered')
    const next = ask(lease.resource)
    await house.clock.advance(4_000)
    expect(next.is).toBe('under way')
  })

  test('cuts the connection where the server is away, and says what is known', async () => {
    const house = build()
    const { lease, end } = await busy(house)
    house.address.answer = SILENT
    await house.clock.advance(8_000)
    expect(end.is).toBe('failed')
    expect(SluiceError.is(end.error)).toBe(true)
    expect(end.error).toMatchObject({
      code: 'SLUICE_CONNECTION_LOST',
      outcome: 'unknown',
      phase: 'query',
      message: expect.stringMatching(
        /nothing was heard from the server for \d,\d{3} ms .*no answer within 2000 ms/,
      ),
    })
    lease.release()
    await settle()
    expect(house.engine.stats()).toMatchObject({ closing: 1, lost: 0 })
    await house.clock.advance(20_000)
    expect(house.engine.stats()).toMatchObject({ total: 0, lost: 1 })
  })

  test('is not judged by a single question that is lost', async () => {
    const house = build()
    const { end } = await busy(house)
    await house.clock.advance(5_500)
    for (let n = 0; n < 10; n++) {
      house.address.answer = SILENT
      await house.clock.advance(1_000)
      house.address.answer = ANSWERS
      await house.clock.advance(10_000)
    }
    expect([end.is, house.engine.stats().generation]).toEqual(['under way', 0])
  })

  test('is not judged by what was known before the connection was heard of', async () => {
    const house = build()
    house.address.answer = 'later'
    const { lease, socket } = await busy(house)
    await house.clock.advance(6_500)
    await socket.answer()
    await house.clock.advance(1_000)
    const next = ask(lease.resource)
    await house.clock.advance(100)
    for (const tell of house.address.later) tell({ is: 'refused', why: 'connect ECONNREFUSED' })
    await settle()
    expect(next.is).toBe('under way')
  })

  test('cuts the connection at once where the address refuses', async () => {
    const house = build()
    const { end } = await busy(house)
    house.address.answer = { is: 'refused', why: 'connect ECONNREFUSED' }
    await house.clock.advance(6_100)
    expect(end).toMatchObject({ is: 'failed', error: { code: 'SLUICE_CONNECTION_LOST' } })
  })

  test('ends with any byte that comes', async () => {
    const house = build()
    const { socket, end } = await busy(house)
    house.address.answer = SILENT
    for (let n = 0; n < 10; n++) {
      await house.clock.advance(4_000)
      // The server tells a setting.
      await socket.say(Buffer.from('S\0\0\0\x08a\0b\0', 'latin1'))
    }
    expect([end.is, house.address.asked]).toEqual(['under way', 0])
  })

  test('is counted from the loan on, not from the last look at a loan before', async () => {
    const house = build()
    const { lease, socket } = await busy(house)
    await house.clock.advance(2_000)
    await socket.answer()
    await house.clock.advance(2_000)
    lease.release()
    await house.clock.advance(9_000)
    house.address.answer = SILENT
    const again = await house.lend()
    const end = ask(again.resource)
    await house.clock.advance(4_000)
    expect([end.is, house.address.asked]).toEqual(['under way', 0])
  })

  test('is not judged by an answer that was overtaken by a statement’s own', async () => {
    const house = build()
    house.address.answer = 'later'
    const { socket, end } = await busy(house)
    await house.clock.advance(6_500)
    expect(house.address.later.length).toBeGreaterThan(0)
    await socket.answer()
    for (const tell of house.address.later) tell(SILENT)
    await settle()
    expect(end.is).toBe('answered')
    expect(house.sessions.clients).toHaveLength(1)
  })

  test('is not judged by an older answer than the last', async () => {
    const house = build()
    house.address.answer = 'later'
    const { end } = await busy(house)
    await house.clock.advance(8_500)
    const [older, newer] = house.address.later
    newer?.(ANSWERS)
    await settle()
    older?.(SILENT)
    await settle()
    expect(end.is).toBe('under way')
  })

  test('says nothing where the address could not be asked', async () => {
    const house = build()
    house.address.answer = { is: 'unknown', why: 'getaddrinfo ENOTFOUND' }
    const { end } = await busy(house)
    await house.clock.advance(60_000)
    expect(end.is).toBe('under way')
  })

  test('does not touch a connection that is being closed by then', async () => {
    const house = build()
    house.address.answer = 'later'
    const { lease, end } = await busy(house)
    await house.clock.advance(6_500)
    lease.release(new Error('enough'))
    await settle()
    expect(end).toMatchObject({ is: 'failed', error: { message: 'Connection terminated' } })
    for (const tell of house.address.later) tell(SILENT)
    await settle()
    // It counts until the server has let go or the time is over.
    expect(house.engine.stats()).toMatchObject({ closing: 1 })
  })

  test('is nobody’s business without a limit', async () => {
    const house = build({ silence: Number.POSITIVE_INFINITY })
    const { end } = await busy(house)
    house.address.answer = SILENT
    await house.clock.advance(600_000)
    expect([end.is, house.address.asked]).toEqual(['under way', 0])
  })
})

describe('a server that is back', () => {
  test('makes room of what was cut, at once', async () => {
    const house = build({}, { max: 1 })
    const { lease } = await busy(house)
    house.address.answer = SILENT
    await house.clock.advance(8_000)
    lease.release()
    await settle()
    expect(house.engine.stats()).toMatchObject({ closing: 1 })
    // No client is left that knows the address.
    expect(house.sessions.clients).toEqual([])
    house.address.answer = ANSWERS
    await house.clock.advance(1_000)
    expect(house.engine.stats()).toMatchObject({ closing: 0, lost: 1 })
    await house.lend()
  })

  test('ends what was sent into its absence and is not answered, but not at once', async () => {
    const house = build()
    await busy(house)
    const late = await house.lend()
    await house.clock.advance(4_000)
    house.address.answer = SILENT
    await house.clock.advance(2_000)
    const end = ask(late.resource)
    await house.clock.advance(1_000)
    house.address.answer = ANSWERS
    await house.clock.advance(4_000)
    expect(end.is).toBe('under way')
    await house.clock.advance(4_000)
    expect(end).toMatchObject({ is: 'failed', error: { code: 'SLUICE_CONNECTION_LOST', outcome: 'unknown' } })
  })

  test('goes on with what it was doing before', async () => {
    const house = build()
    const { end } = await busy(house)
    await house.clock.advance(8_000)
    const second = await busy(house)
    await house.clock.advance(4_600)
    house.address.answer = SILENT
    // The one that was asked last is the one that hangs; the first was heard of in between.
    await house.clock.advance(600)
    expect([end.is, second.end.is]).toEqual(['under way', 'under way'])
  })

  test('forgets nobody: the rounds keep no timer that holds the process up', async () => {
    const house = build()
    await busy(house)
    house.address.answer = SILENT
    await house.clock.advance(3_000)
    expect(house.clock.armed('held')).toBe(0)
  })
})

describe('a transaction in which nothing happens', () => {
  async function begun(limits: Limits = { resting: 3_000 }) {
    const house = build(limits)
    const lease = await house.lend()
    const socket = house.server.sockets[0] as HandSocket
    const end = ask(lease.resource, 'BEGIN')
    await settle()
    await socket.answer({ tag: 'BEGIN', status: 'T', rows: [] })
    expect(end.is).toBe('answered')
    return { house, lease, socket }
  }

  test('is taken back from its holder, who is told why', async () => {
    const { house, lease } = await begun()
    await house.clock.advance(2_000)
    expect(house.engine.stats()).toMatchObject({ leased: 1 })
    await house.clock.advance(3_000)
    expect(house.engine.stats()).toMatchObject({ total: 0, closed: { abandoned: 1 } })
    expect(() => lease.resource).toThrow(
      expect.objectContaining({ code: 'SLUICE_TRANSACTION_TIMEOUT', phase: 'query' }),
    )
    lease.release()
    expect(() => lease.release()).toThrow('already been released')
  })

  test('is left alone while statements run in it', async () => {
    const { house, lease, socket } = await begun()
    for (let n = 0; n < 5; n++) {
      await house.clock.advance(2_000)
      const end = ask(lease.resource)
      await settle()
      await socket.answer({ status: 'T' })
      expect(end.is).toBe('answered')
    }
    ask(lease.resource)
    await house.clock.advance(20_000)
    expect(house.engine.stats()).toMatchObject({ leased: 1, closed: {} })
  })

  test('is left alone where no limit was set, and so is a lease outside a transaction', async () => {
    const { house } = await begun({})
    await house.clock.advance(60_000)
    expect(house.engine.stats()).toMatchObject({ leased: 1 })
    const other = build({ resting: 1_000 })
    await other.lend()
    await other.clock.advance(60_000)
    expect(other.engine.stats()).toMatchObject({ leased: 1 })
  })

  test('is known by how long it has rested', async () => {
    const { house, lease } = await begun({})
    const client = lease.resource
    await house.clock.advance(10_000)
    const millis = house.rounds.restingMillis(client, house.clock.now())
    expect(millis).toBeGreaterThan(8_000)
    expect(millis).toBeLessThanOrEqual(10_000)
    ask(client)
    await house.clock.advance(1_000)
    expect(house.rounds.restingMillis(client, house.clock.now())).toBe(0)
  })
})
