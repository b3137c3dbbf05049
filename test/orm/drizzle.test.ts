import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { beforeEach, describe, expect, test } from 'vitest'
import { peers } from '../dropin/peers.ts'
import type { OpenPool } from '../dropin/support.ts'
import { opener, rejection } from '../dropin/support.ts'
import type { Watch } from './support.ts'
import { expectSettled, max, nameFor, watch } from './support.ts'

describe.each(peers)('Drizzle on $name', (peer) => {
  const open = opener(peer)
  const notes = pgTable(nameFor(peer, 'drizzle'), {
    id: integer().primaryKey(),
    title: text().notNull().unique(),
  })
  let pool: OpenPool
  let seen: Watch
  let db: ReturnType<typeof drizzle>

  beforeEach(async () => {
    pool = open({ max })
    seen = watch(pool)
    db = drizzle({ client: pool })
    await db.execute(sql`drop table if exists ${notes}`)
    await db.execute(sql`create table ${notes} (id int primary key, title text not null unique)`)
  })

  test('creates, reads, changes and deletes', async () => {
    const made = await db
      .insert(notes)
      .values([
        { id: 1, title: 'one' },
        { id: 2, title: 'two' },
      ])
      .returning()
    expect(made).toEqual([
      { id: 1, title: 'one' },
      { id: 2, title: 'two' },
    ])
    await db.update(notes).set({ title: 'uno' }).where(eq(notes.id, 1))
    await db.delete(notes).where(eq(notes.id, 2))
    expect(await db.select().from(notes)).toEqual([{ id: 1, title: 'uno' }])
    await expectSettled(pool, seen)
  })

  test('runs a prepared statement', async () => {
    await db.insert(notes).values({ id: 1, title: 'one' })
    const byId = db
      .select()
      .from(notes)
      .where(eq(notes.id, sql.placeholder('id')))
      .prepare('drizzle_by_id')
    for (let i = 0; i < 5; i += 1) expect(await byId.execute({ id: 1 })).toEqual([{ id: 1, title: 'one' }])
    await expectSettled(pool, seen)
  })

  test('commits a transaction, all of it on one connection', async () => {
    const pids = await db.transaction(async (tx) => {
      await tx.insert(notes).values({ id: 1, title: 'one' })
      const first = await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`)
      await tx.insert(notes).values({ id: 2, title: 'two' })
      const second = await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`)
      return [first.rows[0]?.pid, second.rows[0]?.pid]
    })
    expect(pids[0]).toBe(pids[1])
    expect(await db.$count(notes)).toBe(2)
    await expectSettled(pool, seen)
  })

  test('rolls a transaction back', async () => {
    const broken = db.transaction(async (tx) => {
      await tx.insert(notes).values({ id: 1, title: 'one' })
      throw new Error('changed my mind')
    })
    expect((await rejection(broken)).message).toBe('changed my mind')
    expect(await db.$count(notes)).toBe(0)
    await expectSettled(pool, seen)
  })

  test('rolls back to a savepoint', async () => {
    await db.transaction(async (tx) => {
      await tx.insert(notes).values({ id: 1, title: 'one' })
      const inner = tx.transaction(async (nested) => {
        await nested.insert(notes).values({ id: 2, title: 'two' })
        nested.rollback()
      })
      await rejection(inner)
    })
    expect(await db.select({ id: notes.id }).from(notes)).toEqual([{ id: 1 }])
    await expectSettled(pool, seen)
  })

  test('tells of a unique violation, inside a transaction and outside', async () => {
    await db.insert(notes).values({ id: 1, title: 'one' })
    expect(await rejection(db.insert(notes).values({ id: 2, title: 'one' }).execute())).toMatchObject({
      cause: { code: '23505' },
    })
    const transaction = db.transaction(async (tx) => {
      await tx.insert(notes).values({ id: 3, title: 'three' })
      await tx.insert(notes).values({ id: 4, title: 'one' })
    })
    expect(await rejection(transaction)).toMatchObject({ cause: { code: '23505' } })
    expect(await db.$count(notes)).toBe(1)
    await expectSettled(pool, seen)
  })

  test('many at once share the connections', async () => {
    await Promise.all(
      Array.from({ length: 30 }, (_, id) =>
        id % 2 === 0
          ? db.insert(notes).values({ id, title: `note ${id}` })
          : db.transaction((tx) => tx.insert(notes).values({ id, title: `note ${id}` })),
      ),
    )
    expect(await db.$count(notes)).toBe(30)
    await expectSettled(pool, seen)
  })
})
