import { afterEach, describe, expect, test } from 'vitest'
import type { Dashboard, DashboardOptions, PoolFrame } from '../../src/dashboard/index.ts'
import { dashboard } from '../../src/dashboard/index.ts'
import type { Pool } from '../../src/index.ts'
import { look } from '../support/event-stream.ts'
import { poolsWith } from '../support/pools.ts'

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
})
