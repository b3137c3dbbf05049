import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import type { FakePool } from '../../test/support/fake-driver.ts'
import { fakePool } from '../../test/support/fake-driver.ts'
import { ManualClock, settle } from '../../test/support/manual-clock.ts'
import type { ShutdownOptions } from './shutdown.ts'
import { onShutdown } from './shutdown.ts'

/** A process that notes its end and goes on. */
class FakeProcess extends EventEmitter {
  readonly exits: number[] = []

  exit(code: number): void {
    this.exits.push(code)
  }

  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGHUP'): Promise<void> {
    this.emit(name, name)
    return settle()
  }
}

interface Scene {
  readonly host: FakeProcess
  readonly house: FakePool
  /** What `after` was told. */
  readonly problems: string[]
  readonly takeBack: () => void
}

function scene(options: ShutdownOptions = {}, max = 1): Scene {
  const house = fakePool({ max })
  const host = new FakeProcess()
  const problems: string[] = []
  const after = (all: readonly Error[]) => problems.push(...all.map(({ message }) => message))
  const surroundings = { clock: house.clock, process: host }
  const takeBack = onShutdown(house.pool, { after, ...options }, surroundings)
  return { host, house, problems, takeBack }
}

test('the first signal turns newcomers away, serves what is lent and waits, and ends the process with 0', async () => {
  const { host, house, problems } = scene()
  const lease = await house.lend()
  const waiting = house.ask()
  await host.signal('SIGTERM')
  expect(house.ask().error).toMatchObject({ code: 'SLUICE_POOL_ENDED' })
  await house.clock.advance(5_000)
  expect(host.exits).toEqual([])
  lease.release()
  expect(waiting.state).toBe('lent')
  waiting.lease?.release()
  await house.clock.advance(0)
  expect([host.exits, problems, house.pool.stats().state]).toEqual([[0], [], 'ended'])
  expect([house.driver.sessions.size, house.clock.armed()]).toEqual([0, 0])
})

test('what is not over in time is cut off inside the deadline, told, and ends the process with 1', async () => {
  const { host, house, problems } = scene({ timeoutMillis: 4_000 })
  const lease = await house.lend()
  const waiting = house.ask()
  await host.signal('SIGTERM')
  await house.clock.advance(3_599)
  expect([lease.released, host.exits]).toEqual([false, []])
  await house.clock.advance(1)
  expect([lease.released, waiting.error?.code, host.exits]).toEqual([true, 'SLUICE_POOL_ENDED', [1]])
  expect(problems).toEqual([
    'shutdown: the pool still had work after 3,600 ms (timeoutMillis 4,000), which was cut off: 1 of 1 slots leased, 1 waiting; raise timeoutMillis, or shorten what runs',
  ])
})

test('connections that do not close keep the process no longer than the deadline', async () => {
  const { host, house, problems } = scene({ timeoutMillis: 1_000 })
  const lease = await house.lend()
  house.driver.honoursAbort = false
  house.driver.plan.close = 'never'
  await host.signal('SIGTERM')
  lease.release()
  await house.clock.advance(999)
  expect(host.exits).toEqual([])
  await house.clock.advance(1)
  expect([host.exits, problems]).toEqual([
    [1],
    [
      'shutdown: the pool had connections that were not closed after 1,000 ms (timeoutMillis 1,000): 0 of 1 slots leased, 1 closing, 0 waiting; they may still be open at the server',
    ],
  ])
})

test('opens under way that nobody waits for any more do not keep the process', async () => {
  const { host, house } = scene({}, 2)
  house.driver.plan.open = 'never'
  const abort = new AbortController()
  house.ask({ signal: abort.signal })
  abort.abort()
  await host.signal('SIGTERM')
  expect([host.exits, house.driver.sessions.size]).toEqual([[0], 0])
})

test('an open that hangs, and who waits for it, are given up in time', async () => {
  const { host, house } = scene({ timeoutMillis: 5_000 })
  house.driver.plan.open = 'never'
  const asked = house.ask()
  await host.signal('SIGTERM')
  await house.clock.advance(4_500)
  expect([asked.error?.code, asked.answers, host.exits]).toEqual(['SLUICE_POOL_ENDED', 1, [1]])
})

test('a second signal of any kind ends the process at once with its own code', async () => {
  const { host, house } = scene()
  await house.lend()
  await host.signal('SIGTERM')
  await host.signal('SIGINT')
  expect(host.exits).toEqual([130])
})

