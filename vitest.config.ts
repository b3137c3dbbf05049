import { defineConfig } from 'vitest/config'
import { HOW_TO_GET_PGBOUNCER, pgbouncerProgram } from './test/support/pgbouncer-program.ts'
import { CountReporter } from './test/support/reporter.ts'

const needsDatabase = ['test/{integration,dropin,orm,lanes,faults}/**/*.test.ts']
const needsPgBouncer = ['test/pgbouncer/**/*.test.ts']

const hasPgBouncer = pgbouncerProgram() !== undefined
const missing = `PgBouncer is not installed (${HOW_TO_GET_PGBOUNCER})`
if (!hasPgBouncer && process.env.CI === 'true')
  throw new Error(`${missing}: under CI=true no test may be left out.`)

export default defineConfig({
  test: {
    reporters: [
      'default',
      new CountReporter(hasPgBouncer ? [] : needsPgBouncer.map((suites) => `${suites}: ${missing}`)),
    ],
    // For machines that do several things at once; each test has the times that it promises in itself.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Most of the time is spent waiting for deadlines of the pool, not for the processor.
    maxWorkers: 3,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...needsDatabase, ...needsPgBouncer],
        },
      },
      {
        extends: true,
        test: {
          name: 'database',
          include: needsDatabase,
          globalSetup: ['test/support/global-postgres.ts'],
        },
      },
      ...(hasPgBouncer
        ? [
            {
              extends: true as const,
              test: {
                name: 'pgbouncer',
                include: needsPgBouncer,
                globalSetup: ['test/support/global-postgres.ts'],
              },
            },
          ]
        : []),
    ],
  },
})
