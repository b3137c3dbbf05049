// One statement on one connection: what is said on the wire, and what becomes of the answer. The server is worked by hand.
import { describe, expect, test } from 'vitest'
import { handClient } from '../../../test/support/hand-server.ts'
import { settle } from '../../../test/support/manual-clock.ts'
import {
  complete,
  dataRow,
  describe as describeRow,
  errorResponse,
  message,
  ready,
} from '../../../test/support/wire.ts'
import type { QueryResult } from '../driver.ts'
import { connectionOf, setPipeline } from '../driver.ts'
import type { Owner, Statement } from './flight.ts'
import { Flight, isSeveral, together } from './flight.ts'
import { Names } from './names.ts'

const TEXT = 25

function statement(text: string, rest: Partial<Statement> = {}): Statement {
  return { text, values: undefined, name: undefined, rowMode: undefined, types: undefined, ...rest }
}

/** How a flight ended. */
interface Landing {
  readonly flight: Flight
  times: number
  error: (Error & { code?: string }) | undefined
  result: QueryResult | undefined
}

interface Types {
  setTypeParser(type: number, parse: (text: string) => unknown): void
}

interface How {
  /** What Sluice prepares it as. */
  readonly as?: string
  readonly simple?: boolean
}

async function connection({ capacity = 10, pipeline = false } = {}) {
  const { client, socket } = await handClient()
  if (pipeline) setPipeline(client, true)
  const names = new Names(client, capacity)
  const make = (what: Statement, { as, simple = false }: How = {}): Landing => {
    const owner: Owner = {
      landed: (_flight, error, result) => {
        landing.times += 1
        landing.error = error
        landing.result = result
      },
    }
    const flight = new Flight(what, as ?? what.name, simple, names, owner)
    const landing: Landing = { flight, times: 0, error: undefined, result: undefined }
    return landing
  }
  const send = (landing: Landing) => {
    client.query(landing.flight as never)
    return landing
  }
  const fly = (what: Statement, how?: How) => send(make(what, how))
  return { client, socket, names, make, send, fly }
}

/** Flies a statement under a name until its result is known. */
async function prepared(text = 'SELECT $1::int AS n') {
  const parts = await connection()
  const flyAs = (values: string[] = ['1'], rest: Partial<Statement> = {}) =>
    parts.fly(statement(text, { values, ...rest }), { as: 'sluice_a' })
  const first = flyAs()
  await parts.socket.answer()
  parts.socket.said()
  return { ...parts, first, flyAs }
}

function rowsOf({ result }: Landing): unknown {
  return result?.rows
}