test('the pools take callers until before() has ended', async () => {
  let stopped: (() => void) | undefined
  const closed = new Promise<void>((resolve) => {
    stopped = resolve
  })
  const { host, house } = scene({ before: () => closed })
  await host.signal('SIGTERM')
  const asked = house.ask()
  await settle()
  expect(asked.state).toBe('lent')
  asked.lease?.release()
  stopped?.()
  await settle()
  expect([house.pool.stats().state, host.exits]).toEqual(['ended', [0]])
})

test('before() that fails, throws or hangs does not keep the pools from ending, and is told', async () => {
  const fails = scene({ before: () => Promise.reject(new Error('no such server')) })
  const throws = scene({
    before: () => {
      throw new Error('not a function')
    },
  })
  const hangs = scene({ before: () => new Promise(() => undefined), timeoutMillis: 20_000 })
  const all = [fails, throws, hangs]
  await Promise.all(all.map(({ host }) => host.signal('SIGTERM')))
  await hangs.house.clock.advance(18_999)
  expect(all.map(({ host }) => host.exits)).toEqual([[1], [1], []])
  await hangs.house.clock.advance(2)
  expect(hangs.host.exits).toEqual([1])
  expect(all.map(({ problems }) => problems)).toEqual([
    ['shutdown: before() failed: no such server; the pools were ended all the same'],
    ['shutdown: before() failed: not a function; the pools were ended all the same'],
    [
      'shutdown: before() had not ended after 19,000 ms (timeoutMillis 20,000); the pools were ended all the same',
    ],
  ])
  expect(all.map(({ house }) => house.pool.stats().state)).toEqual(['ended', 'ended', 'ended'])
})

test('several pools end side by side, and one that fails does not keep the others', async () => {
  const house = fakePool({ max: 1 })
  const host = new FakeProcess()
  const broken = {
    drain: () => Promise.reject(new Error('lost its mind')),
    end: () => Promise.resolve(),
  }
  const problems: string[] = []
  const after = (all: readonly Error[]) => problems.push(...all.map(({ message }) => message))
  onShutdown([broken, house.pool], { after }, { clock: house.clock, process: host })
  await house.lend().then((lease) => lease.release())
  await host.signal('SIGTERM')
  expect([host.exits, house.driver.sessions.size]).toEqual([[1], 0])
  expect(problems).toEqual(['shutdown: pool 1 of 2 failed to end: lost its mind'])
})

test('a pool that has been told to end already is waited for', async () => {
  const { host, house } = scene()
  const lease = await house.lend()
  void house.pool.end()
  await host.signal('SIGTERM')
  expect(host.exits).toEqual([])
  lease.release()
  await settle()
  expect(host.exits).toEqual([0])
})

test('with exit: false the process goes on, and a later signal is not listened to', async () => {
  const { host, house } = scene({ exit: false })
  await host.signal('SIGTERM')
  expect([host.exits, house.pool.stats().state]).toEqual([[], 'ended'])
  expect([host.listenerCount('SIGTERM'), host.listenerCount('SIGINT')]).toEqual([0, 0])
})

test('taken back, it listens to no signal any more', async () => {
  const { host, house, takeBack } = scene({ signals: ['SIGHUP', 'SIGTERM', 'SIGHUP'] })
  expect(host.eventNames()).toEqual(['SIGHUP', 'SIGTERM'])
  expect(host.listenerCount('SIGHUP')).toBe(1)
  takeBack()
  await host.signal('SIGHUP')
  expect([host.eventNames(), house.pool.stats().state]).toEqual([[], 'running'])
})

test('after() that fails or hangs ends the process with 1 all the same', async () => {
  const fails = scene({ after: () => Promise.reject(new Error('no disk')) })
  const hangs = scene({ after: () => new Promise(() => undefined) })
  await fails.host.signal('SIGINT')
  await hangs.host.signal('SIGINT')
  await hangs.house.clock.advance(1_000)
  expect([fails.host.exits, hangs.host.exits]).toEqual([[1], [1]])
})

test('options out of range are refused, naming the option', () => {
  const process = new FakeProcess()
  const refused = (options: object) => () => onShutdown([], options, { clock: new ManualClock(), process })
  expect(refused({ timeoutMillis: 0 })).toThrow('timeoutMillis must be a number from 1')
  expect(refused({ exit: 1 })).toThrow('exit must be true or false')
  expect(refused({ before: 'close' })).toThrow('before must be a function')
  expect(refused({ signals: [] })).toThrow('signals must be a list of at least one signal')
  expect(refused({ signals: ['SIGKILL'] })).toThrow('it is ["SIGKILL"]')
  expect(refused({ signals: ['SIGTREM'] })).toThrow('it is ["SIGTREM"]')
  expect(process.eventNames()).toEqual([])
})
