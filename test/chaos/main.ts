/**
 * `npm run chaos`: every fault against Sluice and against pg.Pool, and one table at the end.
 *
 * Each line is one run: a server of its own, the same seeded load (200 callers unless the fault wants fewer; both pools have
 * 10 connections and wait at most 5 s for one), the fault in the middle, then time to recover. The columns:
 *
 * - answered: statements that succeeded (a lease or a transaction of several counts once).
 * - lost: statements that failed, by SQLSTATE, code or text. What their callers gave up (5 %) is not lost.
 * - may have taken effect: writes that failed or were given up without word of whether they took place. Afterwards the
 *   table is read: an acknowledged write that is missing, a write that is there twice, or one that is there though it was
 *   said not to be, is shown as WRONG, and the exit code is then 1 where it is Sluice's.
 * - never answered: statements that were still under way 8 s after the load.
 * - longest gap: the longest time without any answer.
 * - recovery: from the end of the fault to the first answer, and to the last failure.
 * - sessions: the most that the server counted (pg_stat_activity, every 20 ms).
 * - connects/s: the most tries to open a connection within a second, from the fault's begin on.
 *
 * Flags: `--seed N` (default 1), `--seconds N` (load of a run, default 8), `--only NAME` (a scenario, or its begin),
 * `--pool sluice|pg`, `--json FILE`. Progress goes to stderr, the table to stdout.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { NotRun, PoolKind, Row } from './scenario.ts'
import { isRow } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'
import { table } from './table.ts'

const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '8' },
    only: { type: 'string', default: '' },
    pool: { type: 'string', default: '' },
    json: { type: 'string' },
  },
})
const [seed, seconds] = [Number(flags.seed), Number(flags.seconds)]
if (!Number.isInteger(seed) || !(seconds >= 1)) {
  throw new Error(
    `--seed takes a whole number and --seconds 1 or more; given ${flags.seed} and ${flags.seconds}`,
  )
}
const names = Object.keys(SCENARIOS).filter((name) => name.startsWith(flags.only))
const pools = (['sluice', 'pg'] as const).filter((pool) => pool.startsWith(flags.pool))
if (names.length === 0 || pools.length === 0) {
  throw new Error(
    `no such scenario or pool; scenarios are ${Object.keys(SCENARIOS).join(', ')}, pools sluice and pg`,
  )
}

const rows: (Row | NotRun)[] = []
let broken = 0
for (const name of names) for (const pool of pools) await once(name, pool)
console.log(table(rows))
if (flags.json !== undefined) writeFileSync(flags.json, JSON.stringify({ seed, seconds, rows }, undefined, 2))
const wrong = rows.some((row) => isRow(row) && row.pool === 'sluice' && row.wrong.length > 0)
// What pg.Pool left behind (sockets to servers that are gone, timers) must not keep the process.
process.exit(wrong || broken > 0 ? 1 : 0)

async function once(name: string, pool: PoolKind): Promise<void> {
  const from = performance.now()
  try {
    const row = await (SCENARIOS[name] as (typeof SCENARIOS)[string])({ pool, seed, seconds })
    rows.push(row)
    console.error(`${name} ${pool}: ${((performance.now() - from) / 1_000).toFixed(1)} s`)
  } catch (error) {
    broken += 1
    console.error(`${name} ${pool}: could not be run:`, error)
  }
}
