import { defineConfig } from 'vitest/config'
import { CountReporter } from './test/support/reporter.ts'

const needsDatabase = ['test/{integration,dropin,orm,lanes,faults}/**/*.test.ts']

export default defineConfig({
  test: {
    reporters: ['default', new CountReporter()],
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
          exclude: ['**/node_modules/**', ...needsDatabase],
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
    ],
  },
})
