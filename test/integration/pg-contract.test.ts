/** The private fields of pg that src/postgres/driver.ts touches: a release of pg that changes one fails here, by name. */
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import * as door from '../../src/postgres/driver.ts'
import { Packet } from '../../src/postgres/lanes/packet.ts'
import * as results from '../../src/postgres/results.ts'
import { scriptedServer } from '../dropin/scripted-server.ts'
import { databaseUrl } from '../support/postgres.ts'

test('pg’s client has the inside that Sluice reads, and it means what Sluice takes it for', async () => {
  const client = new pg.Client({ connectionString: databaseUrl() })
  const inside = client as unknown as Record<string, unknown>
  expect(Object.keys(inside)).toEqual(
    expect.arrayContaining([
      '_queryable',
      '_ending',
      '_ended',
      '_activeQuery',
      '_queryQueue',
      '_sentQueryQueue',
      'pipeline',
    ]),
  )
  expect(typeof inside._errorAllQueries).toBe('function')
  expect([door.hasWire(client), door.isBusy(client), door.isDead(client)]).toEqual([true, false, false])
  await client.connect()
  expect(inside.readyForQuery).toBe(true)
  expect(door.processIdOf(client)).toBeGreaterThan(0)
  expect(inside.secretKey).toEqual(expect.any(Number))
  expect([door.isBusy(client), door.isInTransaction(client), door.canPipeline(client)]).toEqual([
    false,
    false,
    true,
  ])

  const running = client.query('BEGIN')
  expect(door.isBusy(client)).toBe(true)
  await running
  expect([door.isBusy(client), door.isInTransaction(client)]).toEqual([false, true])
  await client.query('SELECT 1/0').catch(() => undefined)
  expect(door.isInTransaction(client)).toBe(true)
  await client.query('ROLLBACK')
  expect(door.isInTransaction(client)).toBe(false)

  const closed = door.socketClosed(client)
  await client.end()
  await closed
  expect(door.isDead(client)).toBe(true)
  await door.socketClosed(client)
})

test('an error leaves the client busy until the server is ready, and drain tells that it is', async () => {
  const client = new pg.Client({ connectionString: databaseUrl() })
  await client.connect()
  const drained = new Promise<boolean>((resolve) => client.once('drain', () => resolve(door.isBusy(client))))
  const busyAtError = await new Promise((resolve) => {
    client.query('SELECT 1/0', () => resolve(door.isBusy(client)))
  })
  expect([busyAtError, await drained]).toEqual([true, false])
  await client.end()
})

test('a half-closed client fails its callers at once and closes when the server has read the goodbye', async () => {
  const client = new pg.Client({ connectionString: databaseUrl() })
  await client.connect()
  // What the statement still answers has nobody to go to, and pg calls that an error of the client.
  client.on('error', () => undefined)
  const asked = client.query('SELECT pg_sleep(0.2)').catch((error: Error) => error.message)
  const closed = door.socketClosed(client)
  const from = performance.now()
  door.halfClose(client, new Error('Connection terminated'))
  expect(await asked).toBe('Connection terminated')
  expect(performance.now() - from).toBeLessThan(100)
  await closed
  expect(performance.now() - from).toBeGreaterThan(150)
})

test('the pipeline cannot be switched while a statement is in flight', async () => {
  const client = new pg.Client({ connectionString: databaseUrl() })
  await client.connect()
  const running = client.query('SELECT 1')
  expect(() => door.setPipeline(client, true)).toThrow(
    'BUG: the pipeline is switched while statements are in flight',
  )
  await running
  await client.end()
})

test('values are serialised as pg would', () => {
  expect([door.serialize(null), door.serialize(5), door.serialize([1, 'a'])]).toEqual([
    null,
    '5',
    '{"1","a"}',
  ])
})

// What lanes rely on ---------------------------------------------------------------------------------------------------

/** A query that says what is given on the wire, and notes in words what pg calls on it. */
class Probe {
  readonly heard: string[] = []
  readonly values: unknown[] = []
  readonly ended: Promise<void>
  name: string | undefined
  text = ''
  #end: () => void = () => undefined
  readonly #bytes: (packet: Packet) => void

