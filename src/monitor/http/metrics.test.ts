import { expect, test } from 'vitest'
import type { ScrapedRegistry } from './metrics.ts'
import { metricsHandler } from './metrics.ts'

const registry: ScrapedRegistry = {
  metrics: async () => 'a 1\n',
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
}

const ask = (method: string, of: ScrapedRegistry = registry) =>
  metricsHandler(of)(new Request('http://localhost/metrics', { method }))

test('a scrape is answered in the format of the registry, for nobody to keep', async () => {
  const answer = await ask('GET')
  expect([answer.status, await answer.text()]).toEqual([200, 'a 1\n'])
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(answer.headers.get('cache-control')).toBe('no-store')
})

test('HEAD has no body, and no other method is answered', async () => {
  const head = await ask('HEAD')
  expect([head.status, head.body, head.headers.get('content-type')]).toEqual([
    200,
    null,
    registry.contentType,
  ])
  const other = await ask('POST')
  expect([other.status, other.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
})

test('what the registry throws reaches the framework', async () => {
  const failing = { ...registry, metrics: () => Promise.reject(new Error('no metrics')) }
  await expect(ask('GET', failing)).rejects.toThrow('no metrics')
})

test('what cannot be scraped is refused', () => {
  expect(() => metricsHandler({} as ScrapedRegistry)).toThrow('what it got has no metrics()')
  expect(() => metricsHandler({ metrics: registry.metrics } as ScrapedRegistry)).toThrow('contentType')
})
