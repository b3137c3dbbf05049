/** The dashboard of real pools: what it shows is what is. */
import { request } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test } from 'vitest'
import type {
  Dashboard,
  DashboardConnection,
  DashboardOptions,
  DashboardPool,
  PoolFrame,
} from '../../src/dashboard/index.ts'
import { dashboard } from '../../src/dashboard/index.ts'
import type { Pool } from '../../src/index.ts'
import { createPools } from '../../src/index.ts'
import { look, Viewer } from '../support/event-stream.ts'
import { poolsWith } from '../support/pools.ts'
import { databaseUrl } from '../support/postgres.ts'

const up: Dashboard[] = []
afterEach(async () => {
  await Promise.all(up.splice(0).map((each) => each.close()))
})

async function shown(options: DashboardOptions): Promise<Dashboard> {
  const made = await dashboard({ everyMillis: 50, ...options })
  up.push(made)
  return made
}

const pools = poolsWith({ max: 4, idleTimeoutMillis: 0 })

/** A pool whose statements take connections of their own. */
const plain = (config = {}) => pools({ pipelining: false, ...config })

/** What of a frame must be as `stats()` has it while nothing moves. */
function countsOf(pool: Pool): PoolFrame['counts'] {
  const { total, opening, idle, checking, leased, shared, cancelling, closing, waiting, lost, leaking } =
    pool.stats()
  return { total, opening, idle, checking, leased, shared, cancelling, closing, waiting, lost, leaking }
}

const LEAK = /^1 connection held for [\d,.]+ ms by forgetful may be leaked$/

const only = ({ pools: [pool] }: { readonly pools: readonly PoolFrame[] }) => pool as PoolFrame

