// Its limits and its beginning; what it does at a server is held by test/integration/transactions.test.ts.
import { expect, test } from 'vitest'
import { ManualClock, settle } from '../../test/support/manual-clock.ts'
import { numbersWith } from '../../test/support/numbers.ts'
import type { RequestOptions } from '../core/options.ts'
import type { PoolLease } from './lease.ts'
import type { TransactionOptions } from './transaction.ts'
import { transaction } from './transaction.ts'

/** A transaction on a lease that notes what is asked of it. */
function begun(options: TransactionOptions = {}, fn: () => Promise<unknown> = async () => 'done') {
  const clock = new ManualClock()
  const asked: RequestOptions[] = []
  const texts: string[] = []
  const note = async (text: string) => {
    texts.push(text)
    return { rows: [], command: text }
  }
  const lease = {
    queryWithin: (_: AbortSignal, text: string) => note(text),
    query: note,
    release: () => undefined,
  } as unknown as PoolLease
  const result = transaction(fn, options, {
    clock,
    random: () => 0,
    numbers: () => numbersWith({}),
    settings: () => '',
    refusal: () => undefined,
    lease: async (wanted) => {
      asked.push(wanted)
      return lease
    },
  })
  return { asked, clock, result, texts }
}

test('a transaction waits 5,000 ms for its connection, unless maxWait says otherwise', async () => {
  const [plain, other] = [begun(), begun({ maxWait: 7_000 })]
  await Promise.all([plain.result, other.result])
  expect([plain.asked[0]?.timeoutMillis, other.asked[0]?.timeoutMillis]).toEqual([5_000, 7_000])
})

test('a transaction is ended after 10,000 ms, unless timeout says otherwise', async () => {
  const { clock, result } = begun({}, () => new Promise(() => undefined))
  let ended: unknown
  void result.catch((error: unknown) => {
    ended = error
  })
  await settle()
  await clock.advance(9_999)
  expect(ended).toBeUndefined()
  await clock.advance(1)
  expect(ended).toMatchObject({
    code: 'SLUICE_TRANSACTION_TIMEOUT',
    message: expect.stringContaining('not over after 10,000 ms'),
  })
})

test.each([
  [{}, 'BEGIN'],
  [{ isolationLevel: 'ReadCommitted' }, 'BEGIN ISOLATION LEVEL READ COMMITTED'],
  [{ isolationLevel: 'RepeatableRead' }, 'BEGIN ISOLATION LEVEL REPEATABLE READ'],
  [{ isolationLevel: 'Serializable', readOnly: true }, 'BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY'],
] as const)('with %o it begins by %s: ReadCommitted is left to the server', async (options, begin) => {
  const { result, texts } = begun(options)
  await result
  expect(texts[0]).toBe(begin)
})
