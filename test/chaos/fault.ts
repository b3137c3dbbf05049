/** One load, one fault in its middle, one row: what most scenarios are. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../src/demo/workload/random.ts'
import { randomOf } from '../../src/demo/workload/random.ts'
import type { OwnServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'
import { Ledger } from './ledger.ts'
import type { Load, LoadOptions } from './load.ts'
import { startLoad } from './load.ts'
import type { Row, Run } from './scenario.ts'
import type { Sessions } from './sessions.ts'
import { watchSessions } from './sessions.ts'
import type { Subject, SubjectOptions } from './subject.ts'
import { subjectOf } from './subject.ts'

/** The name of the pool's sessions. */
export const NAME = 'chaos-pool'
/** The role that the pool works as: no superuser, so that limits hold for it. */
export const ROLE = 'chaos'
export const PASSWORD = 'first-password'

/** Where a scenario takes place. */
export interface World {
  readonly server: OwnServer
  /** The connection string of the pool's role. */
  readonly url: string
  readonly random: Random
  /** Where the pool's next connection leads. */
  target: { readonly host: string; readonly port: number }
  /** The servers whose rows count. */
  readonly writesAt: OwnServer[]
}

export interface FaultOptions {
  readonly settings?: Readonly<Record<string, string | number>>
  /** `none`: the scenario brings its own, and lasts as long as that. */
  readonly load?: LoadOptions | 'none'
  readonly pool?: (world: World) => Partial<SubjectOptions>
  /** How long the load stays after the fault; default as long as a third of the run, and 3 s at least. */
  readonly tailMillis?: number
  /** Frees what the pool may still wait for, before it is asked to end a last time. */
  readonly leaving?: () => Promise<void>
}

const WRITTEN = 'SELECT tag FROM chaos_writes'

/** What a fault may do. */
export interface Stage {
  readonly world: World
  readonly subject: Subject
  readonly ledger: Ledger
  /** How long the fault should last. */
  readonly millis: number
  /** Notes a number that only this scenario measures. */
  note(name: string, value: number | string): void
  /** The fault ends now; without this it ends when the scenario does. */
  ends(): void
}

/** Starts a server with the role and the table that loads need. */
async function startWorld(
  { seed }: Run,
  settings: Readonly<Record<string, string | number>> = {},
): Promise<World> {
  const server = await startServer(settings)
  await prepare(server)
  const url = new URL(server.url)
  url.username = ROLE
  url.password = PASSWORD
  return {
    server,
    url: url.href,
    random: randomOf('fault', seed),
    target: { host: server.host, port: server.port },
    writesAt: [server],
  }
}

/** Gives a server the role and the table. */
export async function prepare(server: OwnServer): Promise<void> {
  await server.admin(`CREATE ROLE ${ROLE} LOGIN PASSWORD '${PASSWORD}'`)
  await server.admin('CREATE TABLE chaos_writes (tag text NOT NULL)')
  await server.admin(`GRANT SELECT, INSERT ON chaos_writes TO ${ROLE}`)
}

/** The load runs for a while, then `act` does harm, then the load has time to recover. */
export async function underFault(
  run: Run,
  fault: string,
  act: (stage: Stage) => Promise<void>,
  options: FaultOptions = {},
): Promise<Row> {
  const world = await startWorld(run, options.settings)
  const watch = watchSessions(world.server.url, NAME)
  const subject = subjectOf({
    kind: run.pool,
    url: world.url,
    name: NAME,
    target: () => world.target,
    ...options.pool?.(world),
  })
  const ledger = new Ledger()
  try {
    const { load: asked = {} } = options
    const load = asked === 'none' ? undefined : startLoad(subject, ledger, run.seed, asked)
    if (load !== undefined) await warm(run, fault, ledger)
    const begun = performance.now()
    const notes: Record<string, number | string> = {}
    let ended = false
    const ends = (): void => {
      if (!ended) ledger.faultEnds()
      ended = true
    }
    const note = (name: string, value: number | string): void => {
      notes[name] = value
    }
    await act({ world, subject, ledger, millis: run.seconds * 400, note, ends })
    ends()
    if (load !== undefined) await sleep(options.tailMillis ?? Math.max(3_000, run.seconds * 350))
    return await settle({ run, fault, world, watch, subject, ledger, load, begun, notes })
  } finally {
    await leave(subject, watch, world, options.leaving)
  }
}

async function warm({ seconds }: Run, fault: string, ledger: Ledger): Promise<void> {
  await sleep(seconds * 200 + 500)
  if (ledger.answered === 0) throw new Error(`${fault}: nothing was answered before the fault`)
}

interface Running {
  readonly run: Run
  readonly fault: string
  readonly world: World
  readonly watch: Sessions
  readonly subject: Subject
  readonly ledger: Ledger
  readonly load: Load | undefined
  readonly begun: number
  readonly notes: Readonly<Record<string, number | string>>
}

async function settle(running: Running): Promise<Row> {
  const { run, fault, world, watch, subject, ledger, load, begun, notes } = running
  // A load that ends by itself ends with its last answer.
  const longestGapMillis = ledger.longestGap(load === undefined ? undefined : performance.now())
  const stuck = (await load?.stop(8_000)) ?? ledger.open
  const written = await Promise.all(world.writesAt.map((server) => server.admin<{ tag: string }>(WRITTEN)))
  const wrong = ledger.contradictions(written.flat().map(({ tag }) => tag))
  return {
    fault,
    pool: run.pool,
    answered: ledger.answered,
    lost: { ...ledger.lost },
    cancelled: ledger.cancelled,
    stuck,
    unknown: ledger.unknown,
    wrong,
    longestGapMillis,
    recoveryMillis: ledger.recoveryMillis,
    lastFailureMillis: ledger.lastFailureMillis,
    sessions: watch.most,
    connectsPerSecond: mostPerSecond(connectsSince(subject, begun)),
    notes,
  }
}

/** A pool that does not end by itself ends with its server. */
async function leave(
  subject: Subject,
  watch: Sessions,
  world: World,
  free: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const ended = subject.end().catch(() => undefined)
  await Promise.race([ended, sleep(3_000, undefined, { ref: false })])
  await free()
  await watch.stop()
  await world.server.stop()
}

/** When the pool has tried to open a connection. */
export function connectsSince({ sockets }: Subject, from: number): number[] {
  return sockets.filter(({ at, cancel }) => at >= from && !cancel).map(({ at }) => at)
}

/** The most of these moments that lie within one second. */
function mostPerSecond(times: readonly number[]): number {
  let most = 0
  let from = 0
  for (let to = 0; to < times.length; to++) {
    while ((times[from] ?? 0) <= (times[to] ?? 0) - 1_000) from += 1
    most = Math.max(most, to - from + 1)
  }
  return most
}
