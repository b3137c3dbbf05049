import { expect, test } from 'vitest'
import { operationOf } from '../../../test/support/watched-pool.ts'
import { errorAttributes, MetricAttributes, spanAttributes } from './attributes.ts'

const server = { 'db.system.name': 'postgresql' }

test('an operation is described by its verb and its summary; its text is nowhere', () => {
  expect(new MetricAttributes(10).of(server, operationOf(), undefined)).toEqual({
    'db.system.name': 'postgresql',
    'db.operation.name': 'SELECT',
    'db.query.summary': 'SELECT users',
  })
})

test('there are as many summaries as were asked for, and one for the rest; the first ones stay', () => {
  const attributes = new MetricAttributes(2)
  const summary = (name: string) =>
    attributes.of(server, operationOf({ summary: name }), undefined)['db.query.summary']
  expect(['a', 'b', 'c', 'd', 'a'].map(summary)).toEqual(['a', 'b', '_OTHER', '_OTHER', 'a'])
})

test('without summaries the metric has none', () => {
  expect(new MetricAttributes(0).of(server, operationOf(), undefined)).not.toHaveProperty([
    'db.query.summary',
  ])
})

test('made up verbs and codes end at fifty', () => {
  const attributes = new MetricAttributes(10)
  const seen = Array.from({ length: 80 }, (_, n) =>
    attributes.of(server, operationOf({ name: `V${n}` }), { code: `4X${100 + n}` }),
  )
  expect(new Set(seen.map((each) => each['db.operation.name'])).size).toBe(51)
  expect(new Set(seen.map((each) => each['error.type'])).size).toBe(51)
  expect(new Set(seen.map((each) => each['db.response.status_code'])).size).toBe(51)
})

test.each([
  ['23505', { 'error.type': '23505', 'db.response.status_code': '23505' }],
  ['P0001', { 'error.type': 'P0001', 'db.response.status_code': 'P0001' }],
  ['EPIPE', { 'error.type': 'EPIPE' }],
  ['SLUICE_ACQUIRE_TIMEOUT', { 'error.type': 'SLUICE_ACQUIRE_TIMEOUT' }],
  ['no code s3cr3t', { 'error.type': '_OTHER' }],
])('the error %s is told by its code', (code, attributes) => {
  expect(errorAttributes(Object.assign(new Error('s3cr3t'), { code }))).toEqual(attributes)
})

test('a span has the text without literals, unless that is not wanted', () => {
  const operation = operationOf({ text: 'SELECT $1' })
  expect(spanAttributes(server, operation, true)).toMatchObject({ 'db.query.text': 'SELECT $1' })
  expect(spanAttributes(server, operation, false)).not.toHaveProperty(['db.query.text'])
})
