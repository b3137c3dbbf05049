import { expect, test } from 'vitest'
import { readOnlyPrimary } from '../chaos/restarts.ts'
import { noted, run } from './rows.ts'

test('when the primary turns read-only under live sockets, writes fail for at most one statement per connection', async () => {
  const row = await run(readOnlyPrimary, 2)
  expect(noted(row, 'writes refused')).toBeGreaterThan(0)
  expect(row.lost['25006']).toBeLessThanOrEqual(10)
  expect(row.lastFailureMillis).toBeUndefined()
}, 60_000)
