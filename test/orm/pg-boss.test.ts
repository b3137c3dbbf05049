import pg from 'pg'
import PgBoss from 'pg-boss'
import { afterEach, describe, expect, test } from 'vitest'
import type { Peer } from '../dropin/peers.ts'
import { peers } from '../dropin/peers.ts'
import type { OpenPool } from '../dropin/support.ts'
import { opener, rejection } from '../dropin/support.ts'
import { databaseUrl } from '../support/postgres.ts'
import type { Watch } from './support.ts'
import { expectSettled, max, nameFor, watch } from './support.ts'

interface Sql {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

interface Started {
  readonly boss: PgBoss
  readonly pool: OpenPool
  readonly seen: Watch
}

// The two ways a pool of ours gets under pg-boss: handed in as `db`, and as the class it finds in pg.
const ways: [string, (peer: Peer, pool: () => OpenPool, schema: string) => Promise<Started>][] = [
  [
    'handed in as db',
    async (_peer, open, schema) => {
      const pool = open()
      const seen = watch(pool)
      const db: Sql = { executeSql: (text, values) => pool.query(text, values) }
      await pool.query(`drop schema if exists ${schema} cascade`)
      const boss = new PgBoss({ db: db as PgBoss.Db, schema, supervise: false, schedule: false })
      await boss.start()
      return { boss, pool, seen }
    },
  ],
  [
    'in the place of pg.Pool',
    async (peer, open, schema) => {
      const tidy = open()
      await tidy.query(`drop schema if exists ${schema} cascade`)
      await tidy.end()
      const found: { pool?: OpenPool; seen?: Watch } = {}
      class Ours extends peer.Pool {
        constructor(options?: pg.PoolConfig) {
          super(options)
          found.pool = this as unknown as OpenPool
          found.seen = watch(found.pool)
        }
      }
      const boss = new PgBoss({
        connectionString: databaseUrl(),
        max,
        schema,
        supervise: false,
        schedule: false,
      })
      const original = pg.Pool
      pg.Pool = Ours
      try {
        await boss.start()
      } finally {
        pg.Pool = original
      }
      if (!found.pool || !found.seen) throw new Error('pg-boss made no pool')
      return { boss, pool: found.pool, seen: found.seen }
    },
  ],
]

describe.each(peers)('pg-boss on $name', (peer) => {
  const open = opener(peer)

  describe.each(ways)('%s', (way, start) => {
    const schema = `${nameFor(peer, 'pgboss')}_${way === 'handed in as db' ? 'db' : 'class'}`
    let started: Started | undefined

    const begin = async (): Promise<Started> => {
      started = await start(peer, () => open({ max }), schema)
      started.boss.on('error', () => {})
      await started.boss.createQueue('letters')
      return started
    }

    afterEach(async () => {
      await started?.boss.stop({ graceful: false, wait: true })
      started = undefined
    })

    test('sends, fetches and completes a job', async () => {
      const { boss, pool, seen } = await begin()
      const id = await boss.send('letters', { to: 'Ada' })
      const jobs = await boss.fetch<{ to: string }>('letters')
      expect(jobs.map((job) => [job.id, job.data])).toEqual([[id, { to: 'Ada' }]])
      await boss.complete('letters', id as string)
      expect((await boss.getJobById('letters', id as string))?.state).toBe('completed')
      await expectSettled(pool, seen)
    })

    test('hands a job to a worker', async () => {
      const { boss, pool, seen } = await begin()
      const worked = new Promise((resolve) => {
        void boss.work('letters', { pollingIntervalSeconds: 0.5 }, async ([job]) => resolve(job?.data))
      })
      await boss.send('letters', { to: 'Grace' })
      expect(await worked).toEqual({ to: 'Grace' })
      await boss.offWork('letters')
      await expectSettled(pool, seen)
    })

    test('sends within a transaction of the caller, committed and rolled back', async () => {
      const { boss, pool, seen } = await begin()
      const client = await pool.connect()
      const db: Sql = { executeSql: (text, values) => client.query(text, values) }
      await client.query('begin')
      const kept = await boss.send('letters', { n: 1 }, { db: db as PgBoss.Db })
      await client.query('commit')
      await client.query('begin')
      const lost = await boss.send('letters', { n: 2 }, { db: db as PgBoss.Db })
      await client.query('rollback')
      client.release()
      expect((await boss.getJobById('letters', kept as string))?.data).toEqual({ n: 1 })
      expect(await boss.getJobById('letters', lost as string)).toBeNull()
      await expectSettled(pool, seen)
    })

    test('tells of a unique violation and goes on', async () => {
      const { boss, pool, seen } = await begin()
      const again = pool.query(
        `insert into ${schema}.queue select * from ${schema}.queue where name = 'letters'`,
      )
      expect(await rejection(again)).toMatchObject({ code: '23505' })
      expect(await boss.send('letters', {})).toEqual(expect.any(String))
      await expectSettled(pool, seen)
    })

    test('sends many at once through few connections', async () => {
      const { boss, pool, seen } = await begin()
      await Promise.all(Array.from({ length: 30 }, (_, n) => boss.send('letters', { n })))
      expect(await boss.fetch('letters', { batchSize: 50 })).toHaveLength(30)
      await expectSettled(pool, seen)
    })
  })
})
