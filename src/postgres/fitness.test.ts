import pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { HandSocket } from '../../test/support/hand-server.ts'
import { HandServer } from '../../test/support/hand-server.ts'
import { settle } from '../../test/support/manual-clock.ts'
import type { Refusal } from '../../test/support/wire.ts'
import { message } from '../../test/support/wire.ts'
import type { Reusable } from '../core/driver.ts'
import type { Client } from './driver.ts'
import type { FitnessParts } from './fitness.ts'
import { Fitness } from './fitness.ts'

interface House {
  readonly client: Client
  readonly socket: HandSocket
  readonly fitness: Fitness
  readonly told: string[]
  /** The server tells a setting. */
  tell(name: string, value: string): Promise<void>
  /** A statement that fails. */
  fail(refusal: Refusal): Promise<void>
  /** What becomes of the connection; what is asked meanwhile is answered with `readonly`. */
  judge(readOnly?: 't' | 'f'): Promise<Reusable>
}

async function build(parts: Partial<FitnessParts> = {}, known?: Fitness): Promise<House> {
  const server = new HandServer()
  const told: string[] = []
  const own: FitnessParts = {
    classify: undefined,
    targetSessionAttrs: undefined,
    onGone: () => told.push('gone'),
    onEnding: () => told.push('ending'),
  }
  const fitness = known ?? new Fitness({ ...own, ...parts })
  const client = new pg.Client({ user: 'test', stream: server.stream }) as unknown as Client
  client.on('error', () => undefined)
  fitness.watch(client)
  await (client as unknown as pg.Client).connect()
  const socket = server.sockets[0] as HandSocket
  socket.fields = [['readonly', 16]]
  const answer = async (readOnly: string | undefined) => {
    await settle()
    if (socket.waiting > 0) await socket.answer({ rows: [[readOnly ?? 'f']] })
  }
  return {
    client,
    socket,
    fitness,
    told,
    tell: (name, value) => socket.say(message('S', Buffer.from(`${name}\0${value}\0`))),
    fail: async (refusal) => {
      const asked = client.query('SELECT 1').catch(() => undefined)
      await settle()
      await socket.refuse(refusal)
      await asked
    },
    judge: async (readOnly) => {
      const verdict = fitness.judge(client)
      await answer(readOnly)
      return verdict
    },
  }
}

/** A connection to a server that took writes when it was opened. */
async function writable(parts?: Partial<FitnessParts>): Promise<House> {
  const house = await build(parts)
  await house.tell('in_hot_standby', 'off')
  await house.tell('default_transaction_read_only', 'off')
  await house.fitness.admit(house.client)
  return house
}

const READ_ONLY: Refusal = { code: '25006', message: 'cannot execute INSERT in a read-only transaction' }

describe('a connection', () => {
  test('on which nothing was said is fit, and so is one that is not known', async () => {
    const { client, fitness, judge } = await writable()
    expect([fitness.isFit(client), await judge()]).toEqual([true, true])
    expect([fitness.isFit({} as Client), fitness.judge({} as Client)]).toEqual([true, true])
  })

  test('is kept after an error that is about the statement', async () => {
    const { fail, judge, socket } = await writable()
    await fail({ code: '23505' })
    socket.said()
    expect([await judge(), socket.heard]).toEqual([true, []])
  })

  test('is closed after an error that speaks against it, whatever is said afterwards', async () => {
    const { client, fail, fitness, judge, told } = await writable()
    await fail({ code: '08006' })
    await fail(READ_ONLY)
    expect([fitness.isFit(client), await judge(), told]).toEqual([false, 'unfit', []])
  })

  test('tells once that all must go, however often the server says so', async () => {
    const { fail, judge, told } = await writable()
    await fail({ code: '57P03' })
    await fail({ code: '57P03' })
    expect([await judge(), told]).toEqual(['unfit', ['gone']])
  })
})

