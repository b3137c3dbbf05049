import pg from 'pg'
import { DataSource, EntitySchema, QueryFailedError } from 'typeorm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { peers } from '../dropin/peers.ts'
import type { OpenPool } from '../dropin/support.ts'
import { rejection } from '../dropin/support.ts'
import { databaseUrl } from '../support/postgres.ts'
import type { Watch } from './support.ts'
import { expectSettled, max, nameFor, watch } from './support.ts'

interface Note {
  id: number
  title: string
}

describe.each(peers)('TypeORM on $name', (peer) => {
  const Notes = new EntitySchema<Note>({
    name: 'Note',
    tableName: nameFor(peer, 'typeorm'),
    columns: {
      id: { type: Number, primary: true, generated: true },
      title: { type: String, unique: true },
    },
  })
  let pool: OpenPool
  let seen: Watch
  let source: DataSource

  beforeEach(async () => {
    // TypeORM constructs the pool itself, of the class it finds in the driver.
    class Ours extends peer.Pool {
      constructor(options?: pg.PoolConfig) {
        super(options)
        pool = this as unknown as OpenPool
        seen = watch(pool)
      }
    }
    source = new DataSource({
      type: 'postgres',
      url: databaseUrl(),
      driver: { ...pg, Pool: Ours },
      poolSize: max,
      applicationName: 'typeorm',
      connectTimeoutMS: 10_000,
      entities: [Notes],
      dropSchema: false,
      synchronize: false,
    })
    await source.initialize()
    await source.query(`drop table if exists ${nameFor(peer, 'typeorm')}`)
    await source.synchronize()
  })

  afterEach(async () => {
    if (source.isInitialized) await source.destroy()
  })

  test('makes its pool of our class', () => {
    expect(pool).toBeInstanceOf(peer.Pool)
    expect(pool.options.max).toBe(max)
  })

  test('creates, reads, changes and deletes', async () => {
    const notes = source.getRepository(Notes)
    const one = await notes.save({ title: 'one' })
    const two = await notes.save({ title: 'two' })
    await notes.update(one.id, { title: 'uno' })
    await notes.delete(two.id)
    expect(await notes.find()).toEqual([{ id: one.id, title: 'uno' }])
    await expectSettled(pool, seen)
  })

  test('commits a transaction, all of it on one connection', async () => {
    const pids = await source.transaction(async (manager) => {
      await manager.save(Notes, { title: 'one' })
      const [first] = await manager.query('select pg_backend_pid() as pid')
      await manager.save(Notes, { title: 'two' })
      const [second] = await manager.query('select pg_backend_pid() as pid')
      return [first.pid, second.pid]
    })
    expect(pids[0]).toBe(pids[1])
    expect(await source.getRepository(Notes).count()).toBe(2)
    await expectSettled(pool, seen)
  })

  test('rolls a transaction back', async () => {
    const broken = source.transaction(async (manager) => {
      await manager.save(Notes, { title: 'one' })
      throw new Error('changed my mind')
    })
    expect((await rejection(broken)).message).toBe('changed my mind')
    expect(await source.getRepository(Notes).count()).toBe(0)
    await expectSettled(pool, seen)
  })

  test('streams rows on a query runner', async () => {
    const notes = source.getRepository(Notes)
    await notes.insert(Array.from({ length: 120 }, (_, n) => ({ title: `note ${n}` })))
    const runner = source.createQueryRunner()
    const stream = await runner.stream(`select title from ${nameFor(peer, 'typeorm')} order by id`)
    const titles: string[] = []
    for await (const row of stream) titles.push((row as { title: string }).title)
    await runner.release()
    expect([titles.length, titles[0]]).toEqual([120, 'note 0'])
    await expectSettled(pool, seen)
  })

  test('tells of a unique violation, inside a transaction and outside', async () => {
    const notes = source.getRepository(Notes)
    await notes.insert({ title: 'one' })
    const error = await rejection(notes.insert({ title: 'one' }))
    expect(error).toBeInstanceOf(QueryFailedError)
    expect(error).toMatchObject({ driverError: { code: '23505' } })
    const transaction = source.transaction(async (manager) => {
      await manager.insert(Notes, { title: 'two' })
      await manager.insert(Notes, { title: 'one' })
    })
    expect(await rejection(transaction)).toMatchObject({ driverError: { code: '23505' } })
    expect(await notes.count()).toBe(1)
    await expectSettled(pool, seen)
  })

  test('many at once share the connections', async () => {
    const notes = source.getRepository(Notes)
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        n % 2 === 0
          ? notes.insert({ title: `note ${n}` })
          : source.transaction((manager) => manager.insert(Notes, { title: `note ${n}` })),
      ),
    )
    expect(await notes.count()).toBe(30)
    await expectSettled(pool, seen)
  })

  test('destroy ends the pool', async () => {
    await source.destroy()
    expect([pool.ended, pool.totalCount]).toEqual([true, 0])
  })
})
