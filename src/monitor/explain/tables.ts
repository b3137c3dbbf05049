/** What the catalogue knows of the tables of a plan. */

/** A table. */
export interface Table {
  readonly schema: string
  readonly name: string
  /** The planner's idea of how many rows it has; `undefined` before the first ANALYZE or VACUUM. */
  readonly rows: number | undefined
  readonly bytes: number
  readonly columns: readonly string[]
  /** The columns that a usable index of the whole table leads with. */
  readonly leading: readonly string[]
}

type Ask = (text: string, values: readonly unknown[]) => Promise<{ rows: readonly unknown[] }>

const text = `
  SELECT n.nspname AS schema, c.relname AS name, nullif(c.reltuples, -1)::float8 AS rows,
    pg_catalog.pg_relation_size(c.oid)::float8 AS bytes,
    array(SELECT a.attname::text FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns,
    array(SELECT DISTINCT a.attname::text FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
      WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL) AS leading
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN unnest($1::text[], $2::text[]) AS wanted(schema, name)
    ON wanted.schema = n.nspname AND wanted.name = c.relname`

/** Looks the tables up; those that are gone by now are missing in the answer. */
export async function lookUp(ask: Ask, names: readonly { schema: string; name: string }[]): Promise<Table[]> {
  if (names.length === 0) return []
  const { rows } = await ask(text, [names.map(({ schema }) => schema), names.map(({ name }) => name)])
  return (rows as (Omit<Table, 'rows'> & { rows: number | null })[]).map((row) => ({
    schema: row.schema,
    name: row.name,
    rows: row.rows ?? undefined,
    bytes: row.bytes,
    columns: row.columns,
    leading: row.leading,
  }))
}
