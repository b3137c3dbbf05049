import { expect, test } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import { settingsOf, statsOf } from '../../test/support/pictures.ts'
import { SESSIONS } from './activity/statements.ts'
import { activity } from './activity.ts'
import type { Source } from './source.ts'

test('statements over 5 minutes are named by themselves, the longest first, and 300,000 ms are not over', async () => {
  const running = [299_999, 300_000, 300_001, 900_000].map((statementMillis, pid) => ({
    pid,
    application: 'worker',
    state: 'active',
    statementMillis,
  }))
  const pool: Source = {
    query: async (text) => ({ rows: text === SESSIONS ? running : [] }),
    stats: () => statsOf(),
    connections: () => [],
    settings: () => settingsOf(),
    statements: () => [],
  }
  const { longest, overFiveMinutes } = await activity(pool, {}, { clock: new ManualClock() })
  expect(overFiveMinutes.map(({ statementMillis }) => statementMillis)).toEqual([900_000, 300_001])
  expect(longest?.pid).toBe(3)
})
