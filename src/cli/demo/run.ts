/** The demo itself: a database, its data, and the two pools in turns. */
import { messageOf } from '../../base/errors.ts'
import { startPostgres } from '../../demo/embedded.ts'
import { defaultAgents } from '../../demo/workload/agents.ts'
import type { DataSet } from '../../demo/workload/load.ts'
import { dropWorkload, loadWorkload, resetWorkload } from '../../demo/workload/load.ts'
import type { WorkloadPool } from '../../demo/workload/port.ts'
import { runWorkload } from '../../demo/workload/run.ts'
import { Pool } from '../../postgres/pool.ts'
import { exitCodes, Refusal } from '../refusal.ts'
import type { SessionWatch } from '../sessions.ts'
import { openSessionWatch } from '../sessions.ts'
import type { Target } from '../target.ts'
import { readTarget, withoutName } from '../target.ts'
import type { Comparison, SideReport, Sides } from './compare.ts'
import { compare } from './compare.ts'
import { Meter } from './meter.ts'
import type { Show } from './show.ts'
import type { SideName } from './sides.ts'
import { openSide, sideNames } from './sides.ts'
import type { Moment } from './view.ts'

/** What the demo is asked to do. */
export interface DemoOptions {
  /** The measured time of each side. */
  seconds: number
  /** Decides the data and what the agents ask. */
  seed: number
  /** The size of each pool. */
  max: number
  /** 1 is some 290,000 rows. */
  scale: number
  /** Leaves the data in a database that is not ours. */
  keep: boolean
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

const order: readonly SideName[] = ['sluice', 'pg', 'pg', 'sluice']
const applicationNames: Readonly<Record<SideName, string>> = { sluice: 'sluice-demo', pg: 'sluice-demo-pg' }

/** Runs after the work, last added first, also after a failure. */
type Undo = (() => Promise<unknown>)[]

/**
 * Runs the demo and leaves nothing behind.
 *
 * @param given the user's database; without one an embedded Postgres is started
 * @param onTarget told where the work is done, before anything can fail there
 * @throws the reason of `signal`; what the database says
 */
export async function runDemo(
  given: Target | undefined,
  options: DemoOptions,
  { show, signal, onTarget }: { show: Show; signal: AbortSignal; onTarget: (target: Target) => void },
): Promise<DemoReport> {
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
    const data = await load(admin, options, given !== undefined, { undo, show, signal })
    const sessions = await openSessionWatch(url, 'sluice-demo-watch')
    undo.push(() => sessions.end())
    const sides = await takeTurns({ url, admin, sessions, options, show, signal })
    return {
      server: { version, embedded: given === undefined },
      run: {
        secondsPerSide: options.seconds,
        order,
        seed: options.seed,
        scale: options.scale,
        rows: rowsOf(data),
        agents: Object.values(defaultAgents).reduce((sum, count) => sum + count, 0),
        max: options.max,
      },
      sides,
      comparison: compare(sides),
    }
  } finally {
    show.finish()
    // What fails here hides nothing: each step ends something that may have ended before.
    for (const step of undo.reverse()) await step().catch(() => {})
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

interface Turns {
  url: string
  admin: WorkloadPool
  sessions: SessionWatch
  options: DemoOptions
  show: Show
  signal: AbortSignal
}

async function takeTurns(turns: Turns): Promise<Sides> {
  const { admin, options, sessions, show, signal } = turns
  const meters = { sluice: new Meter(), pg: new Meter() }
  await warmUp(turns)
  const seconds = (options.seconds * sideNames.length) / order.length
  for (const [index, name] of order.entries()) {
    await resetWorkload(admin)
    signal.throwIfAborted()
    // The second round asks other things than the first; both sides are asked the same in each.
    const round = order.slice(0, index).filter((earlier) => earlier === name).length
    await turn(name, meters[name], { ...turns, seconds, seed: options.seed + round }, (progress) =>
      show.tick({
        ...progress,
        order,
        index,
        secondsPerTurn: seconds,
        figures: { sluice: meters.sluice.figures(), pg: meters.pg.figures() },
      }),
    )
    signal.throwIfAborted()
  }
  const report = (name: SideName): SideReport => ({
    ...meters[name].figures(),
    connections: sessions.most(applicationNames[name]),
  })
  return { sluice: report('sluice'), pg: report('pg') }
}

/** Without it the first turn would pay for cold caches and for code not yet compiled. */
async function warmUp(turns: Turns): Promise<void> {
  const { options, show, signal } = turns
  show.warming()
  const seconds = Math.min(1, options.seconds / 5)
  for (const name of sideNames) {
    await turn(name, new Meter(), { ...turns, seconds, seed: options.seed - 1 }, () => {})
    signal.throwIfAborted()
  }
}

/** One pool, new and cold, for one round. */
async function turn(
  name: SideName,
  meter: Meter,
  { url, sessions, options, signal, seconds, seed }: Turns & { seconds: number; seed: number },
  onTick: (progress: Pick<Moment, 'elapsed' | 'recentPerSecond' | 'view'>) => void,
): Promise<void> {
  const applicationName = applicationNames[name]
  const side = openSide(name, { url, max: options.max, applicationName })
  const stop = sessions.watch(applicationName)
  try {
    meter.beginRound()
    const result = await runWorkload({
      pool: meter.pool(side.pool),
      query: meter.ask(side.ask),
      seconds,
      seed,
      signal,
      onTick: (snapshot) =>
        onTick({
          elapsed: snapshot.seconds,
          recentPerSecond: snapshot.recentPerSecond,
          view: side.view(),
        }),
    })
    meter.endRound(result)
  } finally {
    await stop()
    await side.end()
  }
}
