import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Recent } from './recent.ts'

/** The keys from 0 that are still held, found without using any of them. */
function held(recent: Recent<number, string>, upTo: number): number[] {
  const keys: number[] = []
  for (let key = 0; key < upTo; key++) if (recent.delete(key)) keys.push(key)
  return keys
}

test('what was set is found, and a later value takes its place', () => {
  const recent = new Recent<string, number>(2)
  recent.set('a', 1)
  recent.set('a', 2)
  expect([recent.get('a'), recent.get('b'), recent.size]).toEqual([2, undefined, 1])
})

test('what was not used for two generations is forgotten', () => {
  const recent = new Recent<number, string>(2)
  for (let key = 0; key < 5; key++) recent.set(key, `${key}`)
  expect(held(recent, 5)).toEqual([2, 3, 4])
})

test('what is looked up in time stays, however much is set after it', () => {
  const recent = new Recent<string, number>(3)
  recent.set('kept', 0)
  for (let n = 1; n <= 100; n++) {
    recent.set(`new ${n}`, n)
    expect(recent.get('kept')).toBe(0)
  }
})

test('an old entry that is set anew counts once, and its old value never comes back', () => {
  const recent = new Recent<string, number>(2)
  recent.set('a', 1)
  recent.set('b', 1)
  recent.set('a', 2)
  expect([recent.size, recent.delete('a'), recent.get('a'), recent.size]).toEqual([2, true, undefined, 1])
})

test('deleting tells whether there was an entry, young or old', () => {
  const recent = new Recent<string, number>(2)
  for (const key of ['old', 'older', 'young']) recent.set(key, 1)
  expect([recent.delete('old'), recent.delete('young'), recent.delete('none')]).toEqual([true, true, false])
})

test('clearing forgets both generations', () => {
  const recent = new Recent<string, number>(2)
  for (const key of ['old', 'older', 'young']) recent.set(key, 1)
  recent.clear()
  expect([recent.size, recent.get('old'), recent.get('young')]).toEqual([0, undefined, undefined])
})

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('a capacity of %s cannot be', (capacity) => {
  expect(() => new Recent(capacity)).toThrow('BUG: a capacity of')
})

test('the keys used last are all held, with what was set last, and never more than twice the capacity', () => {
  const steps = fc.array(fc.record({ key: fc.nat(12), set: fc.boolean() }), { maxLength: 200 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), steps, (capacity, uses) => {
      const recent = new Recent<number, number>(capacity)
      // A Map keeps its keys in the order they came: the last ones are the ones used last.
      const model = new Map<number, number>()
      uses.forEach(({ key, set }, n) => {
        const value = set ? n : recent.get(key)
        if (set) recent.set(key, n)
        if (value === undefined) return
        expect(value).toBe(set ? n : model.get(key))
        model.delete(key)
        model.set(key, value)
      })
      const size = recent.size
      expect(size).toBeLessThan(2 * capacity)
      expect(size).toBeGreaterThanOrEqual(Math.min(capacity, model.size))
      const last = [...model].slice(-capacity)
      expect(last.map(([key]) => recent.get(key))).toEqual(last.map(([, value]) => value))
    }),
  )
})

test('whether any value passes is asked of all that are held', () => {
  const recent = new Recent<number, number>(3)
  for (let n = 1; n <= 5; n++) recent.set(n, n)
  expect([
    recent.some((value) => value === 5),
    recent.some((value) => value === 1),
    recent.some((value) => value > 5),
  ]).toEqual([true, recent.get(1) !== undefined, false])
})
