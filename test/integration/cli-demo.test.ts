/** `sluice demo`, as the shell runs it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { EmbeddedPostgres } from '../../src/demo/embedded.ts'
import { startPostgres } from '../../src/demo/embedded.ts'
import { sessions, withClient } from '../support/postgres.ts'
import type { Playground } from './cli-support.ts'
import { playground, run, start } from './cli-support.ts'

const nothing = { files: [], processes: [] }
const short = ['demo', '--seconds', '1', '--scale', '0.05']
/** A run that would last for minutes. */
const long = ['demo', '--seconds', '300', '--scale', '0.05']

describe('on a Postgres of its own', { timeout: 60_000 }, () => {
  let place: Playground
  beforeEach(() => {
    place = playground()
  })
  afterEach(() => {
    place.remove()
  })

  test('measures both sides, says so in JSON, and leaves nothing', async () => {
    const { code, stdout, stderr } = await run([...short, '--json', '--max', '4'], place.env)
    expect([code, stderr]).toEqual([0, ''])
    const report = JSON.parse(stdout)
    expect(report.run).toMatchObject({ secondsPerSide: 1, max: 4, seed: 1, agents: 60, rows: 14_500 })
    expect(report.run.order).toEqual(['sluice', 'pg', 'pg', 'sluice'])
    expect(report.server).toMatchObject({ embedded: true })
    for (const side of ['sluice', 'pg']) {
      const { statements, errors, errorMessages, connections, rounds } = report.sides[side]
      expect([errors, errorMessages, rounds.length], side).toEqual([0, {}, 2])
      // Lanes may need fewer than they are allowed.
      expect(connections, side).toBeGreaterThan(0)
      expect(connections, side).toBeLessThanOrEqual(4)
      expect(statements.lookup.count, side).toBeGreaterThan(50)
      expect(statements.lookup.p50, side).toBeGreaterThan(0)
    }
    expect(report.sides.sluice.ranOn).toBe(0)
    expect(report.comparison.map((row: { figure: string }) => row.figure)).toContain('p99')
    expect(place.leftovers()).toEqual(nothing)
  })

  test('writes plain lines into a pipe, none wider than 80 columns', async () => {
    const { code, stdout } = await run(short, place.env)
    expect(code).toBe(0)
    expect(stdout).not.toContain('\u001B')
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(stdout).toMatch(/Sluice, turn 1 of 4[\s\S]*pg\.Pool, turn 2 of 4/)
    expect(stdout).toMatch(/statements a second +[\d,]+ +[\d,]+ +[\d.]+×/)
    // How many of the ten were needed depends on the machine and on what was shared.
    expect(stdout).toMatch(/connections at most +([1-9]|10) +([1-9]|10)( |$)/m)
  })

  test.each([
    ['SIGINT', 130, 'turn 1 of 4', long],
    ['SIGTERM', 143, 'turn 1 of 4', long],
    ['SIGINT', 130, 'PostgreSQL', ['demo', '--scale', '3']],
  ] as const)(
    '%s ends it with %i and leaves nothing, after it said "%s"',
    async (signal, exitCode, text, args) => {
      const { child, said, ended } = start([...args], place.env)
      await said(text)
      child.kill(signal)
      expect((await ended).code).toBe(exitCode)
      expect(place.leftovers()).toEqual(nothing)
    },
  )

  test('ends quietly when nobody reads its output any more', async () => {
    const { child, said, ended } = start(long, place.env)
    await said('loaded')
    child.stdout?.destroy()
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
    expect(place.leftovers()).toEqual(nothing)
  })
})

describe('on a database of the user', { timeout: 60_000 }, () => {
  let server: EmbeddedPostgres
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())

  const hasSchema = (): Promise<boolean> =>
    withClient(async (client) => {
      const { rows } = await client.query(`SELECT to_regnamespace('sluice_demo') IS NOT NULL AS there`)
      return rows[0].there
    }, server.url)

  test('removes what it loaded, also when it is interrupted', async () => {
    const { child, said, ended } = start(long, { DATABASE_URL: server.url })
    await said('turn 1 of 4')
    expect(await hasSchema()).toBe(true)
    child.kill('SIGINT')
    expect((await ended).code).toBe(130)
    expect(await hasSchema()).toBe(false)
    for (const name of ['sluice-demo', 'sluice-demo-pg', 'sluice-demo-admin', 'sluice-demo-watch'])
      expect(await sessions(name, server.url)).toBe(0)
  })

  test('leaves it with --keep, and finds it there the next time', async () => {
    const url = `${server.url}?application_name=somebody`
    expect((await run([...short, '--keep'], { DATABASE_URL: url })).code).toBe(0)
    expect(await hasSchema()).toBe(true)
    const { code, stdout } = await run([...short, '--json'], { DATABASE_URL: url })
    expect([code, JSON.parse(stdout).run.max]).toEqual([0, 10])
    expect(await hasSchema()).toBe(true)
  })

  test('says in words why it cannot begin', async () => {
    const url = server.url.replace(/\/sluice$/, '/nowhere')
    const { code, stdout, stderr } = await run(short, { DATABASE_URL: url })
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^sluice: The server has no database "nowhere"\. .*\n$/)
  })
})
