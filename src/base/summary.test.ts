import { expect, test } from 'vitest'
import { summaryOf } from './summary.ts'

test.each([
  ['SELECT 1', 'SELECT', 'SELECT'],
  ["select * from users where name = 'x'", 'SELECT', 'SELECT users'],
  ['SELECT * FROM a JOIN app.b ON a.id = b.id LEFT JOIN "C" USING (id)', 'SELECT', 'SELECT a app.b "C"'],
  ['INSERT INTO orders SELECT * FROM carts', 'INSERT', 'INSERT orders SELECT carts'],
  ['INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET n = 2', 'INSERT', 'INSERT t'],
  ['UPDATE ONLY t SET n = 1 FROM s WHERE t.id = s.id', 'UPDATE', 'UPDATE t s'],
  ['DELETE FROM t WHERE id = $1', 'DELETE', 'DELETE t'],
  ['SELECT * FROM t WHERE id = $1 FOR UPDATE', 'SELECT', 'SELECT t'],
  ['SELECT * FROM t FOR NO KEY UPDATE OF t', 'SELECT', 'SELECT t'],
  ['WITH x AS (SELECT * FROM y) DELETE FROM z USING x', 'SELECT', 'SELECT y DELETE z x'],
  ['SELECT extract(epoch FROM at), substring(a FROM 2) FROM t', 'SELECT', 'SELECT t'],
  ['SELECT a IS DISTINCT FROM b FROM t', 'SELECT', 'SELECT t'],
  ['SELECT * FROM (SELECT * FROM inner_one) q', 'SELECT', 'SELECT SELECT inner_one'],
  ['CREATE TABLE IF NOT EXISTS t (id int)', 'CREATE', 'CREATE t'],
  ['BEGIN', 'BEGIN', 'BEGIN'],
  ['', 'OTHER', 'OTHER'],
  ["SELECT 'it's", 'SELECT', 'SELECT'],
])('%j is %s, %j', (text, name, summary) => {
  expect(summaryOf(text)).toEqual({ name, summary })
})

test('a summary ends with a whole word', () => {
  const tables = Array.from({ length: 100 }, (_, n) => `JOIN table_number_${n} USING (id)`)
  const { summary } = summaryOf(`SELECT * FROM t ${tables.join(' ')}`)
  expect(summary.length).toBeLessThanOrEqual(255)
  expect(summary).toMatch(/ table_number_\d+$/)
  const long = 'x'.repeat(300)
  expect(summaryOf(`SELECT * FROM ${long}`).summary).toBe('SELECT')
})
