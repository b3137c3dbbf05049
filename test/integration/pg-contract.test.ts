/** The private fields of pg that src/postgres/driver.ts touches: a release of pg that changes one fails here, by name. */
import pg from 'pg'
import { expect, test } from 'vitest'
import * as door from '../../src/postgres/driver.ts'
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
