/** Statements that each carry a tag of their own, so that an answer tells whose it is. */
import type { Random } from '../../src/demo/workload/random.ts'

/** The tables and functions, in a schema of their own. */
export function schemaOf(schema: string): string {
  return `
    CREATE SCHEMA ${schema};
    CREATE UNLOGGED TABLE ${schema}.tagged (tag int NOT NULL CHECK (tag > 0), note text);
    CREATE UNLOGGED TABLE ${schema}.lookup (id int PRIMARY KEY, note text);
    INSERT INTO ${schema}.lookup SELECT n, 'note ' || n FROM generate_series(0, 999) n;
    CREATE UNLOGGED TABLE ${schema}.altered (id int PRIMARY KEY, a text, b text);
    INSERT INTO ${schema}.altered SELECT n, 'a' || n, 'b' || n FROM generate_series(0, 99) n;
    CREATE FUNCTION ${schema}.remember(tag int) RETURNS int LANGUAGE sql VOLATILE AS
      $$ INSERT INTO ${schema}.tagged VALUES (tag, 'by a function') RETURNING tag $$;
    CREATE FUNCTION ${schema}.shout(tag int) RETURNS int LANGUAGE plpgsql AS
      $$ BEGIN RAISE NOTICE 'hear, hear: %', tag; RETURN tag; END $$;
  `
}

/** The part of a result that is looked at. */
export interface Seen {
  readonly command: string
  readonly rowCount: number | null
  readonly rows: readonly unknown[]
  readonly fields: readonly { readonly name: string }[]
}

/** What a statement of some kind is, and what its own answer looks like. */
export interface Kind {
  readonly share: number
  /** Text, or config, and values. */
  make(tag: number, random: Random): { readonly statement: string | object; readonly values?: unknown[] }
  /** Whether the result can only be that of this tag. Missing where only errors are right. */
  right?(result: Seen, tag: number): boolean
  /** Whether a server's error is that of this tag. Missing where there is none. */
  wrong?(error: { readonly code?: string; readonly message: string }, tag: number): boolean
  /** Leaves one row for its tag when it takes effect. */
  readonly writes?: boolean
  /** May run on a lane only where its caller says so. */
  readonly lane?: boolean
}

/** One row, the tag first. */
function one(result: Seen, ...row: unknown[]): boolean {
  return result.rows.length === 1 && sameRow(result, row)
}

function sameRow({ rows, fields }: Seen, row: readonly unknown[]): boolean {
  const [first] = rows
  const given = Array.isArray(first) ? first : Object.values(first as object)
  return fields[0]?.name === 'tag' && given.length === row.length && row.every((v, n) => given[n] === v)
}

function inserted(result: Seen): boolean {
  return result.command === 'INSERT' && result.rowCount === 1
}

/** All kinds, by name. */
export function kindsOf(schema: string): Readonly<Record<string, Kind>> {
  return { ...readsOf(schema), ...slow, ...failingOf(schema), ...writesOf(schema) }
}

function readsOf(schema: string): Record<string, Kind> {
  return {
    parameter: {
      share: 14,
      make: (tag) => ({ statement: 'SELECT $1::int AS tag', values: [tag] }),
      right: (result, tag) => one(result, tag),
    },
    'two parameters': {
      share: 8,
      make: (tag) => ({ statement: 'SELECT $1::int AS tag, $2::text AS note', values: [tag, `n${tag}`] }),
      right: (result, tag) => one(result, tag, `n${tag}`),
    },
    literal: {
      share: 8,
      make: (tag) => ({ statement: `SELECT ${tag} AS tag` }),
      right: (result, tag) => one(result, tag),
    },
    'literals of two types': {
      share: 4,
      make: (tag) => ({ statement: `SELECT ${tag} AS tag, 'it''s ${tag}' AS note, NULL AS nothing` }),
      right: (result, tag) => one(result, tag, `it's ${tag}`, null),
    },
    lookup: {
      share: 12,
      make: (tag) => ({
        statement: `SELECT $1::int AS tag, id, note FROM ${schema}.lookup WHERE id = $2`,
        values: [tag, tag % 1_000],
      }),
      right: (result, tag) => one(result, tag, tag % 1_000, `note ${tag % 1_000}`),
    },
    'many rows': {
      share: 4,
      make: (tag) => ({
        statement: 'SELECT $1::int AS tag, n FROM generate_series(1, $2::int) n',
        values: [tag, tag % 60],
      }),
      right: ({ rows }, tag) =>
        rows.length === tag % 60 &&
        rows.every((row, n) => (row as { tag: number }).tag === tag && (row as { n: number }).n === n + 1),
    },
    'no rows': {
      share: 3,
      make: (tag) => ({ statement: `SELECT $1::int AS tag, 1 AS t${tag % 50} WHERE false`, values: [tag] }),
      right: ({ rows, fields }, tag) => rows.length === 0 && fields[1]?.name === `t${tag % 50}`,
    },
    'a long value': {
      share: 1,
      make: (tag) => ({
        statement: "SELECT $1::int AS tag, repeat($1::text || ' ', 5000) AS v",
        values: [tag],
      }),
      right: (result, tag) => one(result, tag, `${tag} `.repeat(5_000)),
    },
    'rows as arrays': {
      share: 4,
      make: (tag) => ({
        statement: { text: 'SELECT $1::int AS tag, $1::int + 1 AS tag', rowMode: 'array' },
        values: [tag],
      }),
      right: (result, tag) => one(result, tag, tag + 1),
    },
    'a changing table': {
      share: 6,
      make: (tag) => ({
        statement: `SELECT $1::int AS tag, t.* FROM ${schema}.altered t WHERE id = $2`,
        values: [tag, tag % 100],
      }),
      right: ({ rows }, tag) => {
        const [row, another] = rows as Record<string, unknown>[]
        const n = tag % 100
        const own = row?.tag === tag && row.id === n && row.a === `a${n}` && row.b === `b${n}`
        return own && another === undefined && [undefined, 'c'].includes(row.c as undefined)
      },
    },
    'all of a changing table': {
      share: 1,
      make: (tag) => ({ statement: `SELECT ${tag} AS tag, * FROM ${schema}.altered ORDER BY id` }),
      right: ({ rows }, tag) =>
        rows.length === 100 &&
        rows.every((row, n) => (row as { tag: number }).tag === tag && (row as { id: number }).id === n),
    },
    // DISCARD ALL takes the statement from under its name, at pg too.
    named: {
      share: 3,
      make: (tag) => ({ statement: { name: 'tag', text: 'SELECT $1::int AS tag, 2 AS two', values: [tag] } }),
      right: (result, tag) => one(result, tag, 2),
      wrong: ({ code }) => code === '26000',
    },
    notice: {
      share: 2,
      make: (tag) => ({ statement: `SELECT ${schema}.shout($1) AS tag`, values: [tag] }),
      right: (result, tag) => one(result, tag),
    },
    'several statements': {
      share: 2,
      make: (tag) => ({ statement: `SELECT ${tag} AS tag; SELECT ${tag} AS tag, 2 AS second` }),
      right: (result, tag) => {
        const [first, second] = result as unknown as Seen[]
        return first !== undefined && second !== undefined && one(first, tag) && one(second, tag, 2)
      },
    },
  }
}

