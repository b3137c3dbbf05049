import { describe, expect, test } from 'vitest'
import { learnedFrom } from './learned.ts'
import { Texts } from './texts.ts'

function learned(runs: [text: string, millis: number, value?: string][], limit = 100) {
  const texts = new Texts()
  for (const [text, millis, value] of runs)
    texts.note(texts.paceOf(texts.of(text), value === undefined ? undefined : [value]), millis, 10, 0)
  return learnedFrom(texts.families(), limit)
}

describe('what was learned', () => {
  test('has one row for texts that differ in their literals only, and none of the literals', () => {
    const rows = learned([
      ["SELECT * FROM t WHERE name = 'Ada'", 1],
      ["SELECT * FROM t WHERE name = 'Grace'", 3],
    ])
    expect(rows).toEqual([
      {
        text: 'select * from t where name = ?',
        kind: 'read',
        calls: 2,
        meanMillis: 2,
        highMillis: 3,
        size: 10,
        verdict: 'short',
        class: 'simple',
      },
    ])
  })

  test('comes by the time that it took together, and no longer than asked for', () => {
    const rows = learned(
      [
        ['SELECT 1 FROM often', 2],
        ['SELECT 1 FROM often', 2],
        ['SELECT 1 FROM once', 3],
        ['SELECT 1 FROM rare', 1],
      ],
      2,
    )
    expect(rows.map(({ text }) => text)).toEqual(['select ? from often', 'select ? from once'])
  })

  test('counts the runs of values that are known to make it slow, and says that it is mixed', () => {
    const text = 'SELECT * FROM t WHERE tenant = $1'
    const small: [string, number, string][] = Array.from({ length: 200 }, (_, n) => [text, 1, `t${n % 4}`])
    const [row] = learned([...small, [text, 90, 'large'], ...small, [text, 90, 'large'], ...small])
    expect([row?.calls, row?.verdict, row?.highMillis]).toEqual([602, 'mixed', 90])
  })

  test('leaves out what was asked for and has not run', () => {
    const texts = new Texts()
    texts.of('SELECT 1 FROM never')
    expect(learnedFrom(texts.families(), 10)).toEqual([])
  })

  test.each([
    [99, 'simple'],
    [100, 'moderate'],
    [999, 'moderate'],
    [1_000, 'complex'],
    [59_999, 'complex'],
    [60_000, 'analytical'],
  ])('that takes %d ms is %s', (millis, name) => {
    expect(learned([['SELECT 1', millis]])[0]?.class).toBe(name)
  })

  test('shows no more than the beginning of a long text', () => {
    const [row] = learned([[`SELECT ${'column_name, '.repeat(500)} last FROM t`, 1]])
    expect(row?.text.length).toBe(2_000)
  })
})
