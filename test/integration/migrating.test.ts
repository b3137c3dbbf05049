/** docs/migrating.md, taken at its word: what it calls an option is one, and the code under "after" runs. */
import { readFileSync } from 'node:fs'
import express from 'express'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as sluice from '../../src/index.ts'
import * as middleware from '../../src/middleware/index.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'

const text = readFileSync(new URL('../../docs/migrating.md', import.meta.url), 'utf8')

/** The third column of the tables that have one for units: names of options. */
function namedOptions(): string[] {
  const names: string[] = []
  let inTable = false
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) inTable = false
    else if (/^\| [^|]+\| unit \| Sluice \|/.test(line)) inTable = true
    else if (inTable) {
      const column = line.split('|')[3] ?? ''
      for (const [, name] of column.matchAll(/`(\w+)/g)) if (name !== undefined) names.push(name)
    }
  }
  return [...new Set(names)]
}

/** The first column of the table of options under a title. */
function theirNames(title: string): string[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(title)) ?? ''
  const rows = section
    .split('\n')
    .filter((line) => /^\| `\w+`(?:, `\w+`)* \| (?:–|ms|\*\*s\*\*) \|/.test(line))
  return rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => `${name}`),
  )
}

/** Options of pg's client, which pass through. */
const CLIENTS = ['ssl', 'keepAliveInitialDelayMillis']

const options = namedOptions().filter((name) => !CLIENTS.includes(name))

test('the tables name options', () => {
  expect(options.length).toBeGreaterThan(20)
})

test.each(options)('%s is an option', (name) => {
  // Of what is misspelt by a letter the pool says what was meant.
  expect(() => new sluice.Pool({ [`${name}_x`]: 1 })).toThrow(`did you mean ${name}?`)
})

test.each([
  ['poolSize', 'max'],
  ['maxLifetime', 'maxLifetimeMillis'],
  ['idleTimeout', 'idleTimeoutMillis'],
  ['connectionTimeout', 'connectionTimeoutMillis'],
])('another pool’s %s is refused with the name that was meant', (theirs, ours) => {
  expect(() => new sluice.Pool({ [theirs]: 1 })).toThrow(`did you mean ${ours}?`)
})

/** What is called the same here, or is a parameter of a connection string alone. */
const SAME = ['max', 'prepare', 'pgbouncer', 'application_name', 'sslmode']
const theirs = ['From postgres.js', 'From SQLAlchemy', 'From Prisma', 'From HikariCP']
  .flatMap(theirNames)
  .filter((name) => !SAME.includes(name))

test('the tables name options of other pools', () => {
  expect(theirs.length).toBeGreaterThan(20)
})

test.each(theirs)('%s of another pool is refused, and not left out in silence', (name) => {
  expect(() => new sluice.Pool({ [name]: 1 })).toThrow(`${name} is not an option of Sluice; `)
})

const blocks = [...text.matchAll(/```js\n(\/\/ after[^\n]*)\n([\s\S]*?)```/g)].map(
  ([, title, code]) => [title as string, code as string] as const,
)
const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
  ...source: string[]
) => (...given: unknown[]) => Promise<void>

beforeAll(async () => {
  await withClient((client) =>
    client.query('CREATE TABLE IF NOT EXISTS account AS SELECT 1 AS id, 100 AS balance'),
  )
})
afterAll(async () => {
  await withClient((client) => client.query('DROP TABLE IF EXISTS account'))
})

test('there is code under "after"', () => {
  expect(blocks.length).toBeGreaterThan(5)
})

test.each(blocks)('the code under "%s" runs', async (_, code) => {
  const connectionString = databaseUrl()
  await using outer = new sluice.Pool({ connectionString })
  const made: { end(): Promise<void> }[] = []
  class Pool extends sluice.Pool {
    constructor(config: sluice.PoolConfig) {
      super(config)
      made.push(this)
    }
  }
  const given = {
    ...sluice,
    ...middleware,
    Pool,
    process: { env: { DATABASE_URL: connectionString } },
    app: express(),
    outer,
  }
  // A block that makes its own pool hides the one that the others are given.
  const body = `${code.includes('const pool =') ? '' : 'const pool = outer\n'}${code.replaceAll(/^import .*$/gm, '')}`
  const run = new AsyncFunction(...Object.keys(given), body)
  await expect(run(...Object.values(given))).resolves.toBeUndefined()
  await Promise.all(made.map((pool) => pool.end()))
})
