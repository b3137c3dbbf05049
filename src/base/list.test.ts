import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Link, List } from './list.ts'

function filled(...names: string[]) {
  const list = new List<string>()
  const links = names.map((name) => new Link(name))
  for (const link of links) list.push(link)
  return { list, links }
}

test('values stand in the order in which they were pushed', () => {
  const { list } = filled('a', 'b', 'c')
  expect([[...list], list.first, list.last, list.size]).toEqual([['a', 'b', 'c'], 'a', 'c', 3])
})

test.each([
  [0, ['b', 'c']],
  [1, ['a', 'c']],
  [2, ['a', 'b']],
])('a link is taken out wherever it stands (%i)', (index, rest) => {
  const { list, links } = filled('a', 'b', 'c')
  expect(list.remove(links[index] as Link<string>)).toBe(true)
  expect([[...list], list.first, list.last, list.size]).toEqual([rest, rest[0], rest[1], 2])
})

test('the last link leaves an empty list that can be filled again', () => {
  const { list, links } = filled('a')
  list.remove(links[0] as Link<string>)
  expect([list.first, list.last, list.size, [...list]]).toEqual([undefined, undefined, 0, []])
  list.push(links[0] as Link<string>)
  expect([...list]).toEqual(['a'])
})

test('a link that does not stand in the list is not removed', () => {
  const { list, links } = filled('a')
  const other = filled('b')
  expect(other.list.remove(links[0] as Link<string>)).toBe(false)
  expect(list.remove(new Link('c'))).toBe(false)
  expect([list.size, other.list.size]).toEqual([1, 1])
})

test('pushing a link that stands in a list is a BUG', () => {
  const { list, links } = filled('a')
  expect(() => list.push(links[0] as Link<string>)).toThrow(/^BUG: /)
  expect(() => new List<string>().push(links[0] as Link<string>)).toThrow(/^BUG: /)
})

test('the value just given may be removed while walking', () => {
  const { list, links } = filled('a', 'b', 'c')
  const seen: string[] = []
  for (const value of list) {
    seen.push(value)
    list.remove(links.find((link) => link.value === value) as Link<string>)
  }
  expect([seen, list.size]).toEqual([['a', 'b', 'c'], 0])
})

test('a list does what an array would do', () => {
  const step = fc.tuple(fc.constantFrom('push', 'remove', 'insert'), fc.nat(9))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const list = new List<number>()
      const links = Array.from({ length: 10 }, (_, n) => new Link(n))
      const array: number[] = []
      for (const [what, n] of steps) {
        const link = links[n] as Link<number>
        if (what === 'push' && !array.includes(n)) {
          list.push(link)
          array.push(n)
        } else if (what === 'remove') {
          expect(list.remove(link)).toBe(array.includes(n))
          if (array.includes(n)) array.splice(array.indexOf(n), 1)
        } else if (what === 'insert' && !array.includes(n)) {
          list.insert(link, (other) => other > n)
          array.splice(array.findLastIndex((other) => other <= n) + 1, 0, n)
        }
        expect([[...list], list.size, list.first, list.last]).toEqual([
          array,
          array.length,
          array[0],
          array.at(-1),
        ])
      }
    }),
  )
})

test('the first link changes places with any other', () => {
  for (const place of [0, 1, 2, 3]) {
    const list = new List<number>()
    const links = [0, 1, 2, 3].map((value) => new Link(value))
    for (const link of links) list.push(link)
    list.exchange(links[place] as Link<number>)
    const order = [0, 1, 2, 3]
    order[0] = place
    order[place] = 0
    expect([[...list], list.first, list.last, list.size]).toEqual([order, place, order[3], 4])
    for (const link of links) expect(list.remove(link)).toBe(true)
    expect([[...list], list.size]).toEqual([[], 0])
  }
  expect(() => new List<number>().exchange(new Link(1))).toThrow(/^BUG: /)
})

test('a link is inserted behind the last one that need not stand after it', () => {
  const list = new List<number>()
  for (const value of [2, 5, 2, 9, 5, 1]) list.insert(new Link(value), (other) => other > value)
  expect([...list]).toEqual([1, 2, 2, 5, 5, 9])
  const link = new Link(3)
  list.insert(link, (other) => other > 3)
  expect(() => list.insert(link, () => false)).toThrow(
    'BUG: a link is inserted that stands in a list already',
  )
})
