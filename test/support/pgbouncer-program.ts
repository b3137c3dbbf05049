/** Where PgBouncer is on this machine, if it is. Without vitest, so that its configuration can ask. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** How to get it, for whoever reads that its suites were left out. */
export const HOW_TO_GET_PGBOUNCER = 'apt-get install pgbouncer'

/** The program; Debian puts servers where only root looks. Undefined where there is none. */
export function pgbouncerProgram(path: string = process.env.PATH ?? ''): string | undefined {
  return [...path.split(delimiter), '/usr/sbin', '/usr/local/sbin']
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'pgbouncer'))
    .find((file) => existsSync(file))
}
