/** One build of Sluice by itself, with nothing attached: `node monitor-cell.mjs DIST URL` writes what {@link lookups} takes. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { lookups } from './lookups.mjs'

const [, , dist = '', connectionString = ''] = process.argv
const { Pool } = await import(pathToFileURL(join(dist, 'index.js')).href)
const pool = new Pool({ connectionString, max: 10 }).on('error', () => {})
await lookups(pool, 1_000)
console.log(JSON.stringify(await lookups(pool, 1_500)))
await pool.end()
