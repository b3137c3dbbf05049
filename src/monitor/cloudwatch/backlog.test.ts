import { expect, test } from 'vitest'
import { Backlog } from './backlog.ts'
import type { MetricDatum } from './client.ts'
import { isRefusal } from './client.ts'

const datum = (Value: number, Dimensions: MetricDatum['Dimensions'] = []): MetricDatum => {
  return { MetricName: 'PoolIdleCount', Dimensions, Timestamp: new Date(0), Value, Unit: 'Count' }
}
const several = (n: number, from = 0) => Array.from({ length: n }, (_, i) => datum(from + i))
const values = (data: readonly MetricDatum[]) => data.map(({ Value }) => Value)

test('one request holds a thousand values, the oldest', () => {
  const backlog = new Backlog(10_000)
  backlog.add(several(2_500))
  const batches = [backlog.take(), backlog.take(), backlog.take()]
  expect(batches.map((batch) => [batch.length, batch[0]?.Value])).toEqual([
    [1_000, 0],
    [1_000, 1_000],
    [500, 2_000],
  ])
  expect([backlog.size, backlog.take(), backlog.dropped]).toEqual([0, [], 0])
})

test('values with all the dimensions that the API takes go in requests below a megabyte', () => {
  const longest = Array.from({ length: 30 }, (_, n) => ({
    Name: `${n}`.padEnd(255, '"'),
    Value: '"'.repeat(1_024),
  }))
  const backlog = new Backlog(10_000)
  backlog.add(several(100).map(({ Value }) => datum(Value, longest)))
  let requests = 0
  while (backlog.size > 0) {
    const batch = backlog.take()
    requests += 1
    expect(batch.length).toBeGreaterThan(0)
    // As JSON, and as the Query protocol has it.
    expect(JSON.stringify(batch).length).toBeLessThan(1_000_000)
    expect(asQuery(batch).length).toBeLessThan(1_000_000)
  }
  expect(requests).toBeGreaterThan(10)
})

test('above the limit the oldest are dropped and counted, also of what could not be sent', () => {
  const backlog = new Backlog(5)
  backlog.add(several(7))
  expect([backlog.size, backlog.dropped]).toEqual([5, 2])
  const taken = backlog.take()
  backlog.add(several(3, 7))
  backlog.putBack(taken)
  expect([backlog.size, backlog.dropped, values(backlog.take())]).toEqual([5, 5, [5, 6, 7, 8, 9]])
})

test('what is given up is counted', () => {
  const backlog = new Backlog(5)
  backlog.add(several(3))
  backlog.drop(backlog.take())
  backlog.add(several(2))
  backlog.clear()
  expect([backlog.size, backlog.dropped]).toEqual([0, 5])
})

test.each([
  [{ name: 'InvalidParameterValueException' }, true],
  [{ name: 'InvalidParameterCombination' }, true],
  [{ name: 'MissingRequiredParameterException' }, true],
  [{ name: 'SerializationException' }, true],
  [{ name: 'Unknown', $metadata: { httpStatusCode: 413 } }, true],
  [{ name: 'ThrottlingException', $metadata: { httpStatusCode: 400 } }, false],
  [{ name: 'ExpiredToken', $metadata: { httpStatusCode: 403 } }, false],
  [{ name: 'InvalidClientTokenId', $metadata: { httpStatusCode: 403 } }, false],
  [new Error('connect ECONNREFUSED'), false],
  [undefined, false],
])('%j is a refusal of what was sent: %s', (error, is) => {
  expect(isRefusal(error)).toBe(is)
})

function asQuery(batch: readonly MetricDatum[]): string {
  const fields = batch.flatMap((each, n): [string, string][] => {
    const at = `MetricData.member.${n + 1}.`
    return [
      [`${at}MetricName`, each.MetricName],
      [`${at}Timestamp`, each.Timestamp.toISOString()],
      [`${at}Value`, `${each.Value}`],
      [`${at}Unit`, each.Unit],
      ...each.Dimensions.flatMap(({ Name, Value }, m): [string, string][] => [
        [`${at}Dimensions.member.${m + 1}.Name`, Name],
        [`${at}Dimensions.member.${m + 1}.Value`, Value],
      ]),
    ]
  })
  return new URLSearchParams(fields).toString()
}