  constructor(bytes: (packet: Packet) => void) {
    this.#bytes = bytes
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  submit(connection: object): Error | null {
    this.heard.push('submit')
    const packet = new Packet()
    this.#bytes(packet)
    door.writeTo(connection, packet.take())
    return null
  }

  handleRowDescription({ fields }: { fields: { name: string }[] }): void {
    this.heard.push(`fields ${fields.map(({ name }) => name).join(' ')}`)
  }

  handleDataRow({ fields }: { fields: unknown[] }): void {
    this.heard.push('row')
    this.values.push(...fields)
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.heard.push(`complete ${text}`)
  }

  handleEmptyQuery(): void {
    this.heard.push('empty')
  }

  handleError(error: Error): void {
    this.heard.push(`error ${error.message}`)
    this.#end()
  }

  handleReadyForQuery(): void {
    this.heard.push('ready')
    this.#end()
  }
}

/** A probe that pg takes for a query of its own. */
function probe(bytes: (packet: Packet) => void, named: { name?: string; text?: string } = {}): Probe {
  const made = new Probe(bytes)
  Object.setPrototypeOf(Object.getPrototypeOf(made), door.queryPrototype)
  return Object.assign(made, named)
}

function simple(text: string): Probe {
  return probe((packet) => packet.query(text))
}

/** Says a statement in the extended protocol. */
function extended(text: string, name = '', parse = true): (packet: Packet) => void {
  return (packet) => {
    if (parse) packet.parse(text, name)
    packet.bind(name, [])
    packet.describe()
    packet.execute()
    packet.sync()
  }
}

async function withClient(use: (client: pg.Client) => Promise<void>, pipeline = true): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl() })
  await client.connect()
  if (pipeline) door.setPipeline(client, true)
  await use(client)
  await client.end()
}

function send(client: pg.Client, query: object): void {
  client.query(query as never)
}

describe('in pipeline mode', () => {
  test('pg submits at once, whatever is under way, and answers in order, calling what it always calls', async () => {
    await withClient(async (client) => {
      const probes = [simple('SELECT 1 AS a'), probe(extended('SELECT 2 AS b')), simple('')]
      for (const one of probes) send(client, one)
      expect(probes.map(({ heard }) => heard)).toEqual([['submit'], ['submit'], ['submit']])
      await Promise.all(probes.map(({ ended }) => ended))
      expect(probes.map(({ heard }) => heard.slice(1))).toEqual([
        ['fields a', 'row', 'complete SELECT 1', 'ready'],
        ['fields b', 'row', 'complete SELECT 1', 'ready'],
        ['empty', 'ready'],
      ])
      expect(probes.map(({ values }) => values)).toEqual([['1'], ['2'], []])
    })
  })

  test('pg takes its own queries only, which it tells by their prototype', async () => {
    await withClient(async (client) => {
      class Stranger extends Probe {}
      Object.setPrototypeOf(
        Stranger.prototype,
        Object.create(null, Object.getOwnPropertyDescriptors(Probe.prototype)),
      )
      const stranger = new Stranger((packet) => packet.query('SELECT 1'))
      send(client, stranger)
      await stranger.ended
      expect(stranger.heard).toEqual([expect.stringContaining('not supported in pipeline mode')])
      expect(simple('SELECT 1')).toBeInstanceOf(pg.Query)
    })
  })

  test('an error that submit returns is told a moment later, and what is behind it is answered', async () => {
    await withClient(async (client) => {
      const refused = simple('SELECT 1')
      refused.submit = () => new Error('not sent')
      const next = simple('SELECT 2')
      send(client, refused)
      send(client, next)
      expect(refused.heard).toEqual([])
      await new Promise<void>((resolve) => process.nextTick(resolve))
      expect(refused.heard).toEqual(['error not sent'])
      await next.ended
      expect([next.values, door.isBusy(client)]).toEqual([['2'], false])
    })
  })

  test('an error ends its own statement, and those behind it are answered', async () => {
    await withClient(async (client) => {
      const [failed, next] = [simple('SELECT 1/0'), simple('SELECT 2')]
      for (const one of [failed, next]) send(client, one)
      await next.ended
      expect([failed.heard.slice(1), next.values]).toEqual([['error division by zero'], ['2']])
    })
  })

  test('a client is busy until the last answer has come, and dead once its socket has gone', async () => {
    await withClient(async (client) => {
      client.on('error', () => undefined)
      const [first, last] = [simple('SELECT 1'), simple('SELECT pg_sleep(30)')]
      for (const one of [first, last]) send(client, one)
      await first.ended
      expect([door.isBusy(client), door.activeOf(client) === last, door.isDead(client)]).toEqual([
        true,
        true,
        false,
      ])
      door.destroy(client)
      await last.ended
      expect([last.heard[1], door.isDead(client)]).toEqual(['error Connection terminated unexpectedly', true])
    })
  })

  test('nobody listens to the answer of a Close, which may ride in front of another statement', async () => {
    await withClient(async (client) => {
      const first = probe(extended('SELECT 1', 'contract'), { name: 'contract', text: 'SELECT 1' })
      send(client, first)
      await first.ended
      const second = probe((packet) => {
        packet.close('contract')
        packet.close('never prepared')
        extended('SELECT 2', 'contract')(packet)
      })
      send(client, second)
      await second.ended
      expect([second.values, second.heard.at(-1)]).toEqual([['2'], 'ready'])
    })
  })
})

