import { expect, test } from 'vitest'
import { SluiceError } from '../base/errors.ts'
import { databaseOf } from './database.ts'
import { expressDatabase, expressUnavailable } from './node.ts'
import type { RequestPool } from './pool.ts'

const pool: RequestPool = {
  query: async () => ({ rows: [], rowCount: 0 }),
  lease: async () => {
    throw new Error('nothing is lent here')
  },
  transaction: async () => {
    throw new Error('nothing is lent here')
  },
}

class FakeResponse {
  writableFinished: boolean | undefined = false
  writableEnded = false
  headersSent = false
  destroyed = false
  readonly told: unknown[] = []
  closed: () => void = () => {
    throw new Error('nobody listens')
  }

  once(_event: 'close', listener: () => void): void {
    this.closed = listener
  }

  status(code: number): void {
    this.told.push(code)
  }

  set(headers: Record<string, string>): void {
    this.told.push(headers['retry-after'])
  }

  send(): void {
    this.told.push('sent')
  }
}

function begun(response: FakeResponse) {
  const request = {}
  expressDatabase(pool)(request, response, () => undefined)
  return databaseOf(request)
}

test('a response that closes unfinished is a client that has gone; a finished one is not', () => {
  const [gone, done] = [new FakeResponse(), new FakeResponse()]
  const [first, second] = [begun(gone), begun(done)]
  gone.closed()
  done.writableFinished = true
  done.closed()
  expect([first.signal.aborted, second.signal.aborted]).toEqual([true, false])
})

test('where the response does not say that it is finished, its end counts', () => {
  const [gone, done] = [new FakeResponse(), new FakeResponse()]
  for (const response of [gone, done]) response.writableFinished = undefined
  const [first, second] = [begun(gone), begun(done)]
  done.writableEnded = true
  gone.closed()
  done.closed()
  expect([first.signal.aborted, second.signal.aborted]).toEqual([true, false])
})

test('a client that had gone before the middleware has gone', () => {
  const response = new FakeResponse()
  response.destroyed = true
  expect(begun(response).signal.aborted).toBe(true)
})

test('only what could not have a connection is answered here, and only where no answer has begun', () => {
  const busy = new SluiceError('SLUICE_QUEUE_FULL', 'full', { retryAfterMillis: 2_000 })
  const other = new Error('a mistake')
  const passed: unknown[] = []
  const answer = (error: unknown, response: FakeResponse) =>
    expressUnavailable()(error, {}, response, (given) => passed.push(given))
  const [answered, begunAlready] = [new FakeResponse(), new FakeResponse()]
  begunAlready.headersSent = true
  answer(busy, answered)
  answer(busy, begunAlready)
  answer(other, begunAlready)
  expect([answered.told, begunAlready.told, passed]).toEqual([[503, '2', 'sent'], [], [busy, other]])
})

test('what comes of a client that has hung up goes no further, and its mistakes do', () => {
  const response = new FakeResponse()
  const request = {}
  expressDatabase(pool)(request, response, () => undefined)
  const [aborted, mistake] = [new SluiceError('SLUICE_ABORTED', 'aborted'), new Error('a mistake')]
  const passed: unknown[] = []
  const tell = (error: unknown) =>
    expressUnavailable()(error, request, response, (given) => passed.push(given))
  tell(aborted)
  response.closed()
  tell(aborted)
  tell(mistake)
  expect([response.told, passed]).toEqual([[], [aborted, mistake]])
})

test('Express knows error middleware by its four parameters', () => {
  expect([expressDatabase(pool).length, expressUnavailable().length]).toEqual([3, 4])
})
