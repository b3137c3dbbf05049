/** Vitest global setup: one Postgres for the whole run, that of `DATABASE_URL` or an embedded one. */
import type { TestProject } from 'vitest/node'
import { startPostgres } from '../../src/demo/embedded.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    databaseUrl: string
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env.DATABASE_URL
  if (given) {
    project.provide('databaseUrl', given)
    return undefined
  }
  const server = await startPostgres()
  project.provide('databaseUrl', server.url)
  return () => server.stop()
}
