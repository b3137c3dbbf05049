// Writes docs/configuration.md from what the code says: the JSDoc of the options, and the tables of profiles, environments
// and variables. Usage, after a build: node scripts/make-configuration.mjs

import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** @typedef {{ name: string, type: string, text: string }} Option */
/** @typedef {Readonly<Record<string, unknown>>} Row */
/** @typedef {{ name: string, option: string, unit: string, fallback?: string }} Variable */
/**
 * @typedef {{
 *   profiles: Record<string, { suits: string, endpoints: readonly string[], options: object }>,
 *   environments: Record<string, object>,
 *   traffic: Record<string, object>,
 *   address: readonly Variable[],
 *   families: readonly (readonly Variable[])[],
 *   parameters: readonly Variable[],
 * }} Tables
 */

const FIELD = /^ {2}\/\*\*([\s\S]*?)\*\/\n {2}(\w+)\?: ([^\n]+)$/gm

/**
 * The options that an interface declares, each with its JSDoc.
 * @param {string} source
 * @param {string} name
 * @returns {Option[]}
 */
export function optionsOf(source, name) {
  const start = source.search(new RegExp(`^export interface ${name}\\b`, 'm'))
  if (start < 0) throw new Error(`there is no interface ${name}`)
  const body = source.slice(start, source.indexOf('\n}\n', start))
  return [...body.matchAll(FIELD)].map(([, doc = '', option = '', type = '']) => ({
    name: option,
    type: type.replace(/ \| undefined$/, ''),
    text: doc
      .replace(/^\s*\*? ?/gm, '')
      .replace(/\{@link (\w+)\}/g, '`$1`')
      .replace(/\s+/g, ' ')
      .trim(),
  }))
}

/** @param {string} text */
const cell = (text) => text.replaceAll('|', '\\|')

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
function table(head, rows) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** @param {unknown} value */
function shown(value) {
  if (value === undefined) return '–'
  return typeof value === 'number' ? value.toLocaleString('en-US') : JSON.stringify(value)
}

/** A table with a column a name, and a row for each option that any of them has. @param {Record<string, Row>} columns */
function columnsOf(columns) {
  const names = Object.keys(columns)
  const options = [...new Set(names.flatMap((name) => Object.keys(columns[name] ?? {})))]
  return table(
    ['', ...names],
    options.map((option) => [`\`${option}\``, ...names.map((name) => shown(columns[name]?.[option]))]),
  )
}

/** @param {readonly Variable[]} variables */
function variablesOf(variables) {
  return variables.map(({ name, option, unit, fallback }) => [
    `\`${name}\``,
    `\`${option}\``,
    unit,
    fallback === undefined ? '–' : fallback,
  ])
}

/** The rows of the option table: those of the pool, and those of the engine that it passes on. @param {string} config @param {string} engine */
function optionRows(config, engine) {
  const own = optionsOf(config, 'PoolConfig')
  const hidden = new Set([...own.map(({ name }) => name), 'limitedShare', 'sharedDepth'])
  const passedOn = optionsOf(engine, 'PoolOptions').filter(({ name }) => !hidden.has(name))
  return [...passedOn, ...own]
    .sort((a, b) => a.name.localeCompare(b.name, 'en'))
    .map(({ name, type, text }) => [`\`${name}\``, `\`${type}\``, text])
}

