import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { PrismaPg } from '@prisma/adapter-pg'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { peers } from '../dropin/peers.ts'
import type { OpenPool } from '../dropin/support.ts'
import { opener, rejection } from '../dropin/support.ts'
import type { Watch } from './support.ts'
import { expectSettled, max, nameFor, watch } from './support.ts'

interface Note {
  id: number
  title: string
}

/** The part of the generated client that is used here: it does not exist when the types are checked. */
interface Client {
  readonly note: {
    create(args: { data: { title: string } }): Promise<Note>
    createMany(args: { data: { title: string }[] }): Promise<{ count: number }>
    findMany(args?: { orderBy?: { id: 'asc' } }): Promise<Note[]>
    update(args: { where: { title: string }; data: { title: string } }): Promise<Note>
    delete(args: { where: { title: string } }): Promise<Note>
    count(): Promise<number>
  }
  $transaction<R>(run: (tx: Client) => Promise<R>): Promise<R>
  $transaction<R>(list: Promise<R>[]): Promise<R[]>
  $queryRawUnsafe<R>(text: string, ...values: unknown[]): Promise<R>
  $disconnect(): Promise<void>
}

type PrismaClient = new (options: { adapter: PrismaPg }) => Client

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Generate the client into a folder that is not kept; nothing is downloaded for it. */
async function generate(): Promise<PrismaClient> {
  const prisma = dirname(createRequire(import.meta.url).resolve('prisma/package.json'))
  const schema = fileURLToPath(new URL('prisma/schema.prisma', import.meta.url))
  const env = {
    ...process.env,
    PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true',
    CHECKPOINT_DISABLE: '1',
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
  }
  await promisify(execFile)(
    process.execPath,
    [join(prisma, 'build/index.js'), 'generate', '--schema', schema],
    { cwd: root, env },
  )
  const { href } = pathToFileURL(join(root, '.cache/prisma/client.ts'))
  return ((await import(href)) as { PrismaClient: PrismaClient }).PrismaClient
}

let PrismaClient: PrismaClient

beforeAll(async () => {
  PrismaClient = await generate()
})

describe.each(peers)('Prisma on $name', (peer) => {
  const open = opener(peer)
  const schema = nameFor(peer, 'prisma')
  let pool: OpenPool
  let seen: Watch
  let prisma: Client

  beforeEach(async () => {
    pool = open({ max })
    await pool.query(`drop schema if exists ${schema} cascade`)
    await pool.query(`create schema ${schema}`)
    await pool.query(
      `create table ${schema}.orm_prisma_notes (id serial primary key, title text not null unique, body text not null default '')`,
    )
    seen = watch(pool)
    prisma = new PrismaClient({ adapter: new PrismaPg(pool, { schema }) })
  })

  afterEach(async () => {
    await prisma.$disconnect()
  })

  test('creates, reads, changes and deletes', async () => {
    const one = await prisma.note.create({ data: { title: 'one' } })
    await prisma.note.create({ data: { title: 'two' } })
    await prisma.note.update({ where: { title: 'one' }, data: { title: 'uno' } })
    await prisma.note.delete({ where: { title: 'two' } })
    expect(await prisma.note.findMany()).toEqual([{ ...one, title: 'uno' }])
    await expectSettled(pool, seen)
  })

  test('commits a transaction, all of it on one connection', async () => {
    const pids = await prisma.$transaction(async (tx) => {
      await tx.note.create({ data: { title: 'one' } })
      const first = await tx.$queryRawUnsafe<{ pid: number }[]>('select pg_backend_pid() as pid')
      await tx.note.create({ data: { title: 'two' } })
      const second = await tx.$queryRawUnsafe<{ pid: number }[]>('select pg_backend_pid() as pid')
      return [first[0]?.pid, second[0]?.pid]
    })
    expect(pids[0]).toBe(pids[1])
    expect(await prisma.note.count()).toBe(2)
    await expectSettled(pool, seen)
  })

  test('commits a list of operations', async () => {
    const made = await prisma.$transaction([
      prisma.note.create({ data: { title: 'one' } }),
      prisma.note.create({ data: { title: 'two' } }),
    ])
    expect(made.map(({ title }) => title)).toEqual(['one', 'two'])
    await expectSettled(pool, seen)
  })

  test('rolls a transaction back', async () => {
    const broken = prisma.$transaction(async (tx) => {
      await tx.note.create({ data: { title: 'one' } })
      throw new Error('changed my mind')
    })
    expect((await rejection(broken)).message).toBe('changed my mind')
    expect(await prisma.note.count()).toBe(0)
    await expectSettled(pool, seen)
  })

  test('tells of a unique violation, inside a transaction and outside', async () => {
    await prisma.note.create({ data: { title: 'one' } })
    // Prisma's own code for it, and the server's code below.
    const error = await rejection(prisma.note.create({ data: { title: 'one' } }))
    expect(error.code).toBe('P2002')
    expect(JSON.stringify(error)).toContain('23505')
    const transaction = prisma.$transaction(async (tx) => {
      await tx.note.create({ data: { title: 'two' } })
      await tx.note.create({ data: { title: 'one' } })
    })
    expect(await rejection(transaction)).toMatchObject({ code: 'P2002' })
    expect(await prisma.note.count()).toBe(1)
    await expectSettled(pool, seen)
  })

  test('many at once share the connections', async () => {
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        n % 2 === 0
          ? prisma.note.create({ data: { title: `note ${n}` } })
          : prisma.$transaction((tx) => tx.note.create({ data: { title: `note ${n}` } })),
      ),
    )
    expect(await prisma.note.count()).toBe(30)
    await expectSettled(pool, seen)
  })

  test('leaves the pool open, and takes its listener back, on disconnect', async () => {
    const before = pool.listenerCount('error')
    await prisma.note.count()
    expect(pool.listenerCount('error')).toBe(before + 1)
    await prisma.$disconnect()
    expect([pool.listenerCount('error'), pool.ending]).toEqual([before, false])
  })
})
