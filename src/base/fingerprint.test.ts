import { expect, test } from 'vitest'
import { fingerprint } from './fingerprint.ts'

test.each([
  ["SELECT * FROM t WHERE name = 'Ada' AND id IN (1, 2, 3)", 'select * from t where name = ? and id in (?+)'],
  ["ALTER ROLE app PASSWORD 'hunter2'", 'alter role app password ?'],
  ["SELECT E'it\\'s' /* for 'Ada' */, $$secret$$", 'select ?, ?'],
  ["SELECT 1 WHERE name = 'cut off in the mid", 'select ? where name = ?'],
  ['SELECT $tag$cut off in the mid', 'select ?'],
  ["SELECT 1 /* cut off: 'Ada", 'select ? /*'],
])('no literal of %s is left', (text, folded) => {
  expect(fingerprint(text)).toBe(folded)
})
