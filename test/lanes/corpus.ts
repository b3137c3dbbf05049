/** Statements of every kind, with the tables they need: what two pools are asked to answer alike. */
import pg from 'pg'

/** One statement, asked several times. */
export interface Case {
  readonly what: string
  /** The arguments of `query()`, made anew for each run. `key` is a number that no other run of any case gets. */
  args(key: number): unknown[]
  /** Whether it is one statement that changes rows, so that a caller may allow it on a lane. */
  readonly writes: boolean
}

/** How many rows `seeded` has; keys stay below. */
export const SEEDED = 8_000

/** Types, each with a value as Postgres writes it. */
const TYPES: readonly (readonly [type: string, ...values: string[]])[] = [
  ['int2', '-32768', '7'],
  ['int4', '2147483647', '-1'],
  ['int8', '9007199254740993', '-9223372036854775808'],
  ['numeric', '12345678901234567890.000100', 'NaN', '-0.0'],
  ['numeric(12,3)', '1.5'],
  ['float4', '0.1', 'NaN', '-Infinity'],
  ['float8', '1e308', 'NaN', 'Infinity', '-0'],
  ['bool', 't', 'f'],
  ['text', 'naïve 日本語 👩‍👩‍👧 "quoted", \\ and \n', ''],
  ['varchar(20)', 'short'],
  ['char(5)', 'ab'],
  ['"char"', 'x'],
  ['name', 'identifier'],
  ['bytea', '\\x00ff10', '\\x'],
  ['date', '2024-02-29', 'infinity', '0044-03-15 BC'],
  ['timestamp', '2024-03-31 02:30:00.123456', '-infinity'],
  ['timestamptz', '2024-03-31 02:30:00.123456+05:30', 'infinity'],
  ['time', '23:59:59.999999'],
  ['timetz', '23:59:59+02'],
  ['interval', '1 year 2 mons -3 days 04:05:06.789', '00:00:00'],
  ['uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['json', '{"b": [1, null, {"c": "é"}], "a": 1.50}', 'null'],
  ['jsonb', '{"b": [1, null, {"c": "é"}], "a": 1.50}', '"text"'],
  ['xid', '42'],
  ['oid', '4294967295'],
  ['inet', '192.168.0.1/24', '::1'],
  ['cidr', '10.0.0.0/8'],
  ['macaddr', '08:00:2b:01:02:03'],
  ['bit(3)', '101'],
  ['varbit', '10101'],
  ['money', '12.50'],
  ['point', '(1.5,-2)'],
  ['circle', '<(1,2),3>'],
  ['int4range', '[1,10)', 'empty'],
  ['tstzrange', '["2024-01-01 00:00:00+00",)'],
  ['tsvector', "'cat':1 'dog':2"],
  ['mood', 'happy', 'so so'],
  ['pair', '(1,"a b")', '(,)'],
  ['positive', '5'],
  ['int4[]', '{1,NULL,-3}', '{{1,2},{3,NULL}}', '{}'],
  ['text[]', '{"a,b",NULL,"NULL","\\"q\\"",""}'],
  ['timestamptz[]', '{"2024-01-01 00:00:00+00",NULL}'],
  ['jsonb[]', '{"{\\"a\\": 1}",NULL}'],
  ['mood[]', '{happy,"so so"}'],
]

/** The tables, types and functions, in a schema of their own. */
export function schemaOf(schema: string): string {
  const columns = TYPES.map(([type], n) => `c${n} ${qualified(schema, type)}`).join(', ')
  const values = TYPES.map(([, value = '']) => pg.escapeLiteral(value)).join(', ')
  return `
    CREATE SCHEMA ${schema};
    CREATE TYPE ${schema}.mood AS ENUM ('happy', 'so so');
    CREATE TYPE ${schema}.pair AS (number int, word text);
    CREATE DOMAIN ${schema}.positive AS int CHECK (VALUE > 0);
    CREATE TABLE ${schema}.every (id int PRIMARY KEY, ${columns});
    INSERT INTO ${schema}.every VALUES (1, ${values});
    INSERT INTO ${schema}.every (id) VALUES (2);
    CREATE TABLE ${schema}.seeded (id int PRIMARY KEY, note text);
    CREATE TABLE ${schema}.changes (id int, note text, PRIMARY KEY (id));
    CREATE TABLE ${schema}.strict (
      id int CONSTRAINT strict_key PRIMARY KEY, name varchar(5) NOT NULL, age int CHECK (age > 0),
      other int REFERENCES ${schema}.every
    );
    INSERT INTO ${schema}.strict VALUES (1, 'one', 1, 1);
    CREATE FUNCTION ${schema}.shout(word text) RETURNS text LANGUAGE plpgsql AS $$
      BEGIN RAISE NOTICE 'hear, hear: %', word; RAISE WARNING 'loud'; RETURN word; END $$;
    CREATE FUNCTION ${schema}.fail(word text) RETURNS text LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'not %', word USING ERRCODE = 'XX123', DETAIL = 'in detail', HINT = 'a hint',
        SCHEMA = 's', TABLE = 't', COLUMN = 'c', CONSTRAINT = 'k', DATATYPE = 'd'; END $$;
    CREATE FUNCTION ${schema}.run(text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE $1; END $$;
  `
}

/** Puts the tables that change back to where they began. */
export function resetOf(schema: string): string {
  return `
    TRUNCATE ${schema}.changes, ${schema}.seeded;
    INSERT INTO ${schema}.seeded SELECT n, 'row ' || n FROM generate_series(0, ${SEEDED}) n;
  `
}

function qualified(schema: string, type: string): string {
  return /^(mood|pair|positive)/.test(type) ? `${schema}.${type}` : type
}

/** All statements. */
export function corpusOf(schema: string): Case[] {
  return [
    ...types(schema),
    ...parameters(),
    ...forms(schema),
    ...texts(),
    ...shapes(schema),
    ...writes(schema),
    ...serverErrors(schema),
    ...unsendable(),
  ]
}

function ask(what: string, ...args: unknown[]): Case {
  return { what, args: () => args, writes: false }
}

function types(schema: string): Case[] {
  return TYPES.flatMap(([given, ...values], n) => {
    const type = qualified(schema, given)
    const array = given.endsWith('[]') ? [] : [[...values, null, values[0]]]
    return [
      ask(`${type} as a column`, `SELECT id, c${n} FROM ${schema}.every ORDER BY id`),
      ask(`${type} as a column looked up`, `SELECT c${n} AS v FROM ${schema}.every WHERE id = $1`, [1]),
      ask(`no ${type}`, `SELECT $1::${type} AS v`, [null]),
      ...values.flatMap((value) => [
        ask(`${type} ${value} as a literal`, `SELECT ${pg.escapeLiteral(value)}::${type} AS v`),
        ask(`${type} ${value} as a parameter`, `SELECT $1::${type} AS v`, [value]),
      ]),
      ...array.flatMap((items) => [
        ask(`an array of ${type}`, `SELECT $1::${type}[] AS v`, [items]),
        ask(`a nested array of ${type}`, `SELECT $1::${type}[] AS v`, [[items, items]]),
      ]),
    ]
  })
}

function parameters(): Case[] {
  const at = new Date('2024-02-29T12:34:56.789Z')
  return [
    ask('a Date as timestamptz', 'SELECT $1::timestamptz AS v', [at]),
    ask('a Date as timestamp', 'SELECT $1::timestamp AS v', [at]),
    ask('a Date as text', 'SELECT $1::text AS v', [at]),
    ask('an array of Dates', 'SELECT $1::timestamptz[] AS v', [[at, null]]),
    ask('a Buffer', 'SELECT $1::bytea AS v', [Buffer.from([0, 1, 255])]),
    ask('an empty Buffer', 'SELECT $1::bytea AS v', [Buffer.alloc(0)]),
    ask('a view of bytes', 'SELECT $1::bytea AS v', [new Uint8Array([1, 2, 3]).subarray(1)]),
    ask('an array of Buffers', 'SELECT $1::bytea[] AS v', [[Buffer.from('a'), null]]),
    ask('an array of numbers', 'SELECT $1::int[] AS v', [[1, null, 3]]),
    ask('an empty array', 'SELECT $1::int[] AS v', [[]]),
    ask('a nested array', 'SELECT $1::text[] AS v', [
      [
        ['a,"b"', null],
        ['\\', 'NULL'],
      ],
    ]),
    ask('an array of objects', 'SELECT $1::jsonb[] AS v', [[{ a: 1 }, { b: [2] }]]),
    ask('an object', 'SELECT $1::jsonb AS v', [{ b: 1, a: [null, 'é'] }]),
    ask('a number', 'SELECT $1::float8 AS v, $2::int AS w', [0.1, -7]),
    ask('not a number', 'SELECT $1::float8 AS v', [Number.NaN]),
    ask('booleans', 'SELECT $1::bool AS v, $2::bool AS w', [true, false]),
    ask('a bigint', 'SELECT $1::int8 AS v', [9_007_199_254_740_993n]),
    ask('undefined as a value', 'SELECT $1::text AS v', [undefined]),
    ask('an object that writes itself', 'SELECT $1::text AS v', [{ toPostgres: () => 'itself' }]),
    ask('an object that writes itself as an array', 'SELECT $1::int[] AS v', [{ toPostgres: () => [1, 2] }]),
    ask('a parameter of no known type', 'SELECT $1 AS v', ['unknown']),
    ask('a parameter used twice', 'SELECT $1::int AS v, $1::int + 1 AS w', [1]),
    ask('two hundred parameters', `SELECT ${range(200, (n) => `$${n + 1}::int AS c${n}`)}`, [
      ...Array(200).keys(),
    ]),
    ask('a long parameter', 'SELECT $1::text AS v', ['ä'.repeat(300_000)]),
    ask('an empty list of values', 'SELECT 1 AS v', []),
  ]
}

function forms(schema: string): Case[] {
  const text = 'SELECT $1::int AS n, $2::text AS word'
  const own = new pg.TypeOverrides()
  own.setTypeParser(20, (value: string) => BigInt(value))
  const shouting = { getTypeParser: () => (value: unknown) => `<${String(value)}>` }
  const failing = {
    getTypeParser: () => (): never => {
      throw new Error('the parser would rather not')
    },
  }
  const array = { rowMode: 'array' }
  return [
    ask('a config', { text, values: [1, 'a'] }),
    ask('a config and values beside it', { text }, [2, 'b']),
    ask('a config whose values give way', { text, values: [1, 'a'] }, [3, 'c']),
    ask('a frozen config', Object.freeze({ text, values: Object.freeze([4, 'd']) })),
    ask('rows as arrays', { ...array, text: 'SELECT 1 AS a, 2 AS a, $1::text AS b', values: ['x'] }),
    ask('rows as arrays, without values', { ...array, text: 'SELECT 1 AS a, NULL AS b' }),
    ask('rows as arrays, none', { ...array, text: 'SELECT 1 AS a WHERE false' }),
    ask('rows as arrays, of several statements', { ...array, text: 'SELECT 1 AS a; SELECT 2 AS a, 3 AS a' }),
    ask('types of a query', { text: 'SELECT 1 AS n, now() IS NULL AS b, NULL AS c', types: shouting }),
    ask('types of a query with values', { text, values: [1, 'a'], types: shouting }),
    ask('an override of one type', { text: 'SELECT 1::int8 AS big, 1::int4 AS small', types: own }),
    ask('an override with values', { text: 'SELECT $1::int8 AS big, 1::int4 AS n', values: [7], types: own }),
    ask('a parser that throws', { text: 'SELECT 1 AS n', types: failing }),
    ask('a parser that throws at many rows', {
      text: 'SELECT n FROM generate_series(1, $1::int) n',
      values: [50],
      types: failing,
    }),
    ask('binary results', {
      text: 'SELECT $1::int AS n, 1.5::float8 AS f, true AS b, NULL::int AS o',
      values: [5],
      binary: true,
    }),
    ask('the extended protocol asked for', { text: 'SELECT 1 AS n', queryMode: 'extended' }),
    ask('two statements over the extended protocol', {
      text: 'SELECT 1; SELECT 2',
      queryMode: 'extended',
    }),
    ask('rows in portions', { text: 'SELECT n FROM generate_series(1, 7) n', rows: 3 }),
    ask('a named statement', { name: 'named', text, values: [5, 'e'] }),
    ask('a named statement with other values', { name: 'named', text, values: [6, null] }),
    ask('a named statement without values', { name: 'plain', text: `SELECT * FROM ${schema}.strict` }),
    ask('a named statement with rows as arrays', { name: 'named', text, values: [7, 'g'], ...array }),
    ask('a named statement that cannot be parsed', { name: 'broken', text: 'SELEC $1', values: [1] }),
    ask('a named statement that fails when run', {
      name: 'div',
      text: 'SELECT 1 / $1::int AS n',
      values: [0],
    }),
    ask('a named statement that failed before', {
      name: 'div',
      text: 'SELECT 1 / $1::int AS n',
      values: [1],
    }),
    ask('a named statement that changes rows', {
      name: 'touch',
      text: `UPDATE ${schema}.seeded SET note = note WHERE id = $1`,
      values: [-1],
    }),
    { what: 'a query object', args: () => [new pg.Query('SELECT 5 AS n')], writes: false },
    { what: 'a query object with values', args: () => [new pg.Query(text, [8, 'h'])], writes: false },
    { what: 'a query object that fails', args: () => [new pg.Query('SELECT 1 / 0')], writes: false },
  ]
}

function texts(): Case[] {
  const multi = 'SELECT 1 AS a; SELECT 2 AS b, 3 AS c; SELECT WHERE false'
  return [
    ...['', ' ', ';', ' ; ; ', '-- nothing', '/* nothing /* at all */ */'].flatMap((text) => [
      ask(`the text ${JSON.stringify(text)}`, text),
      ask(`the text ${JSON.stringify(text)} with a value`, text, ['x']),
    ]),
    ask('a comment first', '/* one */ -- two\n SELECT 1 AS n'),
    ask('a comment last', 'SELECT $1::int AS n -- $2', [1]),
    ask('a semicolon last', 'SELECT 1 AS n;'),
    ask('a semicolon last, with values', 'SELECT $1::int AS n ; ', [1]),
    ask('a semicolon inside a string', 'SELECT \';\' AS a, $$;$$ AS b, 1 AS ";"'),
    ask('a placeholder inside a string', "SELECT '$1' AS a, $1::int AS b", [1]),
    ask('several statements', multi),
    ask('several statements, one of them empty', 'SELECT 1 AS a;; SELECT 2 AS a;'),
    ask('several statements, the second wrong', 'SELECT 1 AS a; SELECT 1 / 0; SELECT 2 AS b'),
    ask('several statements, the second no SQL', 'SELECT 1 AS a; SELEC 2'),
    ask('several statements with values', 'SELECT $1::int AS a; SELECT 2 AS b', [1]),
    ask('several statements in a transaction', 'BEGIN; SELECT 1 AS n; COMMIT'),
    ask('SHOW', 'SHOW max_connections'),
    ask('SET', "SET application_name TO 'sluice-equality'"),
    ask('SET LOCAL', "SET LOCAL application_name TO 'for nobody'"),
    ask('EXPLAIN', 'EXPLAIN (COSTS off) SELECT 1'),
    ask('VALUES', 'VALUES (1, $1::text), (2, NULL)', ['a']),
    ask('a CTE', 'WITH n AS (SELECT $1::int AS n) SELECT n, n + 1 AS m FROM n', [1]),
    ask('DO', 'DO $$ BEGIN PERFORM 1; END $$'),
    ask('COPY TO STDOUT', 'COPY (SELECT 1) TO STDOUT'),
    ask('CHECKPOINT spelt wrong', 'CHECKPOIN'),
    ask('DECLARE outside a transaction', 'DECLARE c CURSOR FOR SELECT 1'),
    ask('COMMIT outside a transaction', 'COMMIT'),
    ask('a keyword in lower case', 'select $1::int as n', [1]),
    ask('a function of the session', 'SELECT current_user AS u, current_schema() AS s, $1::int AS n', [1]),
  ]
}

function shapes(schema: string): Case[] {
  return [
    ask('no columns', 'SELECT'),
    ask('no columns, three rows', 'SELECT FROM generate_series(1, 3)'),
    ask('no columns, with a value', 'SELECT WHERE $1::int = 1', [1]),
    ask('no rows', `SELECT * FROM ${schema}.every WHERE id = $1`, [-1]),
    ask('no rows, without values', 'SELECT 1 AS a, NULL::text AS b WHERE false'),
    ask('the same name twice', 'SELECT 1 AS a, 2 AS b, 3 AS a'),
    ask('the same name twice, with a value', 'SELECT 1 AS a, $1::text AS b, 3 AS a', ['x']),
    ask('names that are numbers', 'SELECT 1 AS b, 2 AS "2", 3 AS "1", $1::int AS a', [4]),
    ask('names of Object', 'SELECT 1 AS "__proto__", 2 AS constructor, 3 AS "toString"'),
    ask('columns without a name', 'SELECT 1, 2, count(*), $1::int', [3]),
    ask('many rows', "SELECT n, 'row ' || n AS word FROM generate_series(1, $1::int) n", [3_000]),
    ask('many rows, without values', 'SELECT n FROM generate_series(1, 2000) n'),
    ask('many columns', `SELECT ${range(300, (n) => `${n} AS c${n}`)}`),
    ask('a long value', "SELECT repeat('ä', $1::int) AS v", [300_000]),
    ask('every column', `SELECT * FROM ${schema}.every ORDER BY id`),
    ask('a join', `SELECT s.*, e.id AS eid FROM ${schema}.strict s JOIN ${schema}.every e ON e.id = $1`, [1]),
    ask('an aggregate', `SELECT count(*), sum(id), avg(id) FROM ${schema}.every`),
    ask('rows that are locked', `SELECT * FROM ${schema}.strict WHERE id = $1 FOR UPDATE`, [1]),
    ask('a notice', `SELECT ${schema}.shout($1) AS v`, ['hey']),
    ask('a notice, without values', `SELECT ${schema}.shout('ho') AS v`),
    ask('a table', `TABLE ${schema}.strict`),
    ask('a moment of sleep', 'SELECT pg_sleep($1) AS v', [0.01]),
  ]
}

function writes(schema: string): Case[] {
  const changes = `${schema}.changes`
  const seeded = `${schema}.seeded`
  const write = (what: string, args: (key: number) => unknown[]): Case => ({ what, args, writes: true })
  return [
    write('INSERT', (key) => [`INSERT INTO ${changes} VALUES ($1, $2)`, [key, 'new']]),
    write('INSERT without values', (key) => [`INSERT INTO ${changes} VALUES (${key}, 'new')`]),
    write('INSERT RETURNING', (key) => [`INSERT INTO ${changes} VALUES ($1, $2) RETURNING *`, [key, 'new']]),
    write('INSERT of three', (key) => [
      `INSERT INTO ${changes} SELECT 1000000 + 3 * $1 + n, 'one of three' FROM generate_series(0, 2) n RETURNING note`,
      [key],
    ]),
    write('INSERT of nothing', (key) => [`INSERT INTO ${changes} SELECT $1, 'x' WHERE false`, [key]]),
    write('INSERT where there is a row', (key) => [
      `INSERT INTO ${seeded} VALUES ($1, 'x') ON CONFLICT DO NOTHING`,
      [key],
    ]),
    write('INSERT over a row', (key) => [
      `INSERT INTO ${seeded} VALUES ($1, 'over') ON CONFLICT (id) DO UPDATE SET note = excluded.note RETURNING id, note`,
      [key],
    ]),
    write('UPDATE', (key) => [`UPDATE ${seeded} SET note = $2 WHERE id = $1`, [key, 'changed']]),
    write('UPDATE RETURNING', (key) => [
      `UPDATE ${seeded} SET note = note || '!' WHERE id = $1 RETURNING *`,
      [key],
    ]),
    write('UPDATE of nothing', () => [`UPDATE ${seeded} SET note = 'x' WHERE id = $1 RETURNING *`, [-1]]),
    write('DELETE', (key) => [`DELETE FROM ${seeded} WHERE id = $1`, [key]]),
    write('DELETE RETURNING', (key) => [`DELETE FROM ${seeded} WHERE id = ${key} RETURNING note, id`]),
    write('DELETE of nothing', () => [`DELETE FROM ${seeded} WHERE id = $1`, [-1]]),
    write('a CTE that writes', (key) => [
      `WITH made AS (INSERT INTO ${changes} VALUES ($1, 'in a CTE') RETURNING id) SELECT id, 'made' AS what FROM made`,
      [key],
    ]),
    write('a named INSERT', (key) => [
      { name: 'make', text: `INSERT INTO ${changes} VALUES ($1, 'named') RETURNING id`, values: [key] },
    ]),
    {
      what: 'a transaction in one text',
      args: (key) => [`BEGIN; INSERT INTO ${changes} VALUES (${key}, 'tx') RETURNING id; COMMIT`],
      writes: false,
    },
    {
      what: 'a transaction rolled back in one text',
      args: (key) => [`BEGIN; INSERT INTO ${changes} VALUES (${key}, 'tx') RETURNING id; ROLLBACK`],
      writes: false,
    },
    {
      what: 'several INSERTs, the last wrong',
      args: (key) => [`INSERT INTO ${changes} VALUES (${key}, 'x'); INSERT INTO ${changes} VALUES (1 / 0)`],
      writes: false,
    },
  ]
}

function serverErrors(schema: string): Case[] {
  const strict = `${schema}.strict`
  const insert = `INSERT INTO ${strict} (id, name, age, other) VALUES ($1, $2, $3, $4)`
  const both = (what: string, text: string, values?: unknown[]): Case[] => [
    ask(what, text, ...(values === undefined ? [] : [values])),
    ask(`${what}, among values`, `SELECT $1::int AS n, (${text})`, [1]),
  ]
  return [
    ...[
      ask('23505', insert, [1, 'one', 1, 1]),
      ask('23505, RETURNING', `${insert} RETURNING *`, [1, 'one', 1, 1]),
      ask('23505, without values', `INSERT INTO ${strict} VALUES (1, 'one')`),
      ask('23502', insert, [2, null, 1, 1]),
      ask('23503', insert, [2, 'two', 1, -1]),
      ask('23514', insert, [2, 'two', -1, 1]),
      ask('23514 of a domain', `SELECT $1::${schema}.positive AS v`, [-1]),
      ask('22001', insert, [2, 'too long', 1, 1]),
      ask('42804 of a column', `INSERT INTO ${strict} (id, age) VALUES (2, true)`),
    ].map((refused) => ({ ...refused, writes: refused.what.startsWith('2') })),
    ask('22P02', 'SELECT $1::int AS n', ['abc']),
    ask('22P02 of an enum', `SELECT $1::${schema}.mood AS m`, ['sad']),
    ask('22P02 of json', 'SELECT $1::json AS j', ['{"a": nonsense}']),
    ask('22003', 'SELECT $1::int2 AS n', ['99999']),
    ask('22008', 'SELECT $1::date AS d', ['2024-02-30']),
    ask('22021', 'SELECT $1::text AS v', ['nul \0 inside']),
    ask('22P02 of a literal', "SELECT 'abc'::int AS n"),
    ...both('42P01', 'SELECT 1 FROM no_such_table'),
    ...both('42703', `SELECT nam FROM ${strict}`),
    ...both('22012', 'SELECT 1 / 0'),
    ...both('42883', "SELECT lenght('x')"),
    ...both('42883 of an operator', 'SELECT 1 + true'),
    ...both('42804', "SELECT CASE WHEN true THEN 1 ELSE '{}'::json END"),
    ...both('42803', `SELECT id FROM ${strict} HAVING true`),
    ...both('an error with every field', `SELECT ${schema}.fail('today')`),
    ...both('an error inside a function', `SELECT ${schema}.run('SELECT 1 + FROM nowhere')`),
    ask('42601', 'SELEC 1'),
    ask('42601 at the end', 'SELECT (1'),
    ask('42601 with values', 'SELECT $1::int AS n FROM', [1]),
    ask('42601 behind signs of several bytes', "SELECT 'äö👩' AS a, FROM"),
    ask('42P02', 'SELECT $1::int AS n'),
    ask('42P18', 'SELECT $2::int AS n', [1, 2]),
    ask('08P01, a value too many', 'SELECT $1::int AS n', [1, 2]),
    ask('08P01, a value too few', 'SELECT $1::int AS n, $2::int AS m', [1]),
    ask('08P01, a name and a value too many', { name: 'few', text: 'SELECT $1::int AS n', values: [1, 2] }),
    ask('25001', 'VACUUM; SELECT 1'),
    ask('3F000', 'CREATE TABLE no_such_schema.t ()'),
    ask('57014, COPY without a source', `COPY ${schema}.changes FROM STDIN`),
    ask('an error after many rows', 'SELECT 1 / (500 - n) AS v FROM generate_series(1, $1::int) n', [1_000]),
    ask('a text with a NUL', 'SELECT 1 \0 AS n'),
    ask('a text with a NUL, and values', 'SELECT $1::int \0 AS n', [1]),
  ]
}

function unsendable(): Case[] {
  const circular: Record<string, unknown> = {}
  circular.self = circular
  const shy = {
    toPostgres(): never {
      throw new Error('I would rather not')
    },
  }
  const text = 'SELECT $1::text AS v, $2::text AS w'
  return [
    ask('a value that throws', text, [1, shy]),
    ask('a value that throws in an array', text, [1, [shy]]),
    ask('a value that throws, in a named statement', { name: 'shy', text, values: ['a', shy] }),
    ask('a circular value', text, [1, circular]),
    ask('a bigint inside an object', text, [{ n: 1n }, 2]),
    ask('values that are a text', text, 'ab'),
    ask('values that are an object', { text, values: { 0: 'a', 1: 'b', length: 2 } }),
    ask('values that are a number', { text, values: 5 }),
    ask('values that are null', 'SELECT 1 AS n', null),
    ask('null', null),
    ask('undefined', undefined),
    ask('nothing but an object', {}),
    ask('a text that is null', { text: null }),
    ask('a text that is a number', { text: 5 }),
    ask('a text that is null, with values', { text: null, values: [1] }),
  ]
}

function range(count: number, item: (n: number) => string): string {
  return Array.from({ length: count }, (_, n) => item(n)).join(', ')
}
