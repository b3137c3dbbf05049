/** Where the programs are that some suites need, if they are on this machine. Without vitest, so that its configuration can ask. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A program that a machine may lack. */
export interface Program {
  readonly name: string
  /** Where it is; undefined where it is not. */
  readonly file: string | undefined
  /** How to get it, for whoever reads that its suites were left out. */
  readonly howToGet: string
}

/** Debian puts servers where only root looks. */
function find(name: string, path: string): string | undefined {
  return [...path.split(delimiter), '/usr/sbin', '/usr/local/sbin']
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file))
}

function program(name: string, command: string, debian: string): Program {
  const file = find(command, process.env.PATH ?? '')
  return { name, file, howToGet: `apt-get install ${debian}` }
}

export const PGBOUNCER: Program = program('PgBouncer', 'pgbouncer', 'pgbouncer')
export const PROMTOOL: Program = program('promtool', 'promtool', 'prometheus')
export const CHROMIUM: Program = program('Chromium', 'chromium', 'chromium')
