/** A pool that does nothing but what a test says: its numbers, and what it tells those who attached. */
import { HookList } from '../../src/core/hooks.ts'
import type { Operation } from '../../src/core/operation.ts'
import { Tally, takeStats } from '../../src/core/stats.ts'
import type { MonitoredPool, MonitoredStats } from '../../src/monitor/monitored.ts'

/** @param numbers what its picture shows instead of an empty pool of ten */
export function watchedPool(numbers: Partial<MonitoredStats> = {}) {
  const hooks = new HookList<object>()
  const attached = new Set<object>()
  const none = {
    opening: 0,
    idle: 0,
    checking: 0,
    leased: 0,
    shared: 0,
    cancelling: 0,
    closing: 0,
    waiting: 0,
  }
  const empty = takeStats({ max: 10, min: 0, maxOverflow: 0 }, new Tally(), {
    numbers: { max: 10, ...none },
    total: 0,
    state: 'running',
    generation: 0,
    waitingByPriority: [0, 0, 0],
    overloaded: false,
    oldestWaitMillis: 0,
    waitShare: 0,
    ageMillis: 0,
    lastOpenFailure: undefined,
    budget: undefined,
  })
  const shown = { ...numbers }
  const pool: MonitoredPool = {
    stats: () => ({ ...empty, ...shown }),
    attach: (each) => {
      attached.add(each)
      const detach = hooks.attach(each)
      return () => {
        attached.delete(each)
        detach()
      }
    },
  }
  return { attached, hooks, numbers: shown, pool }
}

/** An operation of which nothing is known but what a test says. */
export function operationOf(known: Partial<Operation> = {}): Operation {
  return {
    text: 'SELECT * FROM users WHERE id = $1',
    summary: 'SELECT users',
    name: 'SELECT',
    class: 'simple',
    agent: undefined,
    askedAt: 0,
    ...known,
  }
}
