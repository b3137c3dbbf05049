/** `sluice tune`, as the shell runs it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TuneReport } from '../../src/cli/tune/run.ts'
import type { EmbeddedPostgres } from '../../src/demo/embedded.ts'
import { startPostgres } from '../../src/demo/embedded.ts'
import { Pool } from '../../src/postgres/pool.ts'
import { sessions, watchSessions, withClient } from '../support/postgres.ts'
import { playground, run, start } from './cli-support.ts'

let server: EmbeddedPostgres
beforeAll(async () => {
  server = await startPostgres({
    settings: { shared_preload_libraries: 'pg_stat_statements', max_connections: 60 },
  })
  await withClient(async (client) => {
    // Ten milliseconds that everybody has at the same time, and six that those of one line take one after another: some three
    // connections are all that helps, on a machine of any speed.
    await client.query(`CREATE FUNCTION work(line int) RETURNS int LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_sleep(0.010);
        PERFORM pg_advisory_xact_lock(line);
        PERFORM pg_sleep(0.006);
        RETURN 1;
      END $$`)
    await client.query('CREATE TABLE notes (id int)')
    await client.query(`CREATE FUNCTION writes() RETURNS int LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO notes VALUES (1); RETURN 1; END $$`)
  }, server.url)
})
afterAll(() => server.stop())

const work = 'SELECT work(1)'
/** One tune takes a third of a minute: .ci/run has three of them, once. */
const seeds = Number(process.env.SLUICE_TUNE_SEEDS ?? 1)
const tune = async (...args: string[]) => run(['tune', server.url, ...args])
const report = async (...args: string[]): Promise<TuneReport> => {
  const { code, stdout, stderr } = await tune('--json', ...args)
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as TuneReport
}

/** Answers a second of a pool of this size, as anybody would write it: more callers than connections. */
async function throughput(max: number, millis: number, line = 1): Promise<number> {
  const pool = new Pool({ connectionString: server.url, max, min: max, applicationName: 'tune-test' })
  try {
    let counted = 0
    let over = false
    const callers = Array.from({ length: 2 * max }, async () => {
      while (!over) {
        await pool.query('SELECT work($1)', [line])
        counted++
      }
    })
    await sleep(300)
    const [before, began] = [counted, performance.now()]
    await sleep(millis)
    const perSecond = (1_000 * (counted - before)) / (performance.now() - began)
    over = true
    await Promise.all(callers)
    return perSecond
  } finally {
    await pool.end()
  }
}

describe('the recommended size', { timeout: 180_000 }, () => {
  /** The best of a full sweep that has nothing to do with the tune. */
  let best = 0
  beforeAll(async () => {
    let most = 0
    for (const size of [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16]) {
      const found = await throughput(size, 700)
      if (found > most) [best, most] = [size, found]
    }
  }, 120_000)

  for (let seed = 1; seed <= seeds; seed++) {
    test(`reaches 95 % of the best of a full sweep, and is found within 60 s, with seed ${seed}`, async () => {
      const began = performance.now()
      const watch = await watchSessions('sluice-tune', server.url)
      const args = ['--statement', work, '--seconds', '16', '--max', '16', '--seed', String(seed)]
      const found = await report(...args)
      expect(performance.now() - began).toBeLessThan(60_000)
      expect((await watch.stop()).max).toBeLessThanOrEqual(16)
      const { max, min } = found.recommended
      expect(found.sizes.map(({ size }) => size)).toContain(max)
      expect(min).toBe(Math.floor(max / 4))
      // At the same time, each in a line of its own: what the machine does besides is the same for both.
      const [own, highest] = await Promise.all([throughput(max, 6_000, 2), throughput(best, 6_000, 3)])
      expect(own / highest).toBeGreaterThanOrEqual(0.95)
    })
  }
})

