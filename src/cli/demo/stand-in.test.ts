import { describe, expect, test, vi } from 'vitest'
import type { Hooks } from '../../core/hooks.ts'
import { Pool } from '../../postgres/pool.ts'
import { StandIn } from './stand-in.ts'

type Stats = ReturnType<Pool['stats']>

/** Makes no connection: nobody asks it anything. */
const idle = (): Pool => new Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/nowhere', max: 3 })

/** A pool with numbers of its own, and what is attached to it. */
function counted(counts: Partial<Stats>): { pool: Pool; attached: Set<Hooks<object>> } {
  const attached = new Set<Hooks<object>>()
  const stats = { ...idle().stats(), ...counts }
  const pool = {
    stats: () => stats,
    attach: (hooks: Hooks<object>) => {
      attached.add(hooks)
      return () => attached.delete(hooks)
    },
  } as unknown as Pool
  return { pool, attached }
}

const times = (count: number, mean: number, max: number) => ({
  count,
  mean,
  p50: mean,
  p95: max,
  p99: max,
  max,
})

describe('what stands in for the pool of the moment', () => {
  test('shows an empty pool until there is another, and again when that has gone', () => {
    const standIn = new StandIn(idle())
    expect(standIn.stats()).toMatchObject({ max: 3, total: 0, state: 'running' })
    const hide = standIn.show(counted({ total: 2, leased: 2 }).pool)
    expect(standIn.stats()).toMatchObject({ total: 2, leased: 2 })
    hide()
    expect(standIn.stats()).toMatchObject({ total: 0, leased: 0 })
    expect([standIn.connections(), standIn.queue(), standIn.statements()]).toEqual([[], [], []])
  })

  test('goes on counting where the last pool ended', () => {
    const standIn = new StandIn(idle())
    standIn.show(
      counted({ acquired: 100, reuse: 0.9, closed: { ended: 3 }, retries: 1, wait: times(100, 2, 50) }).pool,
    )()
    standIn.show(
      counted({ acquired: 300, reuse: 0.5, closed: { ended: 1, idle: 2 }, wait: times(300, 6, 20) }).pool,
    )
    expect(standIn.stats()).toMatchObject({
      acquired: 400,
      closed: { ended: 4, idle: 2 },
      retries: 1,
      wait: { count: 400, mean: 5, p95: 20, max: 50 },
    })
    expect(standIn.stats().reuse).toBeCloseTo(0.6)
  })

  test('counts nothing twice while no pool works', () => {
    const standIn = new StandIn(idle())
    standIn.show(counted({ acquired: 100, wait: times(100, 2, 50) }).pool)()
    expect([standIn.stats().acquired, standIn.stats().acquired]).toEqual([100, 100])
    expect(standIn.stats().wait).toEqual(times(100, 2, 50))
  })

  test('whoever watches hears the pool of the moment and no other, until they have enough', () => {
    const standIn = new StandIn(idle())
    const [first, second] = [counted({}), counted({})]
    const hooks = { opened: vi.fn<() => void>() }
    const detach = standIn.attach(hooks)
    const hide = standIn.show(first.pool)
    expect([first.attached.has(hooks), second.attached.size]).toEqual([true, 0])
    hide()
    standIn.show(second.pool)
    expect([first.attached.size, second.attached.has(hooks)]).toEqual([0, true])
    detach()
    expect(second.attached.size).toBe(0)
  })
})
