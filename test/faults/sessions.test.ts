/** Sessions end under the pool, or are wanted no more. */
import { expect, test } from 'vitest'
import { cancels } from '../chaos/cancels.ts'
import type { Victims } from '../chaos/kills.ts'
import { kills } from '../chaos/kills.ts'
import { restart } from '../chaos/restarts.ts'
import { lost, noted, run } from './rows.ts'

test('a hundred query cancels a second for ten seconds never put more sessions on the server than max, and harm nobody else', async () => {
  const row = await run(cancels, 10)
  expect(row.lost).toEqual({})
  expect(row.cancelled).toBe(noted(row, 'asked'))
}, 60_000)

for (const victims of ['one', 'idle', 'all'] as const satisfies Victims[]) {
  test(`killing ${victims === 'one' ? 'one backend' : `${victims} backends`} again and again fails what is in flight, and nothing after it`, async () => {
    const row = await run(kills(victims), 2)
    expect(noted(row, 'killed')).toBeGreaterThan(0)
    expect(row.recoveryMillis).toBeLessThan(3_000)
    expect(row.lastFailureMillis ?? 0).toBeLessThan(1_000)
    expect(lost(row)).toBeLessThan(row.answered / 10)
  }, 60_000)
}

for (const how of ['fast', 'immediate'] as const) {
  test(`a server restart (${how}) under 200 callers costs each caller one statement at most, and no storm of connects follows`, async () => {
    const row = await run(restart(how), 2)
    expect(lost(row)).toBeLessThanOrEqual(200)
    expect(row.recoveryMillis).toBeLessThan(3_000)
    expect(row.lastFailureMillis ?? 0).toBeLessThan(1_000)
    // pg.Pool makes thousands here.
    expect(row.connectsPerSecond).toBeLessThan(100)
  }, 60_000)
}
