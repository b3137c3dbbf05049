import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StatementKind } from './scan.ts'
import { scan } from './scan.ts'

const kindOf = (text: string): StatementKind => scan(text).kind
const printOf = (text: string): string => scan(text).fingerprint

describe('a text that only reads is a read', () => {
  test.each([
    'SELECT 1',
    'select * from t where id = $1;',
    'SELECT 1; -- done\n /* quite */ ',
    '((SELECT 1)) UNION (SELECT 2) ORDER BY 1',
    'VALUES (1), (2)',
    'TABLE t',
    'WITH x AS NOT MATERIALIZED (SELECT 1) SELECT * FROM x',
    'WITH RECURSIVE x(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM x) SELECT n FROM x',
    'SELECT substring(a FOR 3), overlay(a placing b from 1 for 2) FROM t',
    'SELECT "update", "for update", "into" FROM "delete"',
    'SELECT update FROM t',
    'WITH x AS (SELECT 1) SELECT t.update FROM t',
    "SELECT 'it''s; DELETE FROM t', E'it\\'s; DELETE', $$; DELETE$$, $a$ $$ ; $b$ $a$",
    "SELECT 'C:\\' AS root, N'n', B'01', X'1f', U&'d\\0061t'",
    "SELECT a LIKE $1 ESCAPE '\\' FROM t",
    'SELECT a$1$b FROM t',
    'SELECT 1 /* a /* nested; */ DELETE */ FROM t',
    'SELECT 1 -- ; DELETE\rFROM t',
    'SELECT .5, 1., 1e-5, 1_000, 0x1F, $1.field FROM t',
    "SELECT j ->> 'a', j ? 'b', a[1:2], x::int, -1, 2--3\n FROM t",
    'SELECT now(), pg_current_xact_id(), txid_current(), pg_export_snapshot()',
    'SELECT pg_backend_pid, nextval, lo_price FROM t',
    'SELECT name FROM pg_settings',
    'SELECT é FROM ÿ',
  ])('%s', (text) => {
    expect(kindOf(text)).toBe('read')
  })
})

describe('a text that writes and leaves the session as it was is a write', () => {
  test.each([
    'INSERT INTO t VALUES (1)',
    'insert /* x */ into t select * from u on conflict do update set a = 1 returning a;',
    'UPDATE t SET a = 1',
    'DELETE FROM t',
    'MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE',
    'WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x',
    'with x as materialized (/* */ insert INTO t values (1) returning a) select 1',
    'WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x',
    '(WITH x AS (UPDATE t SET a = 1 RETURNING a) SELECT * FROM x)',
    'SELECT * FROM (WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x) y',
    'WITH x AS (TABLE a) SEARCH DEPTH FIRST BY id SET o DELETE FROM t',
    'WITH RECURSIVE x AS (TABLE a) CYCLE id SET c USING recursive DELETE FROM t',
    'WITH RECURSIVE x AS (TABLE a) CYCLE id SET c USING key UPDATE t SET a = 1',
    'WITH RECURSIVE x AS (TABLE a) CYCLE id SET c USING "as" INSERT INTO t TABLE x',
    'UPDATE t SET a = 1 WHERE id = (SELECT id FROM t LIMIT 1 FOR UPDATE SKIP LOCKED)',
    'WITH x AS (SELECT id FROM t FOR NO KEY UPDATE) UPDATE t SET a = 1 FROM x',
    "SELECT nextval('s')",
    'SELECT "pg_catalog"."setval"($1, 2)',
    'WITH x AS (SELECT 1) SELECT update FROM t',
  ])('%s', (text) => {
    expect(kindOf(text)).toBe('write')
  })
})

