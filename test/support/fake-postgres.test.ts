/** The server that breaks where a test says so must break there, and nowhere else. */
import { createConnection } from 'node:net'
import pg from 'pg'
import { afterEach, expect, test, vi } from 'vitest'
import type { FakePostgres } from './fake-postgres.ts'
import { startFakePostgres } from './fake-postgres.ts'
import type { Fault, Place } from './fake-script.ts'
import { silence } from './fake-script.ts'
import { CANCEL_REQUEST, int32 } from './wire.ts'

const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function server(): Promise<FakePostgres> {
  const fake = await startFakePostgres()
  closing.push(() => fake.close())
  return fake
}

/** A client whose end, and every error outside its statements, are noted. */
async function connect(fake: FakePostgres, timeout = 0): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: fake.url, connectionTimeoutMillis: timeout })
  client.on('error', () => undefined)
  closing.push(async () => client.connection.stream.destroy())
  await client.connect()
  return client
}

test('a server that is well answers simple and extended statements with a row', async () => {
  const fake = await server()
  const client = await connect(fake)
  expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
  expect((await client.query('SELECT $1 AS n', [7])).rows).toEqual([{ n: 1 }])
  expect((await client.query({ name: 'a', text: 'SELECT $1 AS n', values: [7] })).rows).toEqual([{ n: 1 }])
  expect((await client.query({ name: 'a', text: 'SELECT $1 AS n', values: [8] })).rows).toEqual([{ n: 1 }])
  await client.query('BEGIN')
  await client.query('COMMIT')
  await client.end()
  expect(fake.statements.length).toBe(5)
  await vi.waitFor(() => expect(fake.connections).toBe(0))
  expect([fake.accepted, fake.mostAtOnce, fake.logins]).toEqual([1, 1, 1])
})

test('passwords are asked for and noted, and a wrong one is refused', async () => {
  const fake = await server()
  fake.password = 'first'
  await connect(fake)
  fake.password = 'second'
  await expect(connect(fake)).rejects.toMatchObject({ code: '28P01' })
  expect(fake.passwords).toEqual(['first', 'first'])
})

const stalls: Place[] = ['connect', 'startup', 'authenticated', 'ready']
test.each(stalls)('a stall at %s leaves a login without an end', async (at) => {
  const fake = await server()
  fake.next({ at, fault: 'stall' })
  await expect(connect(fake, 100)).rejects.toThrow(/timeout/)
  await connect(fake)
  expect([fake.accepted, fake.logins]).toEqual([2, 1])
})

const ends: [Fault, RegExp][] = [
  ['half-close', /terminated unexpectedly/],
  ['reset', /ECONNRESET/],
  ['shutdown', /administrator command/],
  [{ error: '53300', message: 'sorry, too many clients already' }, /too many clients/],
]
test.each(ends)('a login can end with %o', async (fault, text) => {
  const fake = await server()
  fake.next({ at: 'startup', fault })
  await expect(connect(fake)).rejects.toThrow(text)
})

test('a handshake can drip', async () => {
  const fake = await server()
  fake.next({ at: 'startup', fault: { drip: 500 } })
  const from = performance.now()
  await connect(fake)
  expect(performance.now() - from).toBeGreaterThan(150)
})

test('a statement can fail, and the session goes on', async () => {
  const fake = await server()
  const client = await connect(fake)
  fake.always({ at: 'statement', fault: { error: '25006', message: 'read-only' } })
  await expect(client.query('INSERT')).rejects.toMatchObject({ code: '25006' })
  await expect(client.query('INSERT $1', [1])).rejects.toMatchObject({ code: '25006' })
  fake.always([])
  expect((await client.query('SELECT 1')).rowCount).toBe(1)
})

test.each([
  ['reset', /ECONNRESET|terminated unexpectedly/],
  ['half-close', /terminated unexpectedly/],
  ['shutdown', /administrator command/],
] as [Fault, RegExp][])('an answer can end in its middle with %o', async (fault, text) => {
  const fake = await server()
  const client = await connect(fake)
  fake.always({ at: 'row', fault })
  await expect(client.query('SELECT 1')).rejects.toThrow(text)
})

test('a cancellation is noted, and ends a pause', async () => {
  const fake = await server()
  const client = await connect(fake)
  fake.always({ at: 'statement', fault: { pause: 60_000 } })
  const asked = client.query('SELECT 1')
  await vi.waitFor(() => expect(fake.statements.length).toBe(1))
  const { processID } = client as unknown as { processID: number }
  const canceller = createConnection(fake.port, fake.host)
  canceller.end(Buffer.concat([16, CANCEL_REQUEST, processID, 4_711].map(int32)))
  await expect(asked).rejects.toMatchObject({ code: '57014' })
  expect(fake.cancels).toEqual([processID])
})

test('what is open can be told to end, and what stalls notices that its client has gone', async () => {
  const fake = await server()
  const client = await connect(fake)
  const ended = new Promise((resolve) => client.once('end', resolve))
  fake.inflict('shutdown')
  await ended
  fake.always(silence)
  await expect(connect(fake, 50)).rejects.toThrow(/timeout/)
  await vi.waitFor(() => expect(fake.connections).toBe(0))
})
