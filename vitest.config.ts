import { defineConfig } from 'vitest/config'
import type { Program } from './test/support/programs.ts'
import { CHROMIUM, PGBOUNCER, PROMTOOL } from './test/support/programs.ts'
import { CountReporter } from './test/support/reporter.ts'

const needsDatabase = ['test/{integration,dropin,orm,lanes,faults}/**/*.test.ts']

/** Suites that need a program which a laptop may lack; each is a project of its own. */
const special: readonly { readonly name: string; readonly include: string; readonly needs: Program }[] = [
  { name: 'pgbouncer', include: 'test/pgbouncer/**/*.test.ts', needs: PGBOUNCER },
  { name: 'promtool', include: 'test/promtool/**/*.test.ts', needs: PROMTOOL },
  { name: 'browser', include: 'test/browser/**/*.test.ts', needs: CHROMIUM },
]

const whyNot = ({ name, howToGet }: Program) => `${name} is not installed (${howToGet})`
const missing = special.filter(({ needs }) => needs.file === undefined)
const [first] = missing
if (first !== undefined && process.env.CI === 'true')
  throw new Error(`${whyNot(first.needs)}: under CI=true no test may be left out.`)

export default defineConfig({
  test: {
    reporters: [
      'default',
      new CountReporter(missing.map(({ include, needs }) => `${include}: ${whyNot(needs)}`)),
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
          exclude: ['**/node_modules/**', ...needsDatabase, ...special.map(({ include }) => include)],
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
      ...special
        .filter((suite) => !missing.includes(suite))
        .map(({ name, include }) => ({
          extends: true as const,
          test: { name, include: [include], globalSetup: ['test/support/global-postgres.ts'] },
        })),
    ],
  },
})
