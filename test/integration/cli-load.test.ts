/** `sluice load` on a database of the user, as the shell runs it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withClient } from '../support/postgres.ts'
import type { OwnServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'
import { run, start } from './cli-support.ts'

interface Report {
  ways: Record<string, { answered: number }>
}

describe('on a database of the user', { timeout: 120_000 }, () => {
  let server: OwnServer
  beforeAll(async () => {
    server = await startServer({ max_connections: 40 })
    await server.admin('CREATE TABLE notes (text text)')
  })
  afterAll(() => server.stop())

  const load = (...args: string[]) => run(['load', server.url, '--callers', '8', '--max', '4', ...args])
  const sessionsLeft = (): Promise<number> =>
    withClient(async (client) => {
      const { rows } = await client.query(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name LIKE 'sluice-load%'`,
      )
      return rows[0].n
    }, server.url)

  test.each([
    [
      "INSERT INTO notes VALUES ('a')",
      /^sluice: The statement "INSERT .*" writes; .* say --allow-writes\.\n$/,
    ],
    ['SELECT 1; SELECT 2', /cannot insert multiple commands into a prepared statement\.\n$/],
    ['COMMIT', /works on its session; give statements that do work\.\n$/],
    ['', /^sluice: The statement "" is empty: give one that asks for something\.\n$/],
    ['-- later', /is empty: give one that asks for something\.\n$/],
    ['SELECT nothing', /fails: column "nothing" does not exist\.\n$/],
  ])('%s is refused before anything is loaded', async (text, message) => {
    const { code, stderr, stdout } = await load('--statement', 'SELECT 1', '--statement', text)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(message)
    expect(await server.admin('SELECT * FROM notes')).toEqual([])
  })

  test('with --allow-writes each answered statement is a row', async () => {
    const { code, stdout } = await load(
      '--allow-writes',
      '--json',
      ...['--seconds', '0.5'],
      ...['--statement', `INSERT INTO notes SELECT 'a'`],
    )
    expect(code).toBe(0)
    const report: Report = JSON.parse(stdout)
    const [row] = await server.admin<{ n: number }>('SELECT count(*)::int AS n FROM notes')
    // The warm-up writes too.
    expect(row?.n).toBeGreaterThanOrEqual(report.ways.sluice?.answered ?? Number.NaN)
    expect(report.ways.sluice?.answered).toBeGreaterThan(0)
    await server.admin('TRUNCATE notes')
  })

  test('statements that fail are counted by their error, and the exit code says so', async () => {
    // Fails from the first session of the test on, which its trial is not.
    const text = `SELECT 1 / (1 - least(1, (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'sluice-load-%-sluice')))`
    const { code, stdout } = await load('--json', '--seconds', '0.5', '--statement', text)
    expect(code).toBe(1)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ ok: false, ways: { sluice: { answered: 0, success: 0 } } })
    expect(Object.keys(report.ways.sluice.errors)).toEqual(['22012: division by zero'])
  })

  test.each([
    [['--max', '100'], /^sluice: --max is 100, and the server has room for \d+ more sessions\.\n$/],
    [['--callers', '0'], /^sluice: --callers must be a whole number from 1 to 10,000; it is "0"\.\n$/],
  ])('%o is refused', async (args, message) => {
    const { code, stderr, stdout } = await run(['load', ...args], { DATABASE_URL: server.url })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(message)
  })

  test('with --compare callers that connect for each statement are as many as there is room for, and both pools get all', async () => {
    const args = ['--compare', '--callers', '100', '--max', '10', '--seconds', '1', '--json']
    const { code, stdout, stderr } = await run(['load', server.url, ...args])
    expect([code, stderr]).toEqual([0, ''])
    const report = JSON.parse(stdout)
    expect(report.run.connecting).toBeLessThan(40)
    expect(report.ways.connect).toMatchObject({ success: 1 })
    expect(report.ways.connect.sessions).toBeLessThan(40)
    expect(report.headlines).toContainEqual(expect.objectContaining({ figure: 'callers', verdict: 'met' }))
    expect(report.besidePg.perSecond).toBeCloseTo(report.ways.sluice.perSecond / report.ways.pg.perSecond, 2)
    expect(report.besidePg.says).toMatch(/^Sluice answers [\d,]+ statements a second, pg\.Pool [\d,]+: /)
  })

  test('says that it waits for statements under way', async () => {
    const { stdout } = await load('--seconds', '0.2', '--statement', 'SELECT pg_sleep(0.6)')
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /Sluice: \d+\.\d s instead of 0\.2, since statements under way at the end are waited for and counted\./,
    )
  })

  test('Ctrl-C with --json prints the figures so far as one object', async () => {
    const { child, ended } = start([
      'load',
      server.url,
      '--json',
      '--callers',
      '8',
      '--max',
      '4',
      '--seconds',
      '300',
    ])
    const asking = () =>
      server.admin<{ n: number }>(
        `SELECT coalesce(sum(calls), 0)::int AS n FROM (SELECT count(*) AS calls FROM pg_stat_activity
          WHERE application_name LIKE 'sluice-load-%-sluice' AND backend_start < now() - interval '2 s') AS s`,
      )
    await expect.poll(async () => (await asking())[0]?.n, { timeout: 60_000 }).toBeGreaterThan(0)
    child.kill('SIGINT')
    const { code, stdout } = await ended
    expect(code).toBe(130)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ ok: false, interrupted: true, headlines: [], besidePg: null })
    expect(report.ways.sluice.answered).toBeGreaterThan(0)
    expect(report.ways.sluice.seconds).toBeLessThan(300)
  })

  test('Ctrl-C ends statements that would run for minutes, and no session stays', async () => {
    const { child, said, ended } = start([
      ...['load', server.url, '--callers', '8', '--max', '4', '--seconds', '0.2', '--compare'],
      ...[
        '--statement',
        `SELECT CASE WHEN current_setting('application_name') LIKE '%-pg' THEN pg_sleep(300) END`,
      ],
    ])
    await said('PostgreSQL')
    const sleeping = () =>
      server.admin(
        `SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND application_name LIKE 'sluice-load%'`,
      )
    await expect.poll(async () => (await sleeping()).length, { timeout: 60_000 }).toBe(4)
    child.kill('SIGINT')
    expect((await ended).code).toBe(130)
    await expect.poll(sessionsLeft, { timeout: 30_000 }).toBe(0)
  })

  test('says in words why it cannot begin, and keeps the password to itself', async () => {
    const url = server.url.replace(/\/sluice$/, '/nowhere')
    const { code, stderr, stdout } = await run(['load', url])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^sluice: The server has no database "nowhere"\. .*\n$/)
    expect(stderr).not.toContain(new URL(url).password)
    const asked = await run(['load', '--json', url])
    expect(asked.code).toBe(1)
    expect(JSON.parse(asked.stdout)).toMatchObject({
      ok: false,
      kind: 'missing-database',
      code: '3D000',
      error: expect.stringContaining('The server has no database "nowhere".'),
    })
    expect(asked.stdout).not.toContain(new URL(url).password)
  })
})
