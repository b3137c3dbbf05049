import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { randomOf } from '../../demo/workload/random.ts'
import { dataSize } from '../../demo/workload/schema.ts'
import { scan } from '../../postgres/lanes/scan.ts'
import type { Asked } from './workload.ts'
import { builtIn, fromFile, fromServer, fromStatements, shortened } from './workload.ts'

const textsOf = (workload: ReturnType<typeof fromStatements>): string[] =>
  workload.samples.map(({ text }) => text)

/** How often each text comes in a thousand. */
function drawn(workload: ReturnType<typeof fromStatements>): Record<string, number> {
  const random = randomOf(1)
  const counts: Record<string, number> = {}
  for (let n = 0; n < 1_000; n++) {
    const { text } = workload.next(random)
    counts[text] = (counts[text] ?? 0) + 1
  }
  return counts
}

describe('statements of the user', () => {
  test('come as often as one another', () => {
    const counts = drawn(fromStatements(['SELECT 1', 'SELECT 2'], '--statement'))
    expect(counts['SELECT 1']).toBeGreaterThan(400)
    expect(counts['SELECT 2']).toBeGreaterThan(400)
  })

  test.each(['DELETE FROM t', 'SELECT 1; SELECT 2', 'BEGIN', 'SELECT * FROM t FOR SHARE', 'SET a = 1', ''])(
    '%j is no plain read, and is refused by its number',
    (text) => {
      expect(() => fromStatements(['SELECT 1', text], '--statement')).toThrow(
        '--statement, statement 2, is not one plain read',
      )
    },
  )
})

describe('a file of statements', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-tune-unit-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  const file = (content: string): string => {
    const path = join(folder, 'reads.sql')
    writeFileSync(path, content)
    return path
  }

  test('is cut at the semicolons that end a line', () => {
    const path = file(`-- lookups\nSELECT ';' AS a\nFROM t;\n\nSELECT 2; -- the second\r\nSELECT 3\n-- end\n`)
    expect(textsOf(fromFile(path))).toEqual([
      `-- lookups\nSELECT ';' AS a\nFROM t`,
      'SELECT 2',
      'SELECT 3\n-- end',
    ])
  })

  test('without a statement, or that is not there, is refused', () => {
    expect(() => fromFile(file('-- nothing;\n\n;\n'))).toThrow('--file holds no statement.')
    expect(() => fromFile(join(folder, 'none'))).toThrow('--file cannot be read: ENOENT')
  })
})

describe('statements that the server remembers', () => {
  const answering = (rows: { query: string; calls: number }[]): Asked => ({ query: async () => ({ rows }) })

  test('are those that only read and have kept their constants, as often as they came', async () => {
    const workload = await fromServer(
      answering([
        { query: 'SELECT count(*) FROM a', calls: 900 },
        { query: 'SELECT * FROM b', calls: 100 },
        { query: 'SELECT * FROM a WHERE id = $1', calls: 10_000 },
        { query: 'INSERT INTO a SELECT * FROM b', calls: 10_000 },
      ]),
    )
    expect(textsOf(workload)).toEqual(['SELECT count(*) FROM a', 'SELECT * FROM b'])
    const counts = drawn(workload)
    expect(counts['SELECT * FROM b']).toBeGreaterThan(50)
    expect(counts['SELECT * FROM b']).toBeLessThan(150)
    expect(workload.leftOut).toContain('4 statements')
    expect(workload.leftOut).toContain('1 do more than read and 1 have constants')
  })

  test('are refused where none is left, and where they cannot be read', async () => {
    const none = fromServer(answering([{ query: 'SELECT * FROM a WHERE id = $1', calls: 1 }]))
    await expect(none).rejects.toThrow('none is left. Give the statements')
    const missing = fromServer({
      query: async () => {
        throw Object.assign(new Error('no such view'), { code: '42P01' })
      },
    })
    await expect(missing).rejects.toThrow('pg_stat_statements cannot be read here. Give the statements')
  })

  test('an error that says something else passes through', async () => {
    const cut = fromServer({
      query: async () => {
        throw Object.assign(new Error('cut'), { code: '57P01' })
      },
    })
    await expect(cut).rejects.toThrow('cut')
  })
})

test('the built-in workload only reads, and a caller asks the same with the same seed', () => {
  const workload = builtIn(dataSize(0.1))
  const first = (seed: number): string => {
    const random = randomOf(seed)
    return JSON.stringify(Array.from({ length: 50 }, () => workload.next(random)))
  }
  expect(first(1)).toBe(first(1))
  expect(first(1)).not.toBe(first(2))
  const random = randomOf(3)
  const all = [...workload.samples, ...Array.from({ length: 200 }, () => workload.next(random))]
  expect(new Set(all.map(({ text }) => scan(text).kind))).toEqual(new Set(['read']))
  expect(new Set(all.map(({ text }) => text)).size).toBe(5)
})

test('a statement is named by its beginning, on one line', () => {
  expect(shortened('  SELECT\n  1 ')).toBe('SELECT 1')
  expect(shortened(`SELECT ${'x'.repeat(100)}`)).toHaveLength(60)
})