describe('on the wire', () => {
  test('a text without values and name goes as it is', async () => {
    const { fly, socket } = await connection()
    const landing = fly(statement('SELECT 1 AS n'), { simple: true })
    expect([socket.said(), socket.packets]).toEqual([['query: SELECT 1 AS n'], 2])
    await socket.answer({ rows: [['1'], ['2']] })
    expect([rowsOf(landing), landing.result?.rowCount, landing.result?.command]).toEqual([
      [{ n: 1 }, { n: 2 }],
      2,
      'SELECT',
    ])
  })

  test('values go beside a text that is parsed for this one time, all in one packet', async () => {
    const { fly, socket } = await connection()
    const landing = fly(statement('SELECT $1', { values: ['5', null] }))
    expect(socket.said()).toEqual(['parse: SELECT $1', 'bind (5, null)', 'describe', 'execute', 'sync'])
    expect(socket.packets).toBe(2)
    await socket.answer({ rows: [['5']] })
    expect(rowsOf(landing)).toEqual([{ n: 5 }])
    fly(statement('SELECT $1', { values: ['6'] }))
    expect(socket.said()[0]).toBe('parse: SELECT $1')
  })

  test('what has a name is parsed and described once', async () => {
    const { flyAs, socket } = await prepared()
    flyAs(['2'])
    expect(socket.said()).toEqual(['bind sluice_a (2)', 'execute', 'sync'])
  })

  test('what was parsed by a statement still under way is not parsed again, but described', async () => {
    const { fly, socket } = await connection({ pipeline: true })
    const landings = ['1', '2'].map((value) =>
      fly(statement('SELECT $1', { values: [value] }), { as: 'sluice_a' }),
    )
    expect(socket.said().slice(5)).toEqual(['bind sluice_a (2)', 'describe', 'execute', 'sync'])
    await socket.answer({ rows: [['1']] })
    await socket.answer({ rows: [['2']] })
    expect(landings.map(rowsOf)).toEqual([[{ n: 1 }], [{ n: 2 }]])
  })

  test('a name counts as prepared only once the server has parsed it', async () => {
    const { fly, socket } = await connection()
    const failed = fly(statement('SELECT nowhere'), { as: 'sluice_a' })
    socket.said()
    await socket.refuse({ code: '42703' })
    expect(failed.error?.code).toBe('42703')
    fly(statement('SELECT nowhere'), { as: 'sluice_a' })
    expect(socket.said()[0]).toBe('parse sluice_a: SELECT nowhere')
  })

  test('a name stays prepared when its statement fails after it was parsed', async () => {
    const { fly, socket } = await connection()
    fly(statement('SELECT 1/$1', { values: ['0'] }), { as: 'sluice_a' })
    socket.said()
    await socket.refuse({ code: '22012' }, true)
    fly(statement('SELECT 1/$1', { values: ['1'] }), { as: 'sluice_a' })
    expect(socket.said()[0]).toBe('bind sluice_a (1)')
  })

  test('a statement of another text under the same name is refused as pg does it, and says nothing', async () => {
    const { fly, socket, client } = await connection()
    fly(statement('SELECT 1', { name: 'own' }))
    await socket.answer()
    socket.said()
    const other = fly(statement('SELECT 2', { name: 'own' }))
    expect(other.times).toBe(0)
    await settle()
    expect([other.times, other.error?.message, socket.said()]).toEqual([
      1,
      "Prepared statements must be unique - 'own' was used for a different statement",
      [],
    ])
    const next = client.query('SELECT 3')
    await socket.answer({ rows: [['3']] })
    expect((await next).rows).toEqual([{ n: 3 }])
  })

  test('what makes room for a new name is closed in front of it, in its packet, without a Sync of its own', async () => {
    const { fly, socket } = await connection({ capacity: 1 })
    fly(statement('SELECT 1'), { as: 'sluice_a' })
    await socket.answer()
    const before = socket.packets
    socket.said()
    const second = fly(statement('SELECT 2'), { as: 'sluice_b' })
    expect(socket.said()).toEqual([
      'close sluice_a',
      'parse sluice_b: SELECT 2',
      'bind sluice_b ()',
      'describe',
      'execute',
      'sync',
    ])
    expect(socket.packets - before).toBe(1)
    await socket.answer({ rows: [['2']] })
    expect([second.times, rowsOf(second)]).toEqual([1, [{ n: 2 }]])
  })

  test('what is sent together goes in one packet, in order', async () => {
    const { client, make, send, socket } = await connection({ pipeline: true })
    const landings = ['SELECT 1', 'SELECT 2', 'SELECT 3'].map((text) =>
      make(statement(text), { simple: true }),
    )
    together(connectionOf(client), () => {
      for (const landing of landings) send(landing)
      expect(socket.packets).toBe(1)
    })
    expect([socket.packets, socket.said()]).toEqual([
      2,
      ['query: SELECT 1', 'query: SELECT 2', 'query: SELECT 3'],
    ])
  })

  test('what was put together goes out although a later one could not be', async () => {
    const { client, make, send, socket } = await connection({ pipeline: true })
    expect(() =>
      together(connectionOf(client), () => {
        send(make(statement('SELECT 1'), { simple: true }))
        throw new Error('the next one')
      }),
    ).toThrow('the next one')
    expect(socket.said()).toEqual(['query: SELECT 1'])
    send(make(statement('SELECT 2'), { simple: true }))
    expect(socket.said()).toEqual(['query: SELECT 2'])
  })
})

