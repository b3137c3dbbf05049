import { existsSync } from 'node:fs'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { pgbouncers } from '../support/pgbouncer.ts'
import { withClient } from '../support/postgres.ts'

describe('the PgBouncer of the tests', () => {
  const start = pgbouncers()

  it('carries statements to the server of the run', async () => {
    const bouncer = await start()
    const rows = await withClient(async (client) => (await client.query('SELECT 1 AS one')).rows, bouncer.url)
    expect(rows).toEqual([{ one: 1 }])
  })

  it.each(['session', 'transaction', 'statement'] as const)('lends sessions by the %s', async (mode) => {
    const bouncer = await start({ mode, poolSize: 3 })
    const rows = await bouncer.console('SHOW CONFIG')
    const of = (key: string) => rows.find((row) => row.key === key)?.value
    expect([of('pool_mode'), of('default_pool_size')]).toEqual([mode, '3'])
  })

  it('refuses startup parameters unless told to ignore them', async () => {
    const options = { statement_timeout: 5_000 }
    const [strict, lax] = await Promise.all([
      start(),
      start({ ignoreStartupParameters: ['statement_timeout'] }),
    ])
    const refused = new pg.Client({ connectionString: strict.url, ...options })
    await expect(refused.connect()).rejects.toThrow('unsupported startup parameter: statement_timeout')
    const taken = new pg.Client({ connectionString: lax.url, ...options })
    await expect(taken.connect()).resolves.not.toThrow()
    await taken.end()
  })

  it('lets those use its console who are its admins', async () => {
    const bouncer = await start({ users: { nobody: 'x', somebody: 'y' }, admins: ['somebody'] })
    const as = (user: string, password: string) =>
      withClient(
        (client) => client.query('SHOW VERSION'),
        bouncer.urlOf({ database: 'pgbouncer', user, password }),
      )
    await expect(as('nobody', 'x')).rejects.toThrow('not allowed')
    expect((await as('somebody', 'y')).rows).toEqual([{ version: expect.stringMatching(/^PgBouncer \d/) }])
  })

  it('is gone when it is stopped, and its folder too', async () => {
    const bouncer = await start()
    const folder = (await bouncer.console('SHOW CONFIG')).find((row) => row.key === 'auth_file')?.value
    await bouncer.stop()
    expect(() => process.kill(bouncer.processId, 0)).toThrow('ESRCH')
    expect(existsSync(String(folder))).toBe(false)
  })
})