describe('what touches the session, takes locks or is not understood is other', () => {
  test.each([
    ...['', ' ', '-- nothing', ';', '()', '1', '"select" 1', '\ufeffselect 1', '\u00a0select 1'],
    ...['SELECT 1; SELECT 2', 'SELECT 1;;', ';SELECT 1', 'SELECT 1 -- x\r; DELETE FROM t', 'SELECT (1'],
    ...['SELECT 1)', "SELECT 'a", "SELECT E'a\\'", 'SELECT "a', 'SELECT $a$ $b$', 'SELECT 1 /* /* */'],
    ...['BEGIN', 'COMMIT', 'SET a = 1', 'SHOW a', 'LISTEN a', 'NOTIFY a', 'COPY t TO STDOUT', 'LOCK TABLE t'],
    ...['DECLARE c CURSOR FOR SELECT 1', 'EXPLAIN ANALYZE DELETE FROM t', 'CALL p()', 'DO $$ $$', 'FETCH c'],
    ...['PREPARE p AS SELECT 1', 'EXECUTE p', 'CREATE TABLE t ()', 'DROP TABLE t', 'DISCARD ALL'],
    ...['(DELETE FROM t)', '(INSERT INTO t VALUES (1))'],
    ...['', ' NO KEY', ' /**/ '].map((strength) => `SELECT * FROM t FOR${strength} UPDATE`),
    ...['SELECT * FROM t for share', 'SELECT * FROM t FOR--\nKEY SHARE', 'TABLE t FOR UPDATE'],
    'SELECT * FROM (SELECT * FROM t FOR UPDATE) x',
    'WITH x AS (SELECT * FROM t FOR UPDATE) SELECT * FROM x',
    'WITH x AS (SELECT * FROM t FOR NO KEY UPDATE) SELECT * FROM x',
    "SELECT nextval('s') FROM t FOR UPDATE",
    ...['SELECT * INTO t FROM u', '(SELECT 1 INTO t)', 'SELECT 1 insert INTO t'],
    'WITH x AS (SELECT 1) SELECT (1) insert INTO t',
    'WITH insert AS (SELECT 1) SELECT 1 insert INTO t',
    'WITH x AS (INSERT INTO t VALUES (1) RETURNING a) SELECT * INTO u FROM x',
    ...['pg_advisory_lock', 'pg_try_advisory_xact_lock_shared', 'pg_advisory_unlock_all'].map(
      (name) => `SELECT ${name}(1)`,
    ),
    'SELECT 1 FROM pg_catalog . pg_advisory_lock /* */ ( 1 )',
    'SELECT "pg_advisory_lock"(1)',
    'SELECT PG_CATALOG."set_config"($1, $2, false)',
    'SELECT U&"pg\\005fadvisory_lock"(1)',
    'SELECT u&"pg!005fadvisory_lock" UESCAPE \'!\' (1)',
    ...['pg_backend_pid', 'pg_cancel_backend', 'pg_terminate_backend', 'pg_notify', 'currval', 'lastval'].map(
      (name) => `SELECT ${name}()`,
    ),
    ...[
      'dblink',
      'dblink_exec',
      'lo_create',
      'setseed',
      'set_limit',
      'query_to_xml',
      'pg_logical_emit_message',
      'brin_summarize_range',
      'pg_import_system_collations',
    ].map((name) => `SELECT * FROM ${name}('x')`),
    "INSERT INTO t VALUES (currval('s'))",
    "UPDATE pg_settings SET setting = 'x' WHERE name = 'y'",
    'SELECT * FROM pg_temp.t',
    'SELECT * FROM "pg_temp_3".t',
    ...['SELECT 1and 2', 'SELECT $1a', 'SELECT 1.e', 'SELECT {1}', 'SELECT \\', 'SELECT $', 'SELECT \u0001'],
    ...['SELECT 1 \0; DELETE', "SELECT 'a\0'", `SELECT 1 ${'+'.repeat(64)} 1`],
  ])('%j', (text) => {
    expect(kindOf(text)).toBe('other')
  })
})

describe('a string ends where Postgres ends it', () => {
  test.each([
    ['a continuation keeps the escapes', "SELECT E'a'\n'\\' ; DELETE FROM t --'", 'read'],
    ['a continuation may come after a comment', "SELECT E'a' -- b\n -- c\n '\\' ; DELETE FROM t --'", 'read'],
    ['on the same line a string is a new one', "SELECT E'a' '\\' ; DELETE FROM t --'", 'other'],
    ['a block comment ends the continuation', "SELECT E'a' /* */\n'\\' ; DELETE FROM t --'", 'other'],
    ['an e that ends a longer name is no prefix', "SELECT type'\\' ; DELETE FROM t --'", 'other'],
    ['a backslash escapes nothing in a plain string', "SELECT '\\'; DELETE FROM t; --'", 'other'],
    ['a backslash escapes itself in an E string', "SELECT E'\\\\'; DELETE FROM t; --'", 'other'],
    ['a dollar inside a name opens nothing', 'SELECT a$$; DELETE FROM t; --$$', 'other'],
    ['a dollar after a parameter does', 'SELECT $1$$; DELETE FROM t; --$$', 'read'],
    ['a tag begins with no digit', 'SELECT $1a$; DELETE FROM t; --$1a$', 'other'],
    ['a comment opened inside an operator counts', 'SELECT 1 +/* ; DELETE */ 2', 'read'],
    ['a closed comment is not reopened by its star', 'SELECT 1 /**/; DELETE FROM t; /**/', 'other'],
  ])('%s', (_, text, kind) => {
    expect(kindOf(text)).toBe(kind)
  })
})

