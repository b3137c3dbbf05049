/** What `sluice tune` asks and what it says, as the shell runs it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { TuneReport } from '../../src/cli/tune/run.ts'
import { withClient } from '../support/postgres.ts'
import { playground, run, start } from './cli-support.ts'
import { tuneSubject, work } from './tune-support.ts'

const { report, tune, url } = tuneSubject()

describe('what it asks and what it says', { timeout: 60_000 }, () => {
  test('asks what the server remembers, and says what it could not', async () => {
    expect((await tune()).stderr).toContain('pg_stat_statements cannot be read here')
    await withClient(async (client) => {
      await client.query('CREATE EXTENSION pg_stat_statements')
      for (let n = 0; n < 20; n++) await client.query('SELECT count(*) FROM notes')
      await client.query('SELECT * FROM notes WHERE id = 7')
    }, url())
    const { workload } = await report('--seconds', '12', '--max', '4')
    expect(workload.label).toMatch(/^\d+ of the statements in pg_stat_statements, as often as they came$/)
    expect(workload.leftOut).toMatch(/\d+ do more than read and [1-9]\d* have constants/)
  })

  test('says it in lines of 80 columns, in code, and in a picture', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-tune-test-'))
    try {
      const path = join(folder, 'curve.svg')
      const { code, stdout } = await tune('--statement', work, '--seconds', '9', '--max', '4', '--svg', path)
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
        // Its server has to start and to be filled in that time too.
        ['tune', '--json', '--seconds', '18', '--max', '3'],
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
