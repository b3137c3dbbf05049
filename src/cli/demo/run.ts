/** The demo itself: a database, its data, and the two pools in turns. */
import { messageOf } from '../../base/errors.ts'
import { startPostgres } from '../../demo/embedded.ts'
import { defaultAgents } from '../../demo/workload/agents.ts'
import type { DataSet } from '../../demo/workload/load.ts'
import { dropWorkload, loadWorkload } from '../../demo/workload/load.ts'
import type { WorkloadPool } from '../../demo/workload/port.ts'
import { Pool } from '../../postgres/pool.ts'
import { exitCodes, Refusal } from '../refusal.ts'
import { openSessionWatch } from '../sessions.ts'
import type { Target } from '../target.ts'
import { readTarget, withoutName } from '../target.ts'
import type { Comparison, Sides } from './compare.ts'
import { compare } from './compare.ts'
import type { OpenDashboard } from './dashboard.ts'
import { openDashboard } from './dashboard.ts'
import { serve } from './serve.ts'
import type { Show } from './show.ts'
import type { SideName } from './sides.ts'
import type { TurnOptions } from './turns.ts'
import { applicationNames, order, takeTurns } from './turns.ts'

/** What the demo is asked to do. */
export interface DemoOptions extends TurnOptions {
  /** 1 is some 290,000 rows. */
  scale: number
  /** Leaves the data in a database that is not ours. */
  keep: boolean
  /** Opens the dashboard, on this port or on one that is free; undefined without one. */
  dashboard: { readonly port: number | undefined } | undefined
  /** Keeps the dashboard up after the comparison, with work to see, until it is interrupted. */
  serve: boolean
}

/** What the demo ran on and what it measured. */
export interface DemoReport {
  readonly server: { readonly version: string; readonly embedded: boolean }
  readonly run: {
    readonly secondsPerSide: number
    /** Who ran when: the second half mirrors the first, so that whatever drifts with time favours nobody. */
    readonly order: readonly SideName[]
    readonly seed: number
    readonly scale: number
    readonly rows: number
    readonly agents: number
    readonly max: number
  }
  readonly sides: Sides
  readonly comparison: readonly Comparison[]
}

/** Who hears of the demo's steps. */
export interface DemoListener {
  readonly show: Show
  readonly signal: AbortSignal
  /** Told where the work is done, before anything can fail there. */
  onTarget(target: Target): void
  /** Told where the dashboard is, once it is there. */
  onDashboard(url: string): void
  /** Told what was measured, before anything goes on that is only to look at. */
  onReport(report: DemoReport): void
}

/** Runs after the work, last added first, also after a failure. */
type Undo = (() => Promise<unknown>)[]

/**
 * Runs the demo and leaves nothing behind.
 *
 * @param given the user's database; without one an embedded Postgres is started
 * @throws the reason of `signal`; what the database says
 */
export async function runDemo(
  given: Target | undefined,
  options: DemoOptions,
  { show, signal, onTarget, onDashboard, onReport }: DemoListener,
): Promise<void> {
  const undo: Undo = []
  try {
    const target = given ?? (await embedded(options, undo, show))
    onTarget(target)
    signal.throwIfAborted()
    const url = withoutName(target.url)
    const admin = new Pool({
      connectionString: url,
      max: 1,
      applicationName: 'sluice-demo-admin',
      endTimeoutMillis: 500,
    })
    undo.push(() => admin.end())
    const version = await serverVersion(admin)
    show.server(version, given)
    const opened = await open(url, options, undo)
    if (opened !== undefined) onDashboard(opened.url)
    const data = await load(admin, options, given !== undefined, { undo, show, signal })
    const sessions = await openSessionWatch(url, 'sluice-demo-watch')
    undo.push(() => sessions.end())
    const sides = await takeTurns({ url, admin, sessions, options, shown: opened?.pools, show, signal })
    onReport(reportOf({ version, embedded: given === undefined }, options, data, sides))
    if (!options.serve || opened === undefined) return
    show.serving(opened.url)
    const { max, seed } = options
    await serve(admin, opened.pools, { url, max, seed, applicationName: applicationNames.sluice }, signal)
  } finally {
    show.finish()
    // What fails here hides nothing: each step ends something that may have ended before.
    for (const step of undo.reverse()) await step().catch(() => {})
  }
}

async function open(
  url: string,
  { dashboard, max }: DemoOptions,
  undo: Undo,
): Promise<OpenDashboard | undefined> {
  if (dashboard === undefined) return undefined
  const opened = await openDashboard(dashboard.port, {
    url,
    max,
    applicationName: applicationNames.sluice,
  })
  undo.push(() => opened.close())
  return opened
}

function reportOf(
  server: DemoReport['server'],
  { seconds, seed, scale, max }: DemoOptions,
  data: DataSet,
  sides: Sides,
): DemoReport {
  const agents = Object.values(defaultAgents).reduce((sum, count) => sum + count, 0)
  return {
    server,
    run: { secondsPerSide: seconds, order, seed, scale, rows: rowsOf(data), agents, max },
    sides,
    comparison: compare(sides),
  }
}

async function embedded({ max }: DemoOptions, undo: Undo, show: Show): Promise<Target> {
  show.starting()
  const settings = { max_connections: Math.max(100, max + 20) }
  const server = await startPostgres({ settings }).catch((error: unknown) => {
    // It says itself what is missing and what to do.
    throw new Refusal(messageOf(error), exitCodes.failed)
  })
  undo.push(() => server.stop())
  return readTarget(server.url, 'The URL of the embedded Postgres')
}

async function serverVersion(pool: WorkloadPool): Promise<string> {
  const { rows } = await pool.query(`SELECT current_setting('server_version') AS version`)
  return String(rows[0]?.version)
}

async function load(
  admin: WorkloadPool,
  { seed, scale, keep }: DemoOptions,
  foreign: boolean,
  { undo, show, signal }: { undo: Undo; show: Show; signal: AbortSignal },
): Promise<DataSet> {
  const began = performance.now()
  const data = await loadWorkload(admin, {
    seed,
    scale,
    onProgress: (done, total, label) => {
      signal.throwIfAborted()
      show.loading(done, total, label)
    },
  })
  if (foreign && data.fresh && !keep) {
    const left = 'The schema sluice_demo could not be removed: DROP SCHEMA sluice_demo CASCADE does it.'
    undo.push(() => dropWorkload(admin).catch(() => show.warn(left)))
  }
  show.loaded(rowsOf(data), data.fresh ? performance.now() - began : undefined)
  signal.throwIfAborted()
  return data
}

function rowsOf({ size }: DataSet): number {
  return size.documents + size.chunks + size.memory + size.events
}