describe('a result', () => {
  test('of a known shape has fields and types of its own', async () => {
    const { first, flyAs, socket } = await prepared()
    const second = flyAs()
    await socket.answer({ rows: [['7'], [null]] })
    expect(rowsOf(second)).toEqual([{ n: 7 }, { n: null }])
    expect(second.result?.fields).toEqual(first.result?.fields)
    expect(second.result?.fields).not.toBe(first.result?.fields)
    expect(second.result?.fields[0]).toMatchObject({ name: 'n', dataTypeID: 23 })
  })

  test('of a known shape without rows has its fields all the same', async () => {
    const { flyAs, socket } = await prepared()
    const second = flyAs()
    await socket.answer({ rows: [] })
    expect([rowsOf(second), second.result?.fields.length, second.result?.rowCount]).toEqual([[], 1, 0])
  })

  test('changes with the parsers of its client, shape or not', async () => {
    const { client, flyAs, socket } = await prepared()
    ;(
      client as unknown as { setTypeParser(type: number, parse: (text: string) => unknown): void }
    ).setTypeParser(23, (text) => `parsed ${text}`)
    const second = flyAs()
    await socket.answer({ rows: [['7']] })
    expect(rowsOf(second)).toEqual([{ n: 'parsed 7' }])
  })

  test('comes as arrays where its caller asked for them', async () => {
    const { flyAs, socket } = await prepared()
    const second = flyAs(['1'], { rowMode: 'array' })
    await socket.answer({ rows: [['7']] })
    expect(rowsOf(second)).toEqual([[7]])
  })

  test('is read with the caller’s own types, which nobody else is given', async () => {
    const own = { getTypeParser: () => (text: string) => `own ${text}` }
    const { fly, socket } = await connection()
    const flyAs = (given?: unknown) =>
      fly(statement('SELECT $1', { values: ['1'], types: given }), { as: 'sluice_a' })
    const landings = []
    for (const given of [own, undefined, own, undefined]) {
      landings.push(flyAs(given))
      await socket.answer({ rows: [['7']] })
    }
    expect(landings.map(rowsOf)).toEqual([[{ n: 'own 7' }], [{ n: 7 }], [{ n: 'own 7' }], [{ n: 7 }]])
    // The first one's shape is not kept; the second one's is.
    expect(socket.heard.filter((said) => said === 'describe')).toHaveLength(2)
  })

  test('of a statement that returns nothing is empty', async () => {
    const { fly, socket } = await connection()
    socket.fields = []
    for (let n = 0; n < 2; n++) {
      const landing = fly(statement('DELETE FROM t'), { as: 'sluice_a' })
      await socket.answer({ rows: [], tag: 'DELETE 3' })
      expect(landing.result).toMatchObject({ command: 'DELETE', rowCount: 3, rows: [], fields: [] })
    }
  })

  test('of an empty text is empty', async () => {
    const { fly, socket } = await connection()
    const landing = fly(statement(';'), { simple: true })
    socket.skip()
    await socket.say(message('I'), ready())
    expect(landing).toMatchObject({ times: 1, error: undefined, result: { rows: [], command: null } })
  })

  test('of several statements in one text is one for each', async () => {
    const { fly, socket } = await connection()
    const landing = fly(statement('SELECT 1; DELETE FROM t; SELECT 2'), { simple: true })
    socket.skip()
    await socket.say(
      describeRow(['a']),
      dataRow(['1']),
      complete('SELECT 1'),
      complete('DELETE 4'),
      describeRow([['b', TEXT]]),
      dataRow(['x']),
      dataRow(['y']),
      complete('SELECT 2'),
      ready(),
    )
    const results = landing.result as unknown as QueryResult[]
    expect(results.map(({ command, rowCount, rows }) => [command, rowCount, rows])).toEqual([
      ['SELECT', 1, [{ a: 1 }]],
      ['DELETE', 4, []],
      ['SELECT', 2, [{ b: 'x' }, { b: 'y' }]],
    ])
    expect(landing.times).toBe(1)
  })

  test('is counted in characters', async () => {
    const { fly, socket } = await connection()
    socket.fields = [
      ['a', TEXT],
      ['b', TEXT],
    ]
    const landing = fly(statement('SELECT'), { simple: true })
    await socket.answer({
      rows: [
        ['12345', '123'],
        ['12', null],
      ],
    })
    expect(landing.flight.size).toBe(10)
  })

  const reading = new Error('cannot be read')
  const unreadable = {
    getTypeParser: () => () => {
      throw reading
    },
  }

  test('with a value that cannot be read is an error, told once the server is ready', async () => {
    const { fly, socket } = await connection()
    const landing = fly(statement('SELECT 1', { types: unreadable }), { simple: true })
    socket.skip()
    await socket.say(describeRow(['n']), dataRow(['1']), dataRow(['2']), complete('SELECT 2'))
    expect(landing.times).toBe(0)
    await socket.say(ready())
    expect(landing).toMatchObject({ times: 1, error: reading, result: undefined })
  })

  test('of types that the caller’s own cannot name is an error of his alone', async () => {
    const { client, fly, socket } = await connection()
    const naming = new Error('no such type')
    const own = {
      getTypeParser: () => {
        throw naming
      },
    }
    for (const how of [{ simple: true }, { as: 'sluice_a' }, { as: 'sluice_b' }]) {
      const landing = fly(statement('SELECT 1', { types: own }), how)
      await socket.answer({ rows: [['1'], ['2']] })
      expect(landing).toMatchObject({ times: 1, error: naming, result: undefined })
    }
    const next = client.query('SELECT 3')
    await socket.answer({ rows: [['3']] })
    expect((await next).rows).toEqual([{ n: 3 }])
  })

  test('with a value that cannot be read keeps that error when another follows', async () => {
    const { fly, socket } = await connection()
    const landing = fly(statement('SELECT 1', { types: unreadable }), { simple: true })
    socket.skip()
    await socket.say(describeRow(['n']), dataRow(['1']), errorResponse({ code: '22012' }), ready())
    expect(landing).toMatchObject({ times: 1, error: reading })
  })
})