describe('what is shown', () => {
  test('a frame has the numbers of stats(), at rest and while connections are out and callers wait', async () => {
    const pool = plain()
    await pool.query('SELECT 1')
    const { url } = await shown({ pools: pool })
    const viewer = await look(url)
    const rest = only(await viewer.next('frame'))
    expect(rest.counts).toEqual(countsOf(pool))
    expect(rest).toMatchObject({ name: 'default', state: 'running', max: 4, utilization: 0, breaker: null })
    const leases = await Promise.all(
      [1, 2, 3, 4].map((n) => pool.lease({ agent: `agent-${n}`, priority: 'high' })),
    )
    const waiters = [1, 2, 3].map(() => pool.lease({ agent: 'late', priority: 'low' }))
    const full = only(await viewer.next('frame', (frame) => only(frame).counts.waiting === 3))
    expect(full.counts).toEqual(countsOf(pool))
    expect(full.utilization).toBe(100)
    expect(full.queue).toEqual({
      rows: [{ priority: 3, agent: 'late', waiting: 3, oldestMillis: expect.any(Number) }],
      more: 0,
    })
    expect(full.slots.map(({ agent, state }) => `${state} ${agent}`).sort()).toEqual([
      'leased agent-1',
      'leased agent-2',
      'leased agent-3',
      'leased agent-4',
    ])
    expect(full.slots.map(({ processId }) => processId)).toEqual(
      pool.connections().map(({ processId }) => processId),
    )
    for (const lease of leases) lease.release()
    for (const lease of await Promise.all(waiters)) lease.release()
    const after = only(await viewer.next('frame', (frame) => only(frame).counts.idle === 4))
    expect(after.counts).toEqual(countsOf(pool))
    const { opened, acquired, closed } = pool.stats()
    expect(after.totals).toMatchObject({ opened, acquired, closed })
  })

  test('statements are counted by class, with how long they took', async () => {
    const pool = plain()
    const { url } = await shown({ pools: pool })
    const viewer = await look(url)
    let isOver = false
    const load = (async () => {
      while (!isOver) {
        await pool.query('SELECT 1', [], { class: 'simple' })
        await pool.query('SELECT 1 / $1', [0], { class: 'complex' }).catch(() => undefined)
      }
    })()
    const { classes, perSecond } = only(
      await viewer.next(
        'frame',
        (frame) => only(frame).classes.length === 2 && only(frame).perSecond.failed > 0,
      ),
    )
    isOver = true
    await load
    expect(classes.map((each) => each.class).sort()).toEqual(['complex', 'simple'])
    for (const { p50, p95, p99, perSecond: rate } of classes) {
      expect(rate).toBeGreaterThan(0)
      expect(p50).toBeGreaterThan(0)
      expect(p95).toBeGreaterThanOrEqual(p50 as number)
      expect(p99).toBeGreaterThanOrEqual(p95 as number)
    }
    expect(perSecond.answered).toBeGreaterThanOrEqual(perSecond.failed)
  })

  test('a lane is shown with the statements that are under way on it', async () => {
    const pool = pools({ pipelining: true })
    const { url } = await shown({ pools: pool })
    const viewer = await look(url)
    let isOver = false
    const load = Promise.all(
      Array.from({ length: 50 }, async () => {
        while (!isOver) await pool.query('SELECT 1')
      }),
    )
    const deep = ({ depth, state }: PoolFrame['slots'][number]) => state === 'shared' && (depth ?? 0) > 1
    const frame = only(await viewer.next('frame', (each) => only(each).slots.some(deep)))
    isOver = true
    await load
    expect(frame.counts.shared).toBeGreaterThan(0)
  })

  test('a leak is told, and where it was taken can be read', async () => {
    const pool = plain({ leakDetectionMillis: 300 })
    const { url } = await shown({ pools: pool })
    const viewer = await look(url)
    const leaked = viewer.next('frame', ({ events }) => events.some(({ text }) => LEAK.test(text)))
    const lease = await pool.lease({ agent: 'forgetful' })
    await leaked
    const frame = only(await viewer.next('frame', (each) => typeof only(each).slots[0]?.stack === 'string'))
    expect(frame.slots.map(({ agent }) => agent)).toEqual(['forgetful'])
    expect(frame.slots[0]?.stack).toContain('dashboard.test.ts')
    expect(frame.counts.leaking).toBe(1)
    lease.release()
  })

  test('advice, statements and the endpoint come with the hello', async () => {
    const pool = plain({ endpoint: 'direct', max: 2 })
    await pool.query('SELECT generate_series(1, 10)')
    const { url } = await shown({ pools: pool })
    const { hello } = await look(url)
    const [slow] = hello.slow
    expect(slow).toMatchObject({ name: 'default', endpoint: 'direct' })
    expect(slow?.statements.map(({ text }) => text)).toEqual(['select generate_series (?, ?)'])
    expect(slow?.advice.map(({ code }) => code)).toContain('option-max')
    expect(slow?.advice[0]).toMatchObject({ evidence: expect.any(String), change: expect.any(String) })
  })

  test('several pools are shown under their names, whatever those are', async () => {
    const group = createPools(
      { web: {}, jobs: {} },
      { connectionString: databaseUrl(), max: 6, circuitBreaker: true },
    )
    await using _ = group
    const all = new Map([...group, ['__proto__', plain()], ['constructor', plain()]] as [string, Pool][])
    const { url } = await shown({ pools: all })
    const viewer = await look(url)
    const { pools: frames } = await viewer.next('frame')
    expect(frames.map(({ name }) => name)).toEqual(['web', 'jobs', '__proto__', 'constructor'])
    expect(frames.map(({ breaker }) => breaker?.state)).toEqual(['closed', 'closed', undefined, undefined])
    expect(viewer.hello.slow.map(({ name }) => name)).toEqual(['web', 'jobs', '__proto__', 'constructor'])
    await all.get('__proto__')?.query('SELECT 1')
    const { events } = await viewer.next('frame', (frame) => frame.events.length > 0)
    expect(events[0]?.text).toBe('__proto__: 1 connection opened')
  })

  test('a pool that ends while it is watched is shown to its end', async () => {
    const pool = plain()
    await pool.query('SELECT 1')
    const { url } = await shown({ pools: pool })
    const viewer = await look(url)
    const ended = viewer.next('frame', (frame) => only(frame).state === 'ended')
    await pool.end()
    expect(only(await ended).counts.total).toBe(0)
    const again = await look(url)
    const texts = again.hello.events.map(({ text }) => text)
    expect(texts).toEqual(expect.arrayContaining(['1 connection closed: ended', 'The pool has ended']))
    expect(only(await again.next('frame'))).toMatchObject({ state: 'ended', slots: [] })
  })
})

describe('what is not shown', () => {
  test('no password, value or literal is in anything that is sent', async () => {
    const { password } = new URL(databaseUrl())
    const pool = plain({ max: 1, queueLimit: 1, rejectOnFull: true })
    const locked = plain({
      user: 'nobody-of-this-name',
      connectionString: undefined,
      ...hostOf(databaseUrl()),
    })
    const { url } = await shown({ pools: { pool, locked }, token: 'the-token-of-the-dashboard' })
    const viewer = await look(url, { authorization: 'Bearer the-token-of-the-dashboard' })
    await pool.query("SELECT 'l1t3ral' /* c0mment */ WHERE 'x' <> $1", ['b0und'])
    await pool.query("SELECT 'l1t3ral'::int").catch(() => undefined)
    await pool.query('SELECT $1::int', ['b0und']).catch(() => undefined)
    await pool.query("SELECT 'l1t3ral").catch(() => undefined)
    await locked.query('SELECT 1').catch(() => undefined)
    const lease = await pool.lease({ agent: 'shown-agent' })
    const waiting = pool.query('SELECT $1', ['b0und'])
    await pool.query('SELECT $1', ['b0und']).catch(() => undefined)
    await viewer.next('slow')
    await viewer.next('frame', ({ pools: [first] }) => first?.slots[0]?.agent === 'shown-agent')
    lease.release()
    await waiting
    for (const secret of ['l1t3ral', 'b0und', 'c0mment', 'wr0ng-passw0rd', 'the-token-of', password])
      expect(viewer.text).not.toContain(secret)
    expect(viewer.text).toContain('shown-agent')
    expect(viewer.text).toContain('1 connection could not be opened: 28')
    expect(viewer.text).toContain('1 caller left without a connection: SLUICE_QUEUE_FULL')
  })
})