describe('pg knows of the named statements of a connection', () => {
  test('those that the server has parsed, from the moment in which it has', async () => {
    await withClient(async (client) => {
      const { parsedStatements, submittedNamedStatements } = door.connectionOf(client)
      submittedNamedStatements.contract = 'SELECT 1'
      const named = probe(extended('SELECT 1', 'contract'), { name: 'contract', text: 'SELECT 1' })
      const seen: unknown[] = []
      named.handleRowDescription = () =>
        seen.push(parsedStatements.contract, submittedNamedStatements.contract)
      send(client, named)
      expect(parsedStatements).toEqual({})
      await named.ended
      expect([seen, parsedStatements, submittedNamedStatements]).toEqual([
        ['SELECT 1', undefined],
        { contract: 'SELECT 1' },
        {},
      ])
    })
  })

  test('none that it refused to parse, and one that it parsed and could not run', async () => {
    await withClient(async (client) => {
      const { parsedStatements, submittedNamedStatements } = door.connectionOf(client)
      const refused = probe(extended('SELECT nowhere', 'a'), { name: 'a', text: 'SELECT nowhere' })
      const failed = probe(extended('SELECT 1/0', 'b'), { name: 'b', text: 'SELECT 1/0' })
      Object.assign(submittedNamedStatements, { a: 'SELECT nowhere', b: 'SELECT 1/0' })
      send(client, refused)
      send(client, failed)
      await failed.ended
      expect([parsedStatements, submittedNamedStatements]).toEqual([{ b: 'SELECT 1/0' }, {}])
    })
  })

  test('in the same two places for queries of its own', async () => {
    await withClient(async (client) => {
      const { parsedStatements, submittedNamedStatements } = door.connectionOf(client)
      const running = client.query({ name: 'own', text: 'SELECT 1 AS n' })
      expect([parsedStatements, submittedNamedStatements]).toEqual([{}, { own: 'SELECT 1 AS n' }])
      await running
      expect([parsedStatements, submittedNamedStatements]).toEqual([{ own: 'SELECT 1 AS n' }, {}])
      // It believes what is written there.
      parsedStatements.other = 'SELECT 2'
      await expect(client.query({ name: 'other', text: 'SELECT 2' })).rejects.toMatchObject({ code: '26000' })
    }, false)
  })
})

