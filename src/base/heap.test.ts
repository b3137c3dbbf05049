import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Placed } from './heap.ts'
import { Heap } from './heap.ts'

interface Item extends Placed {
  key: number
}

test('whatever comes, goes and changes, the least stands first', () => {
  const step = fc.record({
    do: fc.constantFrom('push', 'push', 'remove', 'change'),
    key: fc.nat(20),
    who: fc.nat(30),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new Heap<Item>(({ key }) => key)
      const items: Item[] = []
      for (const { do: what, key, who } of steps) {
        const item = items[who % Math.max(1, items.length)]
        if (what === 'push') {
          const pushed = { key, place: -1 }
          items.push(pushed)
          heap.push(pushed)
        } else if (item !== undefined && what === 'remove') {
          items.splice(items.indexOf(item), 1)
          heap.remove(item)
          expect(item.place).toBe(-1)
        } else if (item !== undefined) {
          item.key = key
          heap.moved(item)
        }
        expect(heap.size).toBe(items.length)
        expect(heap.first?.key).toBe(
          items.length === 0 ? undefined : Math.min(...items.map(({ key }) => key)),
        )
      }
    }),
  )
})

test('a value stands in one heap, once', () => {
  const heap = new Heap<Item>(({ key }) => key)
  const item = { key: 1, place: -1 }
  expect(() => heap.remove(item)).toThrow(/^BUG: /)
  heap.push(item)
  expect(() => heap.push(item)).toThrow(/^BUG: /)
})