/** The server, and a password that is not its. */
function hostOf(url: string) {
  const { hostname: host, port } = new URL(url)
  return { host, port: Number(port), database: 'postgres', password: 'wr0ng-passw0rd' }
}

describe('viewers', () => {
  test('one that comes back is told anew, by the same run; after a restart by another', async () => {
    const pool = plain()
    const first = await shown({ pools: pool })
    const viewer = await look(first.url)
    await viewer.next('frame')
    viewer.leave()
    await expect.poll(() => first.viewers).toBe(0)
    // Meanwhile the past is kept, a point a second.
    await pool.query('SELECT 1')
    await expect.poll(async () => (await look(first.url)).hello.history[0]?.at.length).toBeGreaterThan(0)
    const again = await look(first.url)
    expect(again.hello.run).toBe(viewer.hello.run)
    expect(again.hello.version).toMatch(/^\d+\.\d+\.\d+/)
    await first.close()
    await again.ended
    const second = await shown({ pools: pool, port: first.port })
    const restarted = await look(second.url)
    expect(restarted.hello.run).not.toBe(viewer.hello.run)
    expect(only(await restarted.next('frame')).state).toBe('running')
  })

  test('a viewer that reads nothing costs neither frames nor memory, and is told the newest when it reads again', async () => {
    const gc = collector()
    const up = await shown({ pools: heavyPool() })
    const quick = await look(up.url)
    void quick.next('frame', () => {
      // What the test keeps is no memory of the server.
      quick.text = ''
      return false
    })
    const slow = await unread(up.url)
    await expect.poll(() => up.dropped, { timeout: 30_000, interval: 100 }).toBeGreaterThan(5)
    gc()
    const before = process.memoryUsage().arrayBuffers
    const [dropped, frames] = [up.dropped, quick.counts.frame]
    await expect.poll(() => up.dropped - dropped, { timeout: 30_000, interval: 100 }).toBeGreaterThan(40)
    expect(quick.counts.frame - frames).toBeGreaterThan(5)
    gc()
    // Forty frames of a megabyte and more were not kept.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000)
    const resumedAt = Date.now()
    const reader = slow()
    await reader.next('frame', ({ at }) => at >= resumedAt)
    expect(reader.counts.frame).toBeLessThan(quick.counts.frame)
    reader.leave()
  })

  test('there is room for 32; who comes after them is told so, and has a place when one has gone', async () => {
    const up = await shown({ pools: plain() })
    const viewers = await Promise.all(Array.from({ length: 32 }, () => look(up.url)))
    expect(up.viewers).toBe(32)
    await expect(look(up.url)).rejects.toThrow('status 503')
    await Promise.all(viewers.map((viewer) => viewer.next('frame')))
    viewers[0]?.leave()
    await expect.poll(() => up.viewers).toBe(31)
    await (await look(up.url)).next('frame')
  })

  test('closing ends the streams, frees the port and leaves the pool alone', async () => {
    const pool = plain()
    const up = await shown({ pools: pool })
    const viewers = await Promise.all([look(up.url), look(up.url)])
    const unreadOne = await unread(up.url)
    await up.close()
    await up.close()
    await Promise.all(viewers.map(({ ended }) => ended))
    await unreadOne().ended
    await expect(look(up.url)).rejects.toThrow('ECONNREFUSED')
    expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
    await (await shown({ pools: pool, port: up.port })).close()
  })
})

/** A collection at a moment of one's own. */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

/** A pool as the dashboard sees it whose frames are of more than a megabyte. */
function heavyPool(): DashboardPool {
  const pool = plain()
  const row = {
    id: 1,
    state: 'leased',
    sinceMillis: 1,
    createdAt: new Date(),
    uses: 1,
    agent: 'a'.repeat(100),
  }
  const more = { leasedForMillis: 1, limited: false, stack: 's'.repeat(4_000), reason: undefined } as const
  const rows = Array.from({ length: 500 }, () => ({ ...row, ...more }) as DashboardConnection)
  return { stats: () => pool.stats(), attach: (hooks) => pool.attach(hooks), connections: () => rows }
}

/** Asks for the stream and does not read it. Returns the way to begin to read. */
function unread(url: string): Promise<() => Viewer> {
  return new Promise((resolve, reject) => {
    const asking = request(new URL('/events', url), { agent: false }, (response) => {
      resolve(() => new Viewer(asking, response))
    })
    asking.on('error', reject)
    asking.end()
  })
}