test.each([
  ['SELECT  a.b,\n"C d" FROM T -- x\n WHERE x = 1;', 'select a.b, "C d" from t where x = ?'],
  ["select 'a', E'b', $$c$$, $1, 1.5e3, 'a'\n'b'", 'select ?, ?, ?, $1, ?, ?'],
  ['select * from t where a in ($1,$2 , 3)', 'select * from t where a in (?+)'],
  ['select * from t where a in ($1)', 'select * from t where a in (?+)'],
  ['select * from t where a in (1, b)', 'select * from t where a in (?, b)'],
  ['select * from t where a in (select 1)', 'select * from t where a in (select ?)'],
  [
    'insert into t (a, b) values ($1, 2), ($3, 4) returning a',
    'insert into t (a, b) values (?+) returning a',
  ],
  ['values (1), (now()), (2)', 'values (?+), (now ()), (?)'],
  ['values (1), (2', 'values (?+), (?'],
  ['select a in (1), (2), coalesce($1, $2)', 'select a in (?+), (?), coalesce ($1, $2)'],
  ['select a=-1, b[1:2]::int, c->>2', 'select a = - ?, b[?:?]::int, c ->> ?'],
  ['select 1; select 2', 'select ?; select ?'],
])('%j is known by its fingerprint', (text, fingerprint) => {
  expect(printOf(text)).toBe(fingerprint)
})

const literal = fc.oneof(
  fc.constantFrom(
    "E'\\'; delete '",
    "'it''s'",
    "U&'x'",
    "x'1f'",
    '$$ insert $$',
    '$a$ $$ $a$',
    '1',
    '.5',
    '1e-5',
    '0x1f',
  ),
  fc.string().map((text) => `'${text.replace(/['\0]/g, '')}'`),
  fc.string().map((text) => `$q$${text.replace(/[$\0]/g, '')}$q$`),
)
const blank = fc
  .array(fc.constantFrom(' ', '\n', '\t', '\r', '/**/', '/* ; /* x */ delete */', '-- into\n', "--'\r"), {
    minLength: 1,
  })
  .map((blanks) => blanks.join(''))
const words =
  'select with x as ( ) ( ) , . * [ ] : ; = - @> insert update delete merge into for share no key values in set "a" "with" $1 $2 pg_notify nextval t'
const token = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...words.split(' ')) },
  { weight: 1, arbitrary: literal },
)
// Two strings in a row are one or two, as the line break between them has it.
const tokens = fc
  .array(token)
  .map((all) => ['select', ...all.flatMap((one) => (/['?]$/.test(one) ? [one, ','] : [one]))])

// A minus right before a comment would make the comment begin with it.
const glued = (one: string): string => (one === '-' ? '- ' : one)

const pieces = `' " $ $a$ /* */ -- \\ ; ( ) e U& 1 . + select with`.split(' ')
const garbage = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.constantFrom('\n', ' ', ...pieces)).map((all) => all.join('')),
)

test('comments and white space between tokens change neither kind nor fingerprint', () => {
  fc.assert(
    fc.property(tokens, fc.array(blank, { minLength: 1 }), (all, blanks) => {
      const spread = all.map((one, n) => glued(one) + blanks[n % blanks.length]).join('')
      expect(scan(spread)).toEqual(scan(all.join(' ')))
    }),
  )
})

test('another literal in its place changes neither kind nor fingerprint', () => {
  fc.assert(
    fc.property(tokens, tokens, literal, literal, (before, after, one, other) => {
      const text = (value: string) => [...before, ',', value, ',', ...after].join(' ')
      expect(scan(text(one))).toEqual(scan(text(other)))
    }),
  )
})

test('a second statement makes any text other', () => {
  const text = fc.oneof(
    tokens.map((all) => all.join(' ')),
    garbage.map((all) => `${all}\n`),
  )
  fc.assert(
    fc.property(text, (first) => {
      expect(kindOf(`${first}; DROP TABLE x`)).toBe('other')
    }),
  )
})

test('a write inside a string, a comment or a dollar quote leaves a select what it was', () => {
  const write = fc.constantFrom(
    '; DELETE FROM t',
    'insert into t values (1)',
    ') for update (',
    '$$ ; update t',
  )
  const wrap = fc.constantFrom<(text: string) => string>(
    (text) => `'${text}'`,
    (text) => `E'\\'${text}'`,
    (text) => `$w$${text}$w$`,
    (text) => `/* ' ${text} */ 1`,
    (text) => `-- " ${text}\n 1`,
    (text) => `"${text}"`,
  )
  fc.assert(
    fc.property(write, wrap, (text, within) => {
      expect(kindOf(`SELECT ${within(text)} FROM t`)).toBe('read')
    }),
  )
})

test('no text at all makes it throw', () => {
  fc.assert(
    fc.property(garbage, (text) => {
      expect(['read', 'write', 'other']).toContain(kindOf(text))
    }),
  )
})

test.each(['(', "'", "'a'\n", '$a', '$a$', '/*', '+', '=-', 'e ', '1,', "e'\\", '(1),', 'a.', '1e', '\0'])(
  'a million characters of %j are read in one pass, to a short fingerprint',
  (piece) => {
    const text = `values ${piece.repeat(1_000_000 / piece.length)}`
    const began = performance.now()
    expect(printOf(text).length).toBeLessThanOrEqual(10_000)
    // Some tens of milliseconds; quadratic time would be minutes.
    expect(performance.now() - began).toBeLessThan(2_000)
  },
)
