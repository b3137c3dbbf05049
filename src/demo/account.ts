/**
 * Under which account an embedded server runs, and where that account may go: Postgres refuses to run as
 * root.
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** The user and group a server process runs under. */
export type Account = { uid: number; gid: number; name: string }

/** The account a server must run under, `undefined` for our own. */
export function serverAccount(passwd: string = '/etc/passwd'): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const rows = readFileSync(passwd, 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  for (const wanted of ['postgres', '_postgres', 'nobody']) {
    const row = rows.find(([name]) => name === wanted)
    // macOS writes nobody as -2: ids are unsigned.
    if (row) return { name: wanted, uid: Number(row[2]) >>> 0, gid: Number(row[3]) >>> 0 }
  }
  throw new Error(
    'Postgres refuses to run as root, and this machine has no user postgres or nobody: set DATABASE_URL.',
  )
}

/** Whether `account` may enter `folder`, judged by the permissions of the folder and of all above it. */
export function reachable(folder: string, account: Account | undefined): boolean {
  for (let path = folder; ; path = dirname(path)) {
    if (existsSync(path) && !permits(path, account, 1)) return false
    if (path === dirname(path)) return true
  }
}

/** Whether `account` may make and remove entries of `folder`. */
function writable(folder: string, account: Account | undefined): boolean {
  return existsSync(folder) && reachable(folder, account) && permits(folder, account, 3)
}

function permits(path: string, account: Account | undefined, bits: number): boolean {
  if (account === undefined) return true
  const { mode, uid, gid } = statSync(path)
  const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0
  return ((mode >> shift) & bits) === bits
}

/** Gives a folder and all in it to `account`, so that what runs under it can remove the folder again. */
export function giveTree(folder: string, { uid, gid }: Account): void {
  lchownSync(folder, uid, gid)
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    lchownSync(join(folder, entry), uid, gid)
}

/** Makes the folder a server lives in, where `account` may also remove it again. */
export function makeRunDirectory(account: Account | undefined): string {
  // The watchdog runs under the account too, and removes the folder.
  const parent = [tmpdir(), '/tmp'].find((folder) => writable(folder, account))
  if (parent === undefined)
    throw new Error(`The user ${account?.name}, which the server runs as, may not write to ${tmpdir()}.`)
  const run = mkdtempSync(join(parent, 'sluice-postgres-'))
  chmodSync(run, 0o755)
  if (account) chownSync(run, account.uid, account.gid)
  return run
}