describe('the end', () => {
  test('is told at the error, once', async () => {
    const { fly, socket } = await connection()
    const landing = fly(statement('SELECT 1/0'), { simple: true })
    socket.skip()
    await socket.say(errorResponse({ code: '22012', message: 'division by zero' }))
    expect([landing.times, landing.error?.message]).toEqual([1, 'division by zero'])
    await socket.say(ready())
    expect(landing.times).toBe(1)
  })

  test('is told once, whoever tells of it again', async () => {
    const { fly, socket } = await connection()
    const landing = fly(statement('SELECT 1'), { simple: true })
    await socket.answer()
    landing.flight.handleError(new Error('late'))
    expect([landing.times, landing.error]).toEqual([1, undefined])
  })

  test('cannot come before the beginning: a statement counts as sent once pg has taken it', async () => {
    const { make, send } = await connection()
    const landing = make(statement('SELECT 1'), { simple: true })
    expect([landing.flight.sent, landing.flight.abandoned]).toEqual([false, false])
    send(landing)
    expect(landing.flight.sent).toBe(true)
  })

  test('comes with the connection’s', async () => {
    const { fly, socket } = await connection()
    const landing = fly(statement('SELECT 1'), { simple: true })
    socket.destroy()
    await settle()
    await settle()
    expect([landing.times, landing.error?.message]).toEqual([1, 'Connection terminated unexpectedly'])
  })

  test('lets its name go', async () => {
    const { fly, names, socket } = await connection({ capacity: 1 })
    fly(statement('SELECT 1'), { as: 'sluice_a' })
    await socket.refuse({})
    names.use('sluice_b')
    expect(names.toClose()).toEqual(['sluice_a'])
  })

  test('leaves the names of callers to them: they take no room and are never closed', async () => {
    const { fly, names, socket } = await connection({ capacity: 1 })
    fly(statement('SELECT 1', { name: 'own' }))
    await socket.answer()
    expect([names.size, names.shapeOf('own')]).toEqual([0, undefined])
  })
})

