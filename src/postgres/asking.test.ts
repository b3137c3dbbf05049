import { expect, test } from 'vitest'
import type { AskingParts } from './asking.ts'
import { ASK_SESSION, askPooler } from './asking.ts'
import type { Client } from './driver.ts'

type Rows = readonly object[] | Error

/** The other end: what its console says, and which sessions its connections are lent. */
interface Other {
  readonly console?: Readonly<Record<string, Rows>> | Error
  /** The session of each statement; by the connection's number and how often it has asked. */
  readonly lend?: (connection: number, time: number) => number
  readonly begin?: Error
}

const fatal = (message: string, code = '08P01') =>
  Object.assign(new Error(message), { code, severity: 'FATAL' })
const NO_CONSOLE = fatal('database "pgbouncer" does not exist', '3D000')

function asked({ console = NO_CONSOLE, lend = () => 1, begin }: Other) {
  const events: string[] = []
  let connections = 0
  const parts: AskingParts = {
    open: async (database) => {
      if (database !== undefined && console instanceof Error) throw console
      const number = connections++
      let time = 0
      events.push(`open ${number}`)
      const query = async (statement: unknown) => {
        if (statement === ASK_SESSION) return { rows: [[String(lend(number, time++))]] }
        if (database !== undefined) {
          const rows = (console as Record<string, Rows>)[statement as string] ?? new Error('no such command')
          if (rows instanceof Error) throw rows
          return { rows }
        }
        if (begin !== undefined) throw begin
        return { rows: [] }
      }
      return {
        query,
        number,
        user: 'app',
        database: database ?? 'db',
        processID: 1_000 + number,
      } as unknown as Client
    },
    close: async (client) => void events.push(`close ${(client as unknown as { number: number }).number}`),
  }
  return { events, answer: askPooler(parts) }
}

const CONSOLE = {
  'SHOW VERSION': [{ version: 'PgBouncer 1.24.1' }],
  'SHOW CONFIG': [
    { key: 'pool_mode', value: 'transaction' },
    { key: 'max_prepared_statements', value: '200' },
  ],
  'SHOW POOLS': [] as object[],
}

test('a PgBouncer that carries prepared statements says so on its console', async () => {
  const { answer, events } = asked({ console: CONSOLE })
  expect(await answer).toEqual({
    is: 'pooler',
    pooler: 'pgbouncer',
    version: '1.24.1',
    mode: 'transaction',
    preparedStatements: true,
    evidence: 'its console says so',
  })
  expect(events).toEqual(['open 0', 'close 0'])
})

test('one of an older release, or with the setting off, does not', async () => {
  const config = [{ key: 'pool_mode', value: 'session' }]
  expect(await asked({ console: { ...CONSOLE, 'SHOW CONFIG': config } }).answer).toMatchObject({
    mode: 'session',
    preparedStatements: false,
  })
})

test('what this user and database have been given counts before what all have', async () => {
  const pools = [
    { database: 'pgbouncer', user: 'other', pool_mode: 'transaction' },
    { database: 'pgbouncer', user: 'app', pool_mode: 'session' },
  ]
  expect(await asked({ console: { ...CONSOLE, 'SHOW POOLS': pools } }).answer).toMatchObject({
    mode: 'session',
  })
})

test('a console that only lets itself be found leaves the mode to be seen', async () => {
  const { answer, events } = asked({ console: fatal('not allowed'), lend: () => 7 })
  expect(await answer).toMatchObject({ pooler: 'pgbouncer', mode: 'transaction', version: undefined })
  expect(events).toEqual(['open 0', 'open 1', 'close 1', 'close 0'])
})

test('a session that is the one named is no pooler’s', async () => {
  expect(await asked({ lend: (connection) => 1_000 + connection }).answer).toEqual({ is: 'direct' })
})

test('one connection that is lent another session than before is not lent one for good', async () => {
  expect(await asked({ lend: (connection, time) => 10 * connection + time }).answer).toMatchObject({
    pooler: 'unknown',
    mode: 'transaction',
  })
})

test('transactions that are refused are those of statement mode', async () => {
  const begin = fatal('transaction blocks not allowed in statement pooling mode')
  expect(await asked({ lend: () => 7, begin }).answer).toMatchObject({ mode: 'statement' })
})

test('two connections that keep a session each prove nothing', async () => {
  expect(await asked({ lend: (connection) => connection }).answer).toMatchObject({ mode: undefined })
})

test('a database that is only called pgbouncer says nothing', async () => {
  const { answer } = asked({ console: { 'SHOW VERSION': [{ version: 'something else' }] }, lend: () => 7 })
  expect(await answer).toMatchObject({ pooler: 'unknown', version: undefined })
})
