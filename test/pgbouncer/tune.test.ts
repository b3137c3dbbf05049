/** `sluice tune` in front of a real PgBouncer. */
import { expect, test } from 'vitest'
import { run } from '../integration/cli-support.ts'
import { pgbouncers } from '../support/pgbouncer.ts'

const start = pgbouncers()

test.each(['transaction', 'session'] as const)(
  'a pooler in %s mode is not measured, and is said to be one',
  async (mode) => {
    const { url } = await start({ mode })
    const { code, stdout, stderr } = await run(['tune', url, '--json', '--statement', 'SELECT 1'])
    expect([code, JSON.parse(stdout).ok]).toEqual([1, false])
    expect(stderr).toMatch(
      /^sluice: What answers here is a pooler: .* Give the connection string that leads to the server itself\.\n$/,
    )
  },
)