describe('a result of pg', () => {
  test('gets its fields, its parsers and an empty row from addFields, and rows are parsed by them', async () => {
    await withClient(async (client) => {
      const { fields } = await client.query('SELECT 1 AS n, $1::jsonb AS j', ['{}'])
      const result = results.makeResult(client, undefined, undefined)
      expect([result.command, result.rows, result.fields, result._parsers]).toEqual([null, [], [], undefined])
      expect(result._prebuiltEmptyResultObject).toBeNull()
      result.addFields(fields)
      expect(result._prebuiltEmptyResultObject).toEqual({ n: null, j: null })
      expect(result._parsers?.map((parse, n) => parse(['7', '[1]'][n] as string))).toEqual([7, [1]])
      expect(result.parseRow(['7', null])).toEqual({ n: 7, j: null })
      result.addCommandComplete({ text: 'SELECT 5' })
      expect([result.command, result.rowCount]).toEqual(['SELECT', 5])
    })
  })

  test('may be given all of that from an earlier one', async () => {
    await withClient(async (client) => {
      const first = results.makeResult(client, undefined, undefined)
      first.addFields((await client.query('SELECT 1 AS n')).fields)
      const second = results.makeResult(client, undefined, undefined)
      results.reshape(client, second, results.shapeOf(first), true)
      // Fields of their own, of pg's class.
      expect(second.fields).toStrictEqual(first.fields)
      expect(second.fields[0]).not.toBe(first.fields[0])
      expect(second.parseRow(['7'])).toEqual({ n: 7 })
      const arrays = results.makeResult(client, 'array', undefined)
      results.reshape(client, arrays, results.shapeOf(first), true)
      expect([arrays.rowAsArray, arrays.parseRow(['7'])]).toEqual([true, [7]])
    })
  })

  test('reads types as its client does, or as its caller wants', async () => {
    await withClient(async (client) => {
      client.setTypeParser(23, (text) => `client ${text}`)
      expect(door.typesOf(client)?.getTypeParser(23, 'text')('1')).toBe('client 1')
      const { fields } = await client.query('SELECT 1 AS n')
      const own = { getTypeParser: () => (text: string) => `own ${text}` }
      const rows = [undefined, own].map((types) => {
        const result = results.makeResult(client, undefined, types)
        result.addFields(fields)
        return result.parseRow(['1'])
      })
      expect(rows).toEqual([{ n: 'client 1' }, { n: 'own 1' }])
    }, false)
  })

  test('comes as bytes for a statement that says so, and as text for the one behind it', async () => {
    const client = new pg.Client({ connectionString: databaseUrl() })
    results.letRowsBeRaw(client)
    await client.connect()
    door.setPipeline(client, true)
    const raw = Object.assign(simple("SELECT 'a', NULL, ''"), { isRaw: true })
    const plain = simple("SELECT 'a', NULL, ''")
    send(client, raw)
    send(client, plain)
    await plain.ended
    expect([raw.values, plain.values]).toEqual([
      [Buffer.from('a'), null, Buffer.from('')],
      ['a', null, ''],
    ])
    await client.end()
  })
})

describe('the greeting of a new connection', () => {
  const asks = ['authenticationCleartextPassword', 'authenticationMD5Password', 'authenticationSASL']

  test('is an answer to what the client says once it has connected', async () => {
    const client = new pg.Client({ connectionString: databaseUrl() })
    const told: number[] = []
    let now = 0
    door.timeGreeting(
      client,
      () => {
        now += 1
        return now
      },
      (millis) => told.push(millis),
    )
    await client.connect()
    expect(told).toEqual([1])
    await client.end()
  })

  test.each(['accept', 'ask-password'] as const)(
    'is told once by a server that answers with %s',
    async (script) => {
      const server = await scriptedServer(script)
      const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'agent', password: 'x' })
      const told: number[] = []
      door.timeGreeting(
        client,
        () => 0,
        (millis) => told.push(millis),
      )
      await client.connect()
      expect(told).toEqual([0])
      await client.end()
      await server.close()
    },
  )

  test('has the names by which pg itself hears of it', async () => {
    const client = new pg.Client({ connectionString: databaseUrl() })
    await client.connect()
    const { connection } = client as unknown as { connection: import('node:events').EventEmitter }
    expect(asks.map((event) => connection.listenerCount(event))).toEqual([1, 1, 1])
    await client.end()
  })
})
