import { expect, test } from 'vitest'
import { readExposition } from './exposition.ts'

const counter = '# HELP a_total Help.\n# TYPE a_total counter\n'
const histogram = '# HELP h Help.\n# TYPE h histogram\n'

test('numbers are found by name and labels, escapes undone', () => {
  const scrape = readExposition(`${counter}a_total{x="1",y="a \\"b\\"\\\\\\n"} 5\na_total 1.5e+21\n`)
  expect(scrape.value('a_total', { y: 'a "b"\\\n', x: '1' })).toBe(5)
  expect(scrape.value('a_total', {})).toBe(1.5e21)
  expect(scrape.value('a_total', { x: '1' })).toBeUndefined()
  expect(scrape.families.get('a_total')).toMatchObject({ type: 'counter', help: 'Help.' })
})

test('OpenMetrics has counters without _total in the name of the family', () => {
  const text = '# HELP a Help.\n# TYPE a counter\na_total 5\n# EOF\n'
  expect(readExposition(text, 'openmetrics').value('a_total', {})).toBe(5)
})

test.each([
  ['no line at the end', `${counter}a_total 1`, 'the end is missing'],
  ['a sample before its family', 'a_total 1\n', 'not a sample of anything'],
  ['a sample of another family', `${counter}b_total 1\n`, 'not a sample of a_total'],
  ['no help', '# TYPE a_total counter\na_total 1\n', 'no HELP right before'],
  ['an unknown type', '# HELP a Help.\n# TYPE a count\na 1\n', 'no type'],
  ['one family twice', `${counter}a_total 1\n${counter}a_total{x="1"} 1\n`, 'twice'],
  ['one series twice', `${counter}a_total{x="1",y="2"} 1\na_total{y="2",x="1"} 1\n`, 'twice'],
  ['a label twice', `${counter}a_total{x="1",x="2"} 1\n`, 'label x twice'],
  ['a quote that is not escaped', `${counter}a_total{x="1"2"} 1\n`, 'bad labels'],
  ['a comma behind the last label', `${counter}a_total{x="1",} 1\n`, 'bad labels'],
  ['no number', `${counter}a_total undefined\n`, 'no number'],
  ['a counter below 0', `${counter}a_total -1\n`, 'a counter below 0'],
  ['a counter that is no number', `${counter}a_total NaN\n`, 'a counter below 0'],
  [
    'buckets that fall',
    `${histogram}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`,
    'counts fall',
  ],
  [
    'boundaries that fall',
    `${histogram}h_bucket{le="1"} 0\nh_bucket{le="0.5"} 0\nh_bucket{le="+Inf"} 0\n`,
    'boundaries',
  ],
  ['no last bucket', `${histogram}h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n`, 'boundaries'],
  ['another count', `${histogram}h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n`, '_count or _sum'],
  ['no sum', `${histogram}h_bucket{le="+Inf"} 1\nh_count 1\n`, '_count or _sum'],
])('%s is refused', (_, text, message) => {
  expect(() => readExposition(text)).toThrow(message)
})

test.each([
  ['no end', '# HELP a Help.\n# TYPE a counter\na_total 5\n', 'the end is missing'],
  ['an empty line', '# HELP a Help.\n\n# TYPE a counter\na_total 5\n# EOF\n', 'an empty line'],
  ['_total in the name of the family', `${counter}a_total 1\n# EOF\n`, 'ends in _total'],
  ['a counter without _total', '# HELP a Help.\n# TYPE a counter\na 5\n# EOF\n', 'not a sample of a'],
])('%s is refused in OpenMetrics', (_, text, message) => {
  expect(() => readExposition(text, 'openmetrics')).toThrow(message)
})
