import type { Generated } from 'kysely'
import { Kysely, PostgresDialect, sql } from 'kysely'
import Cursor from 'pg-cursor'
import { beforeEach, describe, expect, test } from 'vitest'
import { peers } from '../dropin/peers.ts'
import type { OpenPool } from '../dropin/support.ts'
import { opener, rejection } from '../dropin/support.ts'
import type { Watch } from './support.ts'
import { expectSettled, max, nameFor, watch } from './support.ts'

interface Tables {
  notes: { id: Generated<number>; title: string }
}

describe.each(peers)('Kysely on $name', (peer) => {
  const open = opener(peer)
  const schema = nameFor(peer, 'kysely')
  let pool: OpenPool
  let seen: Watch
  let db: Kysely<Tables>

  beforeEach(async () => {
    pool = open({ max })
    seen = watch(pool)
    const whole = new Kysely<Tables>({ dialect: new PostgresDialect({ pool, cursor: Cursor }) })
    db = whole.withSchema(schema)
    await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(whole)
    await whole.schema.createSchema(schema).execute()
    await db.schema
      .createTable('notes')
      .addColumn('id', 'serial', (column) => column.primaryKey())
      .addColumn('title', 'text', (column) => column.notNull().unique())
      .execute()
  })

  const add = (title: string) => db.insertInto('notes').values({ title })
  const titles = async (): Promise<string[]> =>
    (await db.selectFrom('notes').select('title').orderBy('id').execute()).map((row) => row.title)

  test('creates, reads, changes and deletes', async () => {
    expect(await add('one').returningAll().execute()).toEqual([{ id: 1, title: 'one' }])
    await add('two').execute()
    await db.updateTable('notes').set({ title: 'uno' }).where('title', '=', 'one').execute()
    const { numDeletedRows } = await db
      .deleteFrom('notes')
      .where('title', '=', 'two')
      .executeTakeFirstOrThrow()
    expect([numDeletedRows, await titles()]).toEqual([1n, ['uno']])
    await expectSettled(pool, seen)
  })

  test('commits a transaction, all of it on one connection', async () => {
    const pid = sql<{ pid: number }>`select pg_backend_pid() as pid`
    const pids = await db.transaction().execute(async (trx) => {
      await trx.insertInto('notes').values({ title: 'one' }).execute()
      return [await pid.execute(trx), await pid.execute(trx)].map(({ rows }) => rows[0]?.pid)
    })
    expect(pids[0]).toBe(pids[1])
    expect(await titles()).toEqual(['one'])
    await expectSettled(pool, seen)
  })

  test('rolls a transaction back', async () => {
    const broken = db.transaction().execute(async (trx) => {
      await trx.insertInto('notes').values({ title: 'one' }).execute()
      throw new Error('changed my mind')
    })
    expect((await rejection(broken)).message).toBe('changed my mind')
    expect(await titles()).toEqual([])
    await expectSettled(pool, seen)
  })

  test('rolls a controlled transaction back to a savepoint', async () => {
    const trx = await db.startTransaction().execute()
    await trx.insertInto('notes').values({ title: 'one' }).execute()
    const saved = await trx.savepoint('after_one').execute()
    await saved.insertInto('notes').values({ title: 'two' }).execute()
    await saved.rollbackToSavepoint('after_one').execute()
    await trx.commit().execute()
    expect(await titles()).toEqual(['one'])
    await expectSettled(pool, seen)
  })

  test('streams rows through a cursor, to the end and not to the end', async () => {
    await sql`insert into ${sql.table(`${schema}.notes`)} (title) select 'note ' || n from generate_series(1, 200) n`.execute(
      db,
    )
    const all: string[] = []
    for await (const { title } of db.selectFrom('notes').select('title').stream(50)) all.push(title)
    expect(all).toHaveLength(200)
    for await (const { title } of db.selectFrom('notes').select('title').orderBy('id').stream(10)) {
      expect(title).toBe('note 1')
      break
    }
    await expectSettled(pool, seen)
  })

  test('tells of a unique violation, inside a transaction and outside', async () => {
    await add('one').execute()
    expect(await rejection(add('one').execute())).toMatchObject({ code: '23505' })
    const transaction = db.transaction().execute(async (trx) => {
      await trx.insertInto('notes').values({ title: 'two' }).execute()
      await trx.insertInto('notes').values({ title: 'one' }).execute()
    })
    expect(await rejection(transaction)).toMatchObject({ code: '23505' })
    expect(await titles()).toEqual(['one'])
    await expectSettled(pool, seen)
  })

  test('many at once share the connections', async () => {
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        n % 2 === 0
          ? add(`note ${n}`).execute()
          : db.transaction().execute((trx) =>
              trx
                .insertInto('notes')
                .values({ title: `note ${n}` })
                .execute(),
            ),
      ),
    )
    expect(await titles()).toHaveLength(30)
    await expectSettled(pool, seen)
  })

  test('destroy ends the pool', async () => {
    await db.destroy()
    expect([pool.ended, pool.totalCount]).toEqual([true, 0])
  })
})
