/** What `sluice tune` does to a server, as the shell runs it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { sessions, watchSessions, withClient } from '../support/postgres.ts'
import { run, start } from './cli-support.ts'
import { tuneSubject, work } from './tune-support.ts'

const { report, tune, url } = tuneSubject()

describe('what it does to a server', { timeout: 60_000 }, () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends it with %i, and nothing is left there', async (signal, exitCode) => {
    const { child, said, ended } = start([
      'tune',
      url(),
      ...['--statement', work, '--statement', 'SELECT pg_sleep(0.1)', '--seconds', '3000', '--max', '8'],
    ])
    await said('measuring')
    while ((await sessions('sluice-tune', url())) < 2) await sleep(5)
    child.kill(signal)
    expect((await ended).code).toBe(exitCode)
    expect(await sessions('sluice-tune', url())).toBe(0)
  })

  test('Ctrl-C after two rounds shows what there is, and recommends nothing', async () => {
    const args = ['tune', url(), '--statement', work, '--seconds', '3000', '--max', '4']
    const { child, said, ended } = start(args)
    await said('round 2:')
    child.kill('SIGINT')
    const { code, stdout } = await ended
    expect(code).toBe(130)
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /Interrupted after \d rounds: these are the figures so far, and no size is recommended/,
    )
    expect(stdout).not.toContain('new Pool')
  })

  test('Ctrl-C before is one sentence, and one object with --json', async () => {
    const { child, ended } = start([
      ...['tune', url(), '--json', '--statement', 'SELECT pg_sleep(0.2)', '--seconds', '3000', '--max', '8'],
    ])
    await expect.poll(() => sessions('sluice-tune', url()), { timeout: 30_000 }).toBeGreaterThan(0)
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    expect(code).toBe(130)
    expect(JSON.parse(stdout)).toEqual({
      ok: false,
      interrupted: true,
      error: 'Interrupted before two rounds were measured: there is nothing to show yet.',
    })
    expect(stderr).toBe(
      'sluice: Interrupted before two rounds were measured: there is nothing to show yet.\n',
    )
  })

  test('the least of --seconds is enough for a short statement', async () => {
    const { code, stdout, stderr } = await tune('--json', '--statement', 'SELECT 1', '--seconds', '5')
    const found = JSON.parse(stdout)
    // On a machine that does much else not even three rounds may fit; then that is what it says, and nothing of the statement.
    if (code === 0) expect(found).toMatchObject({ ok: true, interrupted: false, run: { seconds: 5 } })
    else expect(stderr).toMatch(/^sluice: Only \d rounds could be measured in time/)
  })

  test('a wrong password is one object with --json, and is not in it', async () => {
    const wrong = new URL(url())
    wrong.password = 'wrong-wrong'
    const { code, stdout } = await run(['tune', '--json', wrong.href])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, kind: 'login', host: wrong.hostname })
    expect(stdout).not.toContain('wrong-wrong')
  })

  test('an error of a statement ends it at once, and is said', async () => {
    const fails = `SELECT 1 / (CASE WHEN count(*) > 2 THEN 0 ELSE 1 END) FROM pg_stat_activity WHERE application_name = 'sluice-tune'`
    const began = performance.now()
    const { code, stdout, stderr } = await tune('--json', '--statement', fails, '--seconds', '3000')
    expect(performance.now() - began).toBeLessThan(50_000)
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toEqual({ ok: false, error: stderr.replace(/^sluice: /, '').trim() })
    expect(stderr).toMatch(/^sluice: "SELECT 1 \/ .*" fails: division by zero\.\n$/)
    expect(await sessions('sluice-tune', url())).toBe(0)
  })

  test('a statement that does not end is cancelled when time is over', async () => {
    const { code, stderr } = await tune('--statement', 'SELECT pg_sleep(3000)', '--seconds', '5')
    expect(code).toBe(1)
    expect(stderr).toContain('The 5 s of --seconds were over before the measuring had begun')
    expect(await sessions('sluice-tune', url())).toBe(0)
  })

  test.each([
    ['DELETE FROM notes', 'is not one plain read'],
    ['SELECT 1; DELETE FROM notes', 'is not one plain read'],
    [`SELECT set_config('default_transaction_read_only', 'off', false)`, 'is not one plain read'],
    ['SELECT * FROM notes FOR UPDATE', 'is not one plain read'],
    ['SELECT writes()', 'writes (cannot execute INSERT in a read-only transaction)'],
    ['SELECT * FROM notes WHERE id = $1', 'has parameters'],
  ])('%s is refused in one sentence', async (text, why) => {
    const { code, stdout, stderr } = await tune('--json', '--statement', text)
    expect([code, stderr.trim().split('\n').length]).toEqual([2, 1])
    expect(stderr).toContain(why)
    expect(JSON.parse(stdout)).toEqual({ ok: false, error: stderr.replace(/^sluice: /, '').trim() })
    const { rows } = await withClient((client) => client.query('SELECT * FROM notes'), url())
    expect(rows).toEqual([])
  })

  test('never takes more than its share of the free connections', async () => {
    const { code, stderr } = await tune('--statement', 'SELECT 1', '--share', '0.03')
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /The server has \d+ connections left for this role, and a share of 0\.03 of them is 1/,
    )
    const watch = await watchSessions('sluice-tune', url())
    const { server: room } = await report('--statement', 'SELECT 1', '--share', '0.1', '--seconds', '12')
    expect(room.largest).toBe(Math.floor(0.1 * room.free))
    expect((await watch.stop()).max).toBeLessThanOrEqual(room.largest)
  })
})
