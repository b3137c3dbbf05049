/** A load test whose own session is lost, in this process. */
import { expect, test } from 'vitest'
import { runLoad } from '../../src/cli/load/run.ts'
import { readTarget } from '../../src/cli/target.ts'
import { databaseUrl, withClient } from '../support/postgres.ts'

test('a load test that loses the session that counts ends the sessions of its callers before it fails', async () => {
  const watcher = {
    onServer: () => undefined,
    onWarming: () => undefined,
    onProgress: () => undefined,
  }
  const options = {
    callers: 4,
    max: 3,
    seconds: 5,
    latencyMillis: 0,
    statements: [],
    allowWrites: false,
    compare: false,
  }
  const { signal } = new AbortController()
  const ended = runLoad(readTarget(databaseUrl(), 'The URL'), options, {
    watcher,
    signal,
    onTarget: () => undefined,
  })
  const failed = ended.then(
    () => undefined,
    (error: Error) => error,
  )
  await withClient(async (client) => {
    const sessions = async (like: string) => {
      const { rows } = await client.query<{ pid: number }>(
        'SELECT pid FROM pg_stat_activity WHERE application_name LIKE $1',
        [like],
      )
      return rows.map(({ pid }) => pid)
    }
    const callers = `sluice-load-${process.pid}-%`
    await expect.poll(() => sessions(callers), { timeout: 30_000 }).not.toEqual([])
    await client.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sluice-load-watch'",
    )
    expect(await failed).toBeInstanceOf(Error)
    expect(await sessions(callers)).toEqual([])
  })
})