describe('a write that is refused as read-only', () => {
  test('lets the server be asked when the connection is at rest, and all go where it takes no writes', async () => {
    const { client, fail, fitness, judge, socket, told } = await writable()
    await fail(READ_ONLY)
    expect([fitness.isFit(client), told]).toEqual([false, []])
    socket.said()
    expect([await judge('t'), told]).toEqual(['unfit', ['gone']])
    expect(socket.heard).toEqual([expect.stringContaining('pg_is_in_recovery()')])
  })

  test('was its holder’s own wish where the server takes writes', async () => {
    const { client, fail, fitness, judge, told } = await writable()
    await fail(READ_ONLY)
    expect([await judge('f'), told, fitness.isFit(client)]).toEqual([true, [], true])
  })

  test('says nothing new of a server that never took any', async () => {
    const house = await build()
    await house.tell('in_hot_standby', 'on')
    await house.tell('default_transaction_read_only', 'off')
    await house.fitness.admit(house.client)
    await house.fail(READ_ONLY)
    expect([house.fitness.isFit(house.client), await house.judge()]).toEqual([true, true])
  })

  test('on a connection to a server that took none costs that one alone, where others did', async () => {
    const { fitness, told } = await writable()
    const late = await build({}, fitness)
    await late.tell('in_hot_standby', 'off')
    await late.tell('default_transaction_read_only', 'on')
    await fitness.admit(late.client)
    expect(await late.judge()).toBe(true)
    await late.fail(READ_ONLY)
    expect([await late.judge('t'), told]).toEqual(['unfit', []])
  })

  test('says nothing of a server that does not tell its role', async () => {
    const { client, fail, fitness } = await build()
    await fitness.admit(client)
    await fail(READ_ONLY)
    expect(fitness.isFit(client)).toBe(true)
  })

  test('says nothing where any server will do', async () => {
    const { client, fail, fitness } = await writable({ targetSessionAttrs: 'any' })
    await fail(READ_ONLY)
    expect(fitness.isFit(client)).toBe(true)
  })
})

test.each(['in_hot_standby', 'default_transaction_read_only'])(
  'a server that tells in passing that %s is on is asked, and once more when it tells so again',
  async (name) => {
    const { judge, tell, told } = await writable()
    await tell(name, 'on')
    expect([await judge('f'), told]).toEqual([true, []])
    await tell(name, 'off')
    expect(await judge()).toBe(true)
    await tell(name, 'on')
    expect([await judge('t'), told]).toEqual(['unfit', ['gone']])
  },
)

test('other settings say nothing', async () => {
  const { client, fitness, tell } = await writable()
  await tell('application_name', 'on')
  expect(fitness.isFit(client)).toBe(true)
})

describe('where writes are needed', () => {
  const needsWrites = { targetSessionAttrs: 'read-write' } as const

  test('a server that tells that it takes none is refused without being asked', async () => {
    const { client, fitness, socket, tell } = await build(needsWrites)
    await tell('in_hot_standby', 'on')
    await tell('default_transaction_read_only', 'off')
    await expect(fitness.admit(client)).rejects.toMatchObject({ code: 'SLUICE_OPEN_FAILED', phase: 'open' })
    expect(socket.heard).toEqual([])
  })

  test.each([
    ['t', 'refused'],
    ['f', 'admitted'],
  ])('a server that does not tell is asked, and with %s is %s', async (readOnly, end) => {
    const { client, fitness, socket } = await build(needsWrites)
    const admitted = fitness.admit(client).then(
      () => 'admitted',
      () => 'refused',
    )
    await settle()
    await socket.answer({ rows: [[readOnly]] })
    expect(await admitted).toBe(end)
  })
})

describe('a session that the server ends', () => {
  test('casts doubt on the others before its caller hears of it', async () => {
    const { client, socket, told } = await writable()
    const asked = client.query('SELECT 1').catch(() => told.push('caller'))
    await settle()
    await socket.refuse({ code: '57P01', severity: 'FATAL' })
    await asked
    expect(told).toEqual(['ending', 'caller'])
  })

  test('because of what its holder left undone says nothing of the others', async () => {
    const { fail, judge, told } = await writable()
    await fail({ code: '25P03', severity: 'FATAL' })
    await fail({ code: '57P05', severity: 'FATAL' })
    expect([await judge(), told]).toEqual(['unfit', []])
  })

  test('before it is open says nothing of the others', async () => {
    const { fail, told } = await build()
    await fail({ code: '53300', severity: 'FATAL' })
    expect(told).toEqual([])
  })
})

describe('the caller’s own opinion', () => {
  test('is asked with Sluice’s, and counts', async () => {
    const heard: unknown[] = []
    const { fail, judge, told } = await writable({
      classify: ({ message: text }, verdict) => {
        heard.push([text, verdict])
        return text === 'all' ? 'renew' : 'keep'
      },
    })
    await fail({ code: '08006', message: 'one' })
    expect([await judge(), told]).toEqual([true, []])
    await fail({ code: '23505', message: 'all' })
    expect([await judge(), told]).toEqual(['unfit', ['gone']])
    expect(heard).toEqual([
      ['one', 'retire'],
      ['all', 'keep'],
    ])
  })
})
