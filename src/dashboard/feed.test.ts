import { expect, test } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import { HookList } from '../core/hooks.ts'
import type { PoolStats } from '../core/stats.ts'
import { Tally, takeStats } from '../core/stats.ts'
import { Feed } from './feed.ts'
import type { Frame, Hello, Slow } from './frame.ts'
import type { DashboardPool } from './pool.ts'
import type { Sink } from './viewers.ts'

/** A pool whose numbers are what the test says, and which counts how often it is asked. */
function fakePool() {
  const hooks = new HookList<object>()
  const numbers = {
    max: 4,
    opening: 0,
    idle: 1,
    checking: 0,
    leased: 0,
    shared: 0,
    cancelling: 0,
    closing: 0,
  }
  const said: { state: PoolStats['state']; waiting: number; broken: boolean } = {
    ...{ state: 'running', waiting: 0, broken: false },
  }
  const asked = { stats: 0, connections: 0, statements: 0 }
  const pool: DashboardPool = {
    attach: (added) => hooks.attach(added),
    stats: () => {
      asked.stats += 1
      if (said.broken) throw Object.assign(new Error('s3cr3t'), { code: 'EBROKEN' })
      return takeStats({ max: 4, min: 0, maxOverflow: 0 }, new Tally(), {
        ...{ numbers: { ...numbers, waiting: said.waiting }, total: 1, state: said.state, generation: 0 },
        ...{ waitingByPriority: [0], overloaded: false, oldestWaitMillis: 0, waitShare: 0, ageMillis: 0 },
        ...{ lastOpenFailure: undefined, budget: undefined },
      })
    },
    connections: () => {
      asked.connections += 1
      return []
    },
    statements: () => {
      asked.statements += 1
      return [{ text: 'SELECT ?', calls: 1, meanMillis: 1.234, highMillis: 2 }]
    },
  }
  return { asked, hooks, pool, said }
}

interface Told {
  readonly event: string
  readonly data: Hello & Frame & Slow
}

/** A viewer that keeps what it is told. */
class HandViewer implements Sink {
  readonly told: Told[] = []
  ended = false
  #close: () => void = () => undefined

  write(chunk: Buffer): boolean {
    for (const [, event, data] of chunk.toString().matchAll(/^event: (.*)\ndata: (.*)\n\n/gm))
      this.told.push({ event: event as string, data: JSON.parse(data as string) as Told['data'] })
    return true
  }

  on(event: string, listener: () => void): void {
    if (event === 'close') this.#close = listener
  }

  end(): void {
    this.ended = true
  }

  destroy(): void {
    this.ended = true
  }

  leave(): void {
    this.#close()
  }

  of(event: string): Told['data'][] {
    return this.told.filter((each) => each.event === event).map(({ data }) => data)
  }
}

function fed(pools: Readonly<Record<string, DashboardPool>>) {
  const clock = new ManualClock()
  const feed = new Feed({
    ...{ pools: new Map(Object.entries(pools)), clock, everyMillis: 250 },
    about: { version: '1.2.3', run: 'run-1', title: undefined },
  })
  const come = () => {
    const viewer = new HandViewer()
    feed.welcome(viewer)
    return viewer
  }
  return { clock, come, feed }
}

test('while nobody looks a pool is asked once a second, and for nothing but its numbers', async () => {
  const { asked, pool } = fakePool()
  const { clock } = fed({ pool })
  await clock.advance(10_000)
  expect(asked).toEqual({ stats: 1 + 10, connections: 0, statements: 0 })
  expect(clock.armed('held')).toBe(0)
})

test('a frame is made four times a second, once for all who look', async () => {
  const { asked, pool } = fakePool()
  const { clock, come } = fed({ pool })
  const viewers = [come(), come(), come()]
  await clock.advance(2_000)
  for (const viewer of viewers) expect(viewer.of('frame').length).toBe(8)
  expect(asked.connections).toBe(8)
  expect(viewers[0]?.of('frame')).toEqual(viewers[2]?.of('frame'))
})

test('what changes slowly comes with the hello, and every two seconds', async () => {
  const { asked, pool } = fakePool()
  const { clock, come } = fed({ pool })
  const viewer = come()
  const statements = [{ text: 'SELECT ?', calls: 1, meanMillis: 1.23, highMillis: 2 }]
  expect(viewer.of('hello')[0]?.slow).toEqual([{ name: 'pool', advice: [], statements, endpoint: null }])
  await clock.advance(6_000)
  expect([viewer.of('slow').length, asked.statements]).toEqual([3, 4])
})