const slow: Record<string, Kind> = {
  slow: {
    share: 1.5,
    make: (tag) => ({ statement: 'SELECT $1::int AS tag FROM pg_sleep(0.01)', values: [tag] }),
    right: (result, tag) => one(result, tag),
  },
  'seldom slow': {
    share: 3,
    make: (tag, random) => ({
      statement: 'SELECT $1::int AS tag FROM pg_sleep($2)',
      values: [tag, random.chance(0.1) ? 0.03 : 0],
    }),
    right: (result, tag) => one(result, tag),
  },
}

function failingOf(schema: string): Record<string, Kind> {
  return {
    'no number': {
      share: 3,
      make: (tag) => ({ statement: "SELECT ('x' || $1)::int AS tag", values: [String(tag)] }),
      wrong: ({ code, message }, tag) => code === '22P02' && message.endsWith(`: "x${tag}"`),
    },
    'a literal that is no number': {
      share: 1,
      make: (tag) => ({ statement: `SELECT 'x${tag}'::int AS tag` }),
      wrong: ({ code, message }, tag) => code === '22P02' && message.endsWith(`: "x${tag}"`),
    },
    'no such column': {
      share: 1,
      make: (tag) => ({ statement: `SELECT c${tag}, $1::int AS tag`, values: [tag] }),
      wrong: ({ code, message }, tag) => code === '42703' && message === `column "c${tag}" does not exist`,
    },
    'an error after rows': {
      share: 1,
      make: (tag) => ({
        statement:
          "SELECT (CASE WHEN n < 30 THEN '1' ELSE 'x' || $1 END)::int AS tag FROM generate_series(1, 40) n",
        values: [String(tag)],
      }),
      wrong: ({ code, message }, tag) => code === '22P02' && message.endsWith(`: "x${tag}"`),
    },
    'a value that cannot be sent': {
      share: 1,
      make: (tag) => ({ statement: 'SELECT $1::int AS tag', values: [unsendable(tag)] }),
      wrong: ({ message }, tag) => message === `not ${tag}`,
    },
    'an INSERT that is refused': {
      share: 1,
      make: (tag) => ({
        statement: `INSERT INTO ${schema}.tagged VALUES (-$1::int, 'refused')`,
        values: [tag],
      }),
      wrong: (error, tag) =>
        error.code === '23514' &&
        (error as { detail?: string }).detail === `Failing row contains (-${tag}, refused).`,
    },
  }
}

function unsendable(tag: number): object {
  return {
    toPostgres(): never {
      throw new Error(`not ${tag}`)
    },
  }
}

function writesOf(schema: string): Record<string, Kind> {
  const into = `INSERT INTO ${schema}.tagged`
  return {
    insert: {
      share: 4,
      make: (tag) => ({ statement: `${into} VALUES ($1, 'plain')`, values: [tag] }),
      right: inserted,
      writes: true,
    },
    'insert of a literal': {
      share: 1,
      make: (tag) => ({ statement: `${into} VALUES (${tag}, 'literal')` }),
      right: inserted,
      writes: true,
    },
    'insert on a lane': {
      share: 5,
      make: (tag) => ({ statement: `${into} VALUES ($1, 'on a lane')`, values: [tag] }),
      right: inserted,
      writes: true,
      lane: true,
    },
    'insert on a lane, returning': {
      share: 4,
      make: (tag) => ({ statement: `${into} VALUES ($1, 'on a lane') RETURNING tag`, values: [tag] }),
      right: (result, tag) => inserted(result) && one(result, tag),
      writes: true,
      lane: true,
    },
    // Looks like a lookup: whoever sent it a second time would leave two rows.
    'a function that inserts': {
      share: 4,
      make: (tag) => ({ statement: `SELECT ${schema}.remember($1) AS tag`, values: [tag] }),
      right: (result, tag) => one(result, tag),
      writes: true,
    },
    'a transaction in one text': {
      share: 1,
      make: (tag) => ({ statement: `BEGIN; ${into} VALUES (${tag}, 'tx') RETURNING tag; COMMIT` }),
      right: (result, tag) => {
        const [, middle] = result as unknown as Seen[]
        return middle !== undefined && one(middle, tag)
      },
      writes: true,
    },
  }
}