const INTRODUCTION = `# Configuration

<!-- Written by scripts/make-configuration.mjs: change the JSDoc or the tables in src/, then run it again. -->

Every option of \`new Pool({ … })\`, what profiles and environments set, and what can be said by variables. Times are in
milliseconds, unless a name or a unit says otherwise. An option that is misspelt or out of its range is refused at
construction, in a sentence that names it, its value and its range.

## Common cases

A service that runs for days, on one server:

\`\`\`ts
new Pool({ connectionString: process.env.DATABASE_URL, profile: 'persistent' })
\`\`\`

The same, configured by its environment alone; \`npx sluice config\` prints what comes of it:

\`\`\`ts
import { Pool, poolConfigFromEnv } from 'sluice'

const pool = new Pool(poolConfigFromEnv())
\`\`\`

A serverless function, which takes its sizes and times from the profile and not from the table of its environment:
\`SLUICE_PROFILE=serverless SLUICE_ENVIRONMENT=none\` with the line above, or

\`\`\`ts
new Pool(poolConfigFromEnv(process.env, { profile: 'serverless', environment: 'none' }))
\`\`\`

A profile alone is not enough where \`NODE_ENV=production\` is set, as platforms for functions do: the table of the environment wins
over it (\`max\` 50), and \`sluice config\` says so.

Through a pooler, with a direct way around it for \`listen()\`; \`DATABASE_POOL_URL\` and \`DATABASE_URL\` say the same:

\`\`\`ts
new Pool({ connectionString: 'postgres://app@pooler:6432/app', endpoint: 'transaction', directConnectionString: 'postgres://app@db:5432/app' })
\`\`\`

Sizes by traffic, and one value that code overrules:

\`\`\`ts
new Pool(poolConfigFromEnv(process.env, { traffic: 'medium', max: 12 }))
\`\`\`

Every statement on the terminal while developing, without its values:

\`\`\`ts
new Pool({ echo: (line) => console.log(line) }) // or DB_ECHO=true
\`\`\`

## Which value wins

An option in code, else a parameter of the connection string, else the connection string, else a single variable, else the
variables of pg (\`PG…\`), else the
traffic preset, else the environment table, else the profile, else the looks of the address and the defaults of variables, else
the default. \`explainConfig()\` and \`sluice config\` name the winner and the losers of each option; passwords are in neither.

That order is \`poolConfigFromEnv()\`'s. \`new Pool()\` itself reads none of the variables below, and knows options, the profile and the
defaults; but pg reads \`PGHOST\`, \`PGPORT\`, \`PGUSER\`, \`PGPASSWORD\` and \`PGDATABASE\` for what neither options nor string say. A
\`connectionString\` that is given to it goes to pg as it is, which ignores the parameters below but for \`sslmode\`,
\`application_name\` and its own; Sluice takes \`pgbouncer=true\` out of it.
`

/** @param {Tables} tables */
function profilesPart({ profiles }) {
  const names = Object.keys(profiles)
  const head = table(
    ['profile', 'for', 'made for endpoints'],
    names.map((name) => [
      `\`${name}\``,
      profiles[name]?.suits ?? '',
      profiles[name]?.endpoints.join(', ') ?? '',
    ]),
  )
  const options = Object.fromEntries(
    names.map((name) => [name, /** @type {Row} */ (profiles[name]?.options)]),
  )
  return `## Profiles

\`new Pool({ profile: 'serverless' })\`, \`SLUICE_PROFILE=serverless\`. A dash is pg-pool's default; every value gives way to an option.

${head}

${columnsOf(options)}

Lanes (\`pipelining\`), prepared statements and binary results are on only where the endpoint carries them;
\`high-performance\` shares connections also beside a listener on \`acquire\`. \`serverless\` and \`edge\`
open nothing before they are asked, and nothing of them keeps a process alive while connections are idle. A process of any
profile that was frozen for a second or longer asks each idle connection whether it still answers before it lends it, and so does
one whose machine was suspended.
`
}

/** @param {Tables} tables */
function environmentsPart({ environments, traffic }) {
  return `## Environments

\`SLUICE_ENVIRONMENT\` names the row: \`production\`, \`staging\`, \`development\`, or \`none\`, which leaves the table out. Without it
\`NODE_ENV\` does, where anything but \`production\` and \`staging\` is \`development\`. In code: \`poolConfigFromEnv(env, { environment })\`.

${columnsOf(/** @type {Record<string, Row>} */ (environments))}

\`production\` and \`staging\` have no default for host, database, user and password: what is missing is one error that names all of it.
\`development\` has host localhost, port 5432, user postgres, an empty password (\`DB_PASSWORD=\` says that elsewhere), and the name of
the npm package, else of the folder, for the database. A table's \`min\` is never above a \`max\` that somebody else has said.

### Traffic

\`POOL_TRAFFIC=medium\`, or \`poolConfigFromEnv(env, { traffic: 'medium' })\`: \`small\` is below 100 requests a minute, \`medium\` 100 to
1,000, \`large\` above.

${columnsOf(/** @type {Record<string, Row>} */ (traffic))}
`
}