test('when the last one has gone nothing is made any more, and the next one begins anew', async () => {
  const { asked, pool } = fakePool()
  const { clock, come } = fed({ pool })
  const viewer = come()
  await clock.advance(1_000)
  viewer.leave()
  await clock.advance(1_000)
  const { connections, statements } = asked
  await clock.advance(10_000)
  expect([asked.connections, asked.statements]).toEqual([connections, statements])
  const next = come()
  await clock.advance(1_000)
  expect(next.of('frame').length).toBe(4)
})

test('who comes late is told the last 300 seconds', async () => {
  const { pool, said } = fakePool()
  const { clock, come } = fed({ pool })
  await clock.advance(60_000)
  expect(come().of('hello')[0]?.history[0]?.at.length).toBe(60)
  said.waiting = 7
  await clock.advance(1_000_000)
  const [history] = come().of('hello')[0]?.history ?? []
  expect([history?.name, history?.at.length, history?.waiting.at(-1)]).toEqual(['pool', 300, 7])
  expect(history?.at.at(-1)).toBe(clock.epoch())
  for (const column of ['answered', 'failed', 'busy', 'total', 'p50', 'p95', 'p99'] as const)
    expect(history?.[column].length).toBe(300)
})

test('each event is told once to whoever looks: in the hello, or in a frame after it', async () => {
  const { hooks, pool } = fakePool()
  const { clock, come } = fed({ pool })
  hooks.emit('closed', {}, 'idle')
  await clock.advance(1_000)
  const first = come()
  await clock.advance(500)
  hooks.emit('closed', {}, 'lost')
  await clock.advance(1_000)
  // Counted, but not yet told in a frame.
  hooks.emit('opened', {}, 1)
  const second = come()
  await clock.advance(1_000)
  const all = ['1 connection closed: idle', '1 connection closed: lost', '1 connection opened']
  for (const viewer of [first, second]) {
    const events = [...viewer.of('hello'), ...viewer.of('frame')].flatMap(({ events }) => events)
    expect(events.map(({ text }) => text)).toEqual(all)
    expect(events.map(({ id }) => id)).toEqual([1, 2, 3])
  }
})

test('of several pools events say which', async () => {
  const [web, jobs] = [fakePool(), fakePool()]
  const { clock, come } = fed({ web: web.pool, ['__proto__']: jobs.pool })
  jobs.said.state = 'paused'
  web.hooks.emit('closed', {}, 'idle')
  await clock.advance(1_000)
  jobs.said.state = 'running'
  await clock.advance(1_000)
  const viewer = come()
  expect(viewer.of('hello')[0]?.events.map(({ text }) => text)).toEqual([
    'web: 1 connection closed: idle',
    '__proto__: The pool is paused',
    '__proto__: The pool serves its callers again',
  ])
  await clock.advance(250)
  expect(viewer.of('frame')[0]?.pools.map(({ name }) => name)).toEqual(['web', '__proto__'])
})

test('a pool that throws is left out until it answers again, and said to be so once', async () => {
  const [good, bad] = [fakePool(), fakePool()]
  const { clock, come } = fed({ good: good.pool, bad: bad.pool })
  bad.said.broken = true
  const viewer = come()
  await clock.advance(3_000)
  expect(
    viewer
      .of('frame')
      .at(-1)
      ?.pools.map(({ name }) => name),
  ).toEqual(['good'])
  bad.said.broken = false
  await clock.advance(1_000)
  expect(
    viewer
      .of('frame')
      .at(-1)
      ?.pools.map(({ name }) => name),
  ).toEqual(['good', 'bad'])
  const texts = viewer.of('frame').flatMap(({ events }) => events.map(({ text }) => text))
  expect(texts).toEqual(['bad: The pool cannot be asked how it is: EBROKEN'])
})

test('after its end the feed says good-bye, and holds neither pools nor timers', async () => {
  const { hooks, pool } = fakePool()
  const { clock, come, feed } = fed({ pool })
  const viewer = come()
  expect(hooks.hearers.length).toBe(1)
  feed.stop()
  expect([viewer.ended, feed.viewers.size, hooks.hearers.length, clock.armed()]).toEqual([true, 0, 0, 0])
})