describe('what it does to a server', { timeout: 60_000 }, () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends it with %i, and nothing is left there', async (signal, exitCode) => {
    const { child, said, ended } = start([
      'tune',
      server.url,
      ...['--statement', work, '--statement', 'SELECT pg_sleep(0.1)', '--seconds', '3000', '--max', '8'],
    ])
    await said('measuring')
    while ((await sessions('sluice-tune', server.url)) < 2) await sleep(5)
    child.kill(signal)
    expect((await ended).code).toBe(exitCode)
    expect(await sessions('sluice-tune', server.url)).toBe(0)
  })

  test('Ctrl-C after two rounds shows what there is, and recommends nothing', async () => {
    const args = ['tune', server.url, '--statement', work, '--seconds', '3000', '--max', '4']
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
      ...[
        'tune',
        server.url,
        '--json',
        '--statement',
        'SELECT pg_sleep(0.2)',
        '--seconds',
        '3000',
        '--max',
        '8',
      ],
    ])
    await expect.poll(() => sessions('sluice-tune', server.url), { timeout: 30_000 }).toBeGreaterThan(0)
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
    const url = new URL(server.url)
    url.password = 'wrong-wrong'
    const { code, stdout } = await run(['tune', '--json', url.href])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, kind: 'login', host: url.hostname })
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
    expect(await sessions('sluice-tune', server.url)).toBe(0)
  })

  test('a statement that does not end is cancelled when time is over', async () => {
    const { code, stderr } = await tune('--statement', 'SELECT pg_sleep(3000)', '--seconds', '5')
    expect(code).toBe(1)
    expect(stderr).toContain('The 5 s of --seconds were over before the measuring had begun')
    expect(await sessions('sluice-tune', server.url)).toBe(0)
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
    const { rows } = await withClient((client) => client.query('SELECT * FROM notes'), server.url)
    expect(rows).toEqual([])
  })

  test('never takes more than its share of the free connections', async () => {
    const { code, stderr } = await tune('--statement', 'SELECT 1', '--share', '0.03')
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /The server has \d+ connections left for this role, and a share of 0\.03 of them is 1/,
    )
    const watch = await watchSessions('sluice-tune', server.url)
    const { server: room } = await report('--statement', 'SELECT 1', '--share', '0.1', '--seconds', '8')
    expect(room.largest).toBe(Math.floor(0.1 * room.free))
    expect((await watch.stop()).max).toBeLessThanOrEqual(room.largest)
  })
})

describe('what it asks and what it says', { timeout: 60_000 }, () => {
  test('asks what the server remembers, and says what it could not', async () => {
    expect((await tune()).stderr).toContain('pg_stat_statements cannot be read here')
    await withClient(async (client) => {
      await client.query('CREATE EXTENSION pg_stat_statements')
      for (let n = 0; n < 20; n++) await client.query('SELECT count(*) FROM notes')
      await client.query('SELECT * FROM notes WHERE id = 7')
    }, server.url)
    const { workload } = await report('--seconds', '8', '--max', '4')
    expect(workload.label).toMatch(/^\d+ of the statements in pg_stat_statements, as often as they came$/)
    expect(workload.leftOut).toMatch(/\d+ do more than read and [1-9]\d* have constants/)
  })

  test('says it in lines of 80 columns, in code, and in a picture', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-tune-test-'))
    try {
      const path = join(folder, 'curve.svg')
      const { code, stdout } = await tune('--statement', work, '--seconds', '10', '--max', '8', '--svg', path)
      expect(code).toBe(0)
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
      expect(stdout).toMatch(/new Pool\(\{ max: \d, min: \d \}\)/)
      expect(stdout).toMatch(/p50 +p99/)
      expect(stdout).toMatch(/◆ its knee: \d|No curve fits/)
      expect(stdout).toMatch(/Confidence (high|fair|low)/)
      expect(stdout).toMatch(/Universal\s+Scalability\s+Law/)
      expect(readFileSync(path, 'utf8')).toMatch(/^<svg [\s\S]*<circle [\s\S]*<\/svg>\n$/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('without a database it measures a sample on one of its own, and leaves nothing', async () => {
    const place = playground()
    try {
      const { code, stdout, stderr } = await run(
        ['tune', '--json', '--seconds', '8', '--max', '3'],
        place.env,
      )
      expect([code, stderr]).toEqual([0, ''])
      const found = JSON.parse(stdout) as TuneReport
      expect(found.server.embedded).toBe(true)
      expect(found.workload.lanes).toBe(true)
      expect(place.leftovers()).toEqual({ files: [], processes: [] })
    } finally {
      place.remove()
    }
  })

  test('and also leaves nothing when it is interrupted there', async () => {
    const place = playground()
    try {
      const { child, said, ended } = start(['tune', '--seconds', '3000', '--max', '4'], place.env)
      await said('measuring')
      child.kill('SIGINT')
      expect((await ended).code).toBe(130)
      expect(place.leftovers()).toEqual({ files: [], processes: [] })
    } finally {
      place.remove()
    }
  })

  test.each([
    [['--seconds', '4'], '--seconds must be a whole number from 5 to 3,600'],
    [['--share', '0'], '--share must be a number from 0.01 to 1'],
    [['--max', '2'], '--max must be a whole number from 3 to 1,000'],
    [['--statement', 'SELECT 1', '--file', 'x'], '--statement and --file say the same thing'],
    [['--file', '/nowhere'], '--file cannot be read'],
    [['--statement', 'SELECT pg_sleep(0.5)', '--seconds', '5'], 'Give more --seconds, or shorter statements'],
  ])('%j is one sentence', async (args, sentence) => {
    const { code, stdout, stderr } = await tune(...args)
    expect([code, stderr.trim().split('\n').length]).toEqual([2, 1])
    expect(stderr).toContain(sentence)
    expect(stdout).not.toContain('round')
  })
})