/** @param {Tables} tables */
function variablesPart({ address, families, parameters }) {
  const head = ['variable', 'option', 'what it is', 'default in its family']
  const variables = [address, ...families].flatMap(variablesOf)
  return `## Variables

${table(head, variables)}

An empty variable is not set. Upper and lower case are the same in the words of variables. A variable that begins with \`DB_POOL\`,
\`POOL_\` or \`SLUICE_\` and is one of these but for its spelling is refused, and so is such a parameter of the string. Numbers are plain
decimals. Seconds may have a fraction; they become milliseconds. Where one variable of a family (\`DB_POOL_…\`,
\`DB_MAX_OVERFLOW\` and \`DB_ECHO\`; \`POOL_…\`) is set, the others mean their default where neither tables nor profile say anything.
\`DB_POOL_PRE_PING=true\` checks connections that were idle for 30,000 ms. \`POOL_MODE=statement\` is \`transaction\` without
\`transaction()\` and \`batch()\`. Elsewhere \`POOL_MODE\` is customarily \`transaction\` where it is not set; here it has no
default, and the endpoint is found out by asking: a wrong guess would cost a direct server its lanes, prepared statements and
\`LISTEN\`.

\`DATABASE_URL\` is a whole connection string, with one host and everything in it once; what it leaves open, \`DB_…\` fills in, and what that leaves open \`PGHOST\`,
\`PGPORT\`, \`PGUSER\`, \`PGPASSWORD\` and \`PGDATABASE\`. Beside a \`DATABASE_POOL_URL\` it is the direct way:
the pool uses the pooled one, and \`listen()\` the direct one. Supabase's addresses tell what they lead to: port 6543 is transaction
mode, 5432 a session on pooler hosts and direct on \`db.…\` hosts.

## Parameters of the connection string

${table(
  ['parameter', 'option', 'what it is'],
  variablesOf(parameters).map((row) => row.slice(0, 3)),
)}
`
}

/**
 * The whole page.
 * @param {{ config: string, engine: string }} sources of PoolConfig and of PoolOptions
 * @param {Tables} tables
 */
export function makeConfiguration({ config, engine }, tables) {
  return [
    INTRODUCTION,
    profilesPart(tables),
    environmentsPart(tables),
    variablesPart(tables),
    `## Options\n\nAll of pg's client options are taken too, and mean what they mean there.\n\n${table(['option', 'type', ''], optionRows(config, engine))}\n`,
  ].join('\n')
}

/** @param {string} path from the root of the project */
const at = (path) => new URL(`../${path}`, import.meta.url)

/** What the page is made of, as it stands in the project. */
export const sources = () => ({
  config: readFileSync(at('src/postgres/config.ts'), 'utf8'),
  engine: readFileSync(at('src/core/options.ts'), 'utf8'),
})

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [{ PROFILES }, { ENVIRONMENTS }, { ADDRESS, FAMILIES, PARAMETERS }, { PRESETS }] = await Promise.all(
    ['profiles/profiles', 'profiles/environments', 'profiles/variables', 'sizing/presets'].map(
      (name) => import(at(`dist/${name}.js`).href),
    ),
  )
  const tables = {
    profiles: PROFILES,
    environments: ENVIRONMENTS,
    traffic: PRESETS,
    address: ADDRESS,
    families: FAMILIES,
    parameters: PARAMETERS,
  }
  const page = fileURLToPath(at('docs/configuration.md'))
  writeFileSync(page, makeConfiguration(sources(), tables))
}
