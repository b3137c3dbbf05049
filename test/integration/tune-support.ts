/** A server with work that has a knee, and `sluice tune` on it. */
import { afterAll, beforeAll, expect } from 'vitest'
import type { TuneReport } from '../../src/cli/tune/run.ts'
import type { EmbeddedPostgres } from '../../src/demo/embedded.ts'
import { startPostgres } from '../../src/demo/embedded.ts'
import { withClient } from '../support/postgres.ts'
import type { Ended } from './cli-support.ts'
import { run } from './cli-support.ts'

/** What `sluice tune` is pointed at. */
export interface Subject {
  /** Once it runs. */
  url(): string
  tune(...args: string[]): Promise<Ended>
  /** What a tune found that went well. */
  report(...args: string[]): Promise<TuneReport>
}

/** A statement whose throughput has its knee at some three connections. */
export const work = 'SELECT work(1)'

/** Starts the server before the tests of a file and stops it after them. */
export function tuneSubject(): Subject {
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

  const url = (): string => server.url
  const tune = (...args: string[]): Promise<Ended> => run(['tune', url(), ...args])
  return {
    url,
    tune,
    report: async (...args) => {
      const { code, stdout, stderr } = await tune('--json', ...args)
      expect([code, stderr]).toEqual([0, ''])
      return JSON.parse(stdout) as TuneReport
    },
  }
}