describe('an error after which a statement is sent once more', () => {
  type Said = Record<string, string | undefined>

  /** How it would be, of a statement under a name of Sluice's or its caller's, prepared before or not. */
  async function retried(said: Said, { own = false, known = true } = {}) {
    const { client, fly, names, socket } = await connection()
    const what = statement('SELECT 1', own ? { name: 'own' } : {})
    const how = own ? {} : { as: 'sluice_a' }
    if (known) {
      fly(what, how)
      await socket.answer()
    }
    const { flight } = fly(what, how)
    const retry = flight.mayRetry(Object.assign(new Error(said.message ?? 'refused'), said))
    const isForgotten = connectionOf(client).parsedStatements[flight.name as string] === undefined
    return [retry, isForgotten, names.toClose()]
  }

  test('is that the server does not have it: without a name, since many may rely on one Parse that failed', async () => {
    expect(await retried({ code: '26000' })).toEqual([true, true, []])
    expect(await retried({ code: '26000' }, { own: true })).toEqual([true, true, []])
  })

  test('is that it has another one of that name, which is closed', async () => {
    expect(await retried({ code: '42P05' }, { known: false })).toEqual([true, true, ['sluice_a']])
    expect(await retried({ code: '42P05' }, { own: true })).toEqual([true, true, ['own']])
  })

  test('is that its result has changed', async () => {
    const changed = { code: '0A000', routine: 'RevalidateCachedQuery' }
    expect(await retried(changed)).toEqual([true, true, ['sluice_a']])
    expect(await retried(changed, { own: true })).toEqual([true, true, ['own']])
    expect(await retried({ code: '0A000', routine: 'transformStmt' })).toEqual([false, false, []])
  })

  test('is that its parts have changed since it was prepared', async () => {
    expect(await retried({ code: '42703' })).toEqual([true, true, ['sluice_a']])
  })

  test('is none of class 42 where the statement itself is wrong, or a function that it runs', async () => {
    expect(await retried({ code: '42703' }, { known: false })).toEqual([false, true, []])
    expect(await retried({ code: '42703', where: 'PL/pgSQL function f()' })).toEqual([false, false, []])
    expect(await retried({ code: '42703' }, { own: true })).toEqual([false, false, []])
  })

  test('is one that would tell its caller of a name that he never gave', async () => {
    const message = 'prepared statement "sluice_a" is odd'
    expect((await retried({ code: '55000', message }))[0]).toBe(true)
    expect((await retried({ code: '55000', message: 'own' }, { own: true }))[0]).toBe(false)
  })

  test('is none of those that say that it has run, or that came from elsewhere', async () => {
    for (const code of ['22012', '23505', '40001', '57014', undefined])
      expect(await retried({ code })).toEqual([false, false, []])
  })

  test('is none of a statement without a name', async () => {
    const { fly } = await connection()
    const { flight } = fly(statement('SELECT 1'), { simple: true })
    expect(flight.mayRetry(Object.assign(new Error('gone'), { code: '26000' }))).toBe(false)
  })

  test('is mended once for all that were under way with it', async () => {
    const { client, fly, names, socket } = await connection({ pipeline: true })
    const flyAs = () => fly(statement('SELECT 1'), { as: 'sluice_a' })
    flyAs()
    await socket.answer()
    const [one, two] = [flyAs(), flyAs()]
    const lost = Object.assign(new Error('changed'), { code: '0A000', routine: 'RevalidateCachedQuery' })
    expect(one.flight.mayRetry(lost)).toBe(true)
    const { parsedStatements } = connectionOf(client) as { parsedStatements: Record<string, string> }
    parsedStatements.sluice_a = 'SELECT 1'
    expect([two.flight.mayRetry(lost), parsedStatements.sluice_a]).toEqual([true, 'SELECT 1'])
    expect(names.toClose()).toEqual(['sluice_a'])
  })
})

describe('a text of several statements', () => {
  const refused = Object.assign(new Error('cannot insert multiple commands into a prepared statement'), {
    code: '42601',
  })

  test('is told by the server’s refusal to prepare it', () => {
    expect(isSeveral(refused, statement('SELECT 1; SELECT 2'))).toBe(true)
    expect(isSeveral(refused, statement('SELECT 1; SELECT 2', { values: [] }))).toBe(true)
    expect(isSeveral(Object.assign(new Error('syntax error'), { code: '42601' }), statement('x'))).toBe(false)
    expect(isSeveral(new Error(refused.message), statement('x'))).toBe(false)
  })

  test('cannot go any other way with values, or under a name', () => {
    expect(isSeveral(refused, statement('SELECT $1; SELECT 2', { values: ['1'] }))).toBe(false)
    expect(isSeveral(refused, statement('SELECT 1; SELECT 2', { name: 'own' }))).toBe(false)
  })
})

test('pg lets a flight into a pipeline, as it does with its own queries only', async () => {
  const { fly, socket } = await connection({ pipeline: true })
  const landing = fly(statement('SELECT 1'), { simple: true })
  await socket.answer()
  expect(landing.error).toBeUndefined()
})

describe('rows in binary', () => {
  async function asked({ first = {}, second = {}, parser = false } = {}) {
    const { client, socket } = await handClient()
    const names = new Names(client, 10, true)
    const owner: Owner = { landed: () => undefined }
    const fly = (rest: Partial<Statement>) => {
      const flight = new Flight(
        statement('SELECT $1', { values: ['1'], ...rest }),
        'sluice_a',
        false,
        names,
        owner,
      )
      client.query(flight as never)
      return flight
    }
    const isRaw = [fly(first).isRaw]
    await socket.answer()
    if (parser) (client as unknown as Types).setTypeParser(23, (text) => text)
    isRaw.push(fly(second).isRaw)
    return isRaw
  }

  test('are asked for where the shape is known and read as pg reads it', async () => {
    expect(await asked()).toEqual([false, true])
  })

  test('are not asked for by a caller with types of his own', async () => {
    expect(await asked({ second: { types: { getTypeParser: () => String } } })).toEqual([false, false])
  })

  test('are not asked for once somebody reads the type in another way', async () => {
    expect(await asked({ parser: true })).toEqual([false, false])
  })
})
