import { describe, expect, test } from 'vitest'
import type { Serialised } from './packet.ts'
import { Texts } from './texts.ts'

const SLOW = 50
const FAST = 1

function run(
  texts: Texts,
  text: string,
  values: readonly Serialised[] | undefined,
  millis: number,
  now = 0,
): void {
  texts.note(texts.paceOf(texts.of(text), values), millis, 10, now)
}

function isSlow(texts: Texts, text: string, values?: readonly Serialised[]): boolean {
  return texts.paceOf(texts.of(text), values).times.isSlow
}

describe('a text', () => {
  test('is known again as the one it is', () => {
    const texts = new Texts()
    const first = texts.of('SELECT 1')
    first.isSeveral = true
    expect([texts.of('SELECT 1') === first, texts.of('SELECT 2').isSeveral]).toEqual([true, false])
  })

  test('is told by its kind', () => {
    const texts = new Texts()
    const kinds = ['SELECT 1', 'DELETE FROM t', 'BEGIN'].map((text) => texts.of(text).kind)
    expect(kinds).toEqual(['read', 'write', 'other'])
  })

  test('shares its times with those that differ in literals only', () => {
    const texts = new Texts()
    run(texts, 'SELECT 1 FROM t', undefined, FAST)
    expect(texts.of('SELECT 2 FROM t').family.times.runs).toBe(1)
    expect(texts.of('SELECT 2 FROM u').family.times.runs).toBe(0)
  })

  test('has a name of its own', () => {
    const texts = new Texts()
    const [one, two] = [texts.of('SELECT 1'), texts.of('SELECT 2')]
    expect([one.name === two.name, one.name === texts.of('SELECT 1').name]).toEqual([false, true])
  })

  test('that is very long is neither read nor remembered', () => {
    const texts = new Texts()
    const long = `SELECT '${'x'.repeat(16_400)}'`
    const first = texts.of(long)
    expect([first.kind, texts.of(long) === first]).toEqual(['other', false])
    expect(texts.of(`SELECT '${'x'.repeat(16_000)}'`).kind).toBe('read')
  })

  test('is forgotten once thousands of others have come by', () => {
    const texts = new Texts()
    const first = texts.of('SELECT 0 AS a')
    for (let n = 0; n < 1_990; n++) texts.of(`SELECT ${n} AS b`)
    expect(texts.of('SELECT 0 AS a') === first).toBe(true)
    for (let n = 0; n < 5_000; n++) texts.of(`SELECT ${n} AS c`)
    expect(texts.of('SELECT 0 AS a') === first).toBe(false)
  })
})

describe('what a run goes by', () => {
  const text = 'SELECT * FROM events WHERE tenant = $1'

  test('are its values, or its text where it has none', () => {
    const texts = new Texts()
    const keys = (values?: Serialised[]) => texts.paceOf(texts.of('SELECT 1'), values).keys
    expect([keys(['a', null]), keys([]), keys()]).toEqual([['a', null], ['SELECT 1'], ['SELECT 1']])
  })

  test('is what its family took, sizes too', () => {
    const texts = new Texts()
    run(texts, text, ['1'], FAST)
    expect(texts.paceOf(texts.of(text), ['2']).times).toMatchObject({ runs: 1, mean: FAST, size: 10 })
  })

  test('is what values took that are known to be slow, and those leave their family alone from then on', () => {
    const texts = new Texts()
    for (let n = 0; n < 50; n++) run(texts, text, [`${n % 5}`], FAST)
    run(texts, text, ['large'], SLOW)
    for (let n = 0; n < 100; n++) {
      run(texts, text, [`${n % 5}`], FAST)
      run(texts, text, ['large'], SLOW)
    }
    const { family } = texts.of(text)
    expect([family.times.isShort, family.times.runs]).toEqual([true, 151])
    expect([isSlow(texts, text, ['large']), isSlow(texts, text, ['3'])]).toEqual([true, false])
    expect(texts.paceOf(texts.of(text), ['large']).times.runs).toBe(101)
  })

  test('is told for each of several slow values', () => {
    const texts = new Texts()
    run(texts, text, ['large'], SLOW)
    for (let n = 0; n < 100; n++) run(texts, text, ['small'], FAST)
    run(texts, text, ['larger'], SLOW)
    expect([isSlow(texts, text, ['large']), isSlow(texts, text, ['larger'])]).toEqual([true, true])
    for (let n = 0; n < 100; n++) run(texts, text, ['small'], FAST)
    const slow = ['large', 'larger', 'small'].map((tenant) => isSlow(texts, text, [tenant]))
    expect(slow).toEqual([true, true, false])
  })

  test('is the text where literals and not values make it slow', () => {
    const texts = new Texts()
    const of = (tenant: number) => `SELECT * FROM events WHERE tenant = ${tenant}`
    run(texts, of(7), undefined, SLOW)
    for (let n = 0; n < 200; n++) run(texts, of(n % 5), undefined, FAST)
    expect([isSlow(texts, of(7)), isSlow(texts, of(3))]).toEqual([true, false])
  })

  test('is the text however long it is', () => {
    const texts = new Texts()
    const columns = Array.from({ length: 40 }, (_, n) => `column_${n}`).join(', ')
    const of = (tenant: number) => `SELECT ${columns} FROM events WHERE tenant = ${tenant}`
    run(texts, of(7), undefined, SLOW)
    for (let n = 0; n < 200; n++) run(texts, of(n % 5), undefined, FAST)
    run(texts, of(7), undefined, SLOW)
    expect([isSlow(texts, of(7)), isSlow(texts, of(3))]).toEqual([true, false])
  })

  test('costs nothing for a family that was never slow: its values are not kept', () => {
    const texts = new Texts()
    run(texts, text, ['1'], FAST)
    expect(texts.of(text).family.values).toBeUndefined()
    run(texts, text, ['1'], SLOW)
    expect(texts.of(text).family.values).toBeDefined()
  })

  test('recovers once the value is fast again', () => {
    const texts = new Texts()
    run(texts, text, ['large'], SLOW)
    for (let n = 0; n < 200; n++) run(texts, text, ['large'], FAST)
    expect(isSlow(texts, text, ['large'])).toBe(false)
  })
})

describe('slow work', () => {
  test('counts as a thing of now for a minute, whichever text it was', () => {
    const texts = new Texts()
    expect(texts.sawSlow(0)).toBe(false)
    run(texts, 'SELECT 1', undefined, SLOW, 1_000)
    expect([texts.sawSlow(1_000), texts.sawSlow(60_999), texts.sawSlow(61_000)]).toEqual([true, true, false])
  })

  test('is none that took ten milliseconds', () => {
    const texts = new Texts()
    run(texts, 'SELECT 1', undefined, 10)
    expect(texts.sawSlow(0)).toBe(false)
  })

  test('of values that are known to be slow counts too', () => {
    const texts = new Texts()
    run(texts, 'SELECT $1', ['a'], SLOW, 0)
    run(texts, 'SELECT $1', ['a'], SLOW, 70_000)
    expect(texts.sawSlow(80_000)).toBe(true)
  })
})

test('who only looks makes the texts that are run forget nothing', () => {
  const texts = new Texts()
  const { family } = texts.of('SELECT 1 FROM a')
  texts.note(texts.paceOf(texts.of('SELECT 1 FROM a'), undefined), 5, 0, 0)
  for (let n = 0; n < 5_000; n++) expect(texts.familyOf(`SELECT 1 FROM b${n}`)).toBeUndefined()
  expect(texts.familyOf('SELECT 2 FROM a')).toBe(family)
  expect(texts.of('SELECT 1 FROM a').family).toBe(family)
})
