/** The tune itself: a database, what to ask of it, and the sweep over sizes. */

import { messageOf } from '../../base/errors.ts'
import { Histogram } from '../../base/histogram.ts'
import { startPostgres } from '../../demo/embedded.ts'
import { loadWorkload } from '../../demo/workload/load.ts'
import { randomOf } from '../../demo/workload/random.ts'
import { Pool } from '../../postgres/pool.ts'
import { probe } from '../check/probe.ts'
import { unlessAborted } from '../interrupt.ts'
import { exitCodes, Refusal } from '../refusal.ts'
import type { Target } from '../target.ts'
import { readTarget, withoutName } from '../target.ts'
import type { Cell } from './cell.ts'
import { measure, questions } from './cell.ts'
import type { Plan, Room, Timing } from './plan.ts'
import { callersFor, planFor, roomFor } from './plan.ts'
import type { Advice, Latencies, SizeRow } from './report.ts'
import { adviceFrom, rowsOf } from './report.ts'
import type { Progress, SweepParts, Swept, SweptSoFar } from './sweep.ts'
import { Sweep } from './sweep.ts'
import { refusalOf, tryOut } from './trial.ts'
import type { Workload } from './workload.ts'
import { builtIn, fromServer } from './workload.ts'

/** What a tune is asked to do. */
export interface TuneOptions {
  /** All of it, from the first connection on. */
  readonly seconds: number
  /** The part of the free connections that may be used, above 0, to 1. */
  readonly share: number
  /** The largest size to try. */
  readonly max: number
  readonly seed: number
  readonly lanes: boolean
  /** `undefined`: by the size. */
  readonly callers: number | undefined
  /** `undefined`: what the server remembers, or the sample data on an embedded one. */
  readonly workload: Workload | undefined
}

/** What a tune ran on. */
interface Ran {
  readonly server: { readonly version: string; readonly embedded: boolean } & Room
  readonly workload: {
    readonly label: string
    readonly leftOut: string | undefined
    /** One statement at a time, over one connection. Milliseconds. */
    readonly statementMillis: number
    readonly lanes: boolean
    /** Statements of several callers did share connections. */
    readonly shared: boolean
    readonly callers: { readonly least: number; readonly most: number }
  }
  readonly run: {
    readonly seconds: number
    readonly seed: number
    readonly windowMillis: number
    readonly rounds: number
    /** Sizes that there was no time for. */
    readonly leftOut: number
  }
}

/** What a tune found. */
export interface TuneReport extends Ran, Advice {
  readonly interrupted: false
}

/** What a tune had measured when it was ended early: no ground for a recommendation. */
export interface CutTune extends Ran {
  readonly interrupted: true
  readonly sizes: readonly SizeRow[]
}

/** Told of every step. */
export interface TuneShow {
  starting(): void
  server(version: string, given: Target | undefined, room: Room): void
  workload(workload: Workload, statementMillis: number): void
  progress(progress: Progress): void
  finish(): void
}

interface Surroundings {
  readonly show: TuneShow
  readonly signal: AbortSignal
  /** Told where the work is done, before anything can fail there. */
  onTarget(target: Target): void
}

type Undo = (() => Promise<unknown>)[]

/**
 * Runs a tune and leaves nothing behind: its sessions are ended, and what they ran is cancelled.
 *
 * @param given the user's database; without one an embedded Postgres is started
 * @throws Refusal; the reason of `signal` before two rounds are over; what the database says
 */
export async function runTune(
  given: Target | undefined,
  options: TuneOptions,
  surroundings: Surroundings,
): Promise<TuneReport | CutTune> {
  const undo: Undo = []
  const time = new TimeLimit(options.seconds * 1_000, surroundings.signal)
  try {
    return await tune(given, options, surroundings, { undo, time })
  } finally {
    time.end()
    surroundings.show.finish()
    // What fails here hides nothing: each step ends something that may have ended before.
    for (const step of undo.reverse()) await step().catch(() => {})
  }
}

/** The end of the time that a tune has, and whoever ends it before. */
class TimeLimit {
  readonly deadline: number
  readonly #over = new AbortController()
  readonly #signal: AbortSignal
  readonly #timer: NodeJS.Timeout

  constructor(millis: number, signal: AbortSignal) {
    this.deadline = performance.now() + millis
    const late = new Refusal(
      `The ${millis / 1_000} s of --seconds were over before the measuring had begun: give more, or shorter statements.`,
      exitCodes.failed,
    )
    this.#timer = setTimeout(() => this.#over.abort(late), millis)
    this.#signal = AbortSignal.any([signal, this.#over.signal])
  }

  /** `work`, unless time is over or somebody ends it before. */
  within<R>(work: Promise<R>): Promise<R> {
    return unlessAborted(this.#signal, work)
  }

  /** True once time itself is over. */
  get isOver(): boolean {
    return this.#over.signal.aborted
  }

  get left(): number {
    return this.deadline - performance.now()
  }

  end(): void {
    clearTimeout(this.#timer)
  }
}

async function tune(
  given: Target | undefined,
  options: TuneOptions,
  { show, signal, onTarget }: Surroundings,
  { undo, time }: { undo: Undo; time: TimeLimit },
): Promise<TuneReport | CutTune> {
  const target = given ?? (await embedded(options, undo, show))
  onTarget(target)
  signal.throwIfAborted()
  const { server, limits, endpoint } = await time.within(probe(target, 10_000))
  if (endpoint === 'pooler') throw new Refusal(pooled, exitCodes.failed)
  const room = roomFor(limits, options.share, options.max)
  show.server(server.version, given, room)
  const pool = openPool(target.url, options)
  undo.push(() => pool.end({ timeoutMillis: 0 }))
  const workload =
    given === undefined
      ? await sampleData(target, options, signal)
      : (options.workload ?? (await time.within(fromServer(pool))))
  const statementMillis = await time.within(trial(pool, workload))
  show.workload(workload, statementMillis)
  const plan = planFor(time.left, room.largest, statementMillis)
  const { sizes, timing } = plan
  const callers = (size: number): number =>
    options.callers ?? callersFor(size, options.lanes, statementMillis)
  const times = new Map<number, Histogram>()
  const swept = await sweepWithin(time, signal, {
    sizes,
    seed: options.seed,
    onCell: (progress) => show.progress(progress),
    measure: (size) => {
      const seen = times.get(size) ?? new Histogram()
      times.set(size, seen)
      return cell(pool, workload, { size, callers: callers(size), timing, times: seen, seed: options.seed })
    },
  })
  return report({ server, given, room, workload, statementMillis, options, plan, swept, times, callers })
}

const pooled =
  'What answers here is a pooler: its own pool would be measured, and a session that it lends to others cannot be told to read only. Give the connection string that leads to the server itself.'

async function embedded({ max, share }: TuneOptions, undo: Undo, show: TuneShow): Promise<Target> {
  show.starting()
  const settings = { max_connections: Math.ceil(max / share) + 20 }
  const server = await startPostgres({ settings }).catch((error: unknown) => {
    // It says itself what is missing and what to do.
    throw new Refusal(messageOf(error), exitCodes.failed)
  })
  undo.push(() => server.stop())
  return readTarget(server.url, 'The URL of the embedded Postgres')
}

/** The pool that is measured: with the defaults that everybody gets, and sessions that only read. */
function openPool(url: string, { lanes }: TuneOptions): Pool {
  return new Pool({
    connectionString: withoutName(url),
    max: 1,
    applicationName: 'sluice-tune',
    // Callers wait on purpose.
    acquireTimeoutMillis: 3_600_000,
    connectionTimeoutMillis: 10_000,
    pipelining: lanes ? undefined : false,
    onConnect: (client) => client.query('SET default_transaction_read_only = on'),
  })
}

/** Loads what the built-in workload asks for, by a session other than those that only read. */
async function sampleData({ url }: Target, { seed }: TuneOptions, signal: AbortSignal): Promise<Workload> {
  const admin = new Pool({ connectionString: url, max: 1, applicationName: 'sluice-tune-load' })
  const onProgress = (): void => signal.throwIfAborted()
  try {
    return builtIn((await loadWorkload(admin, { seed, scale: 0.1, onProgress })).size)
  } finally {
    await admin.end()
  }
}

async function trial(pool: Pool, workload: Workload): Promise<number> {
  const session = await pool.lease()
  try {
    return await tryOut(session, workload)
  } finally {
    session.release()
  }
}

function cell(
  pool: Pool,
  workload: Workload,
  options: { size: number; callers: number; timing: Timing; times: Histogram; seed: number },
): Promise<Cell> {
  let asked = ''
  const next = questions(
    (random) => workload.next(random),
    (caller) => randomOf(options.seed, options.size, caller),
  )
  return measure(
    {
      query: async (text, values) => {
        try {
          return await pool.query(text, values)
        } catch (error) {
          asked = text
          throw error
        }
      },
      resize: (size) => pool.resize(size),
      stats: () => pool.stats(),
    },
    { ...options, next },
  ).catch((error: unknown) => {
    throw asked === '' ? error : refusalOf(error, asked)
  })
}

/** A sweep that ends in time even where a statement does not, and that keeps what it has when it is interrupted. */
async function sweepWithin(
  time: TimeLimit,
  signal: AbortSignal,
  parts: Omit<SweepParts, 'deadline' | 'now' | 'random'> & { seed: number },
): Promise<Swept | SweptSoFar> {
  const { deadline } = time
  const sweep = new Sweep({
    ...parts,
    random: randomOf(parts.seed, 'sweep'),
    now: () => performance.now(),
    deadline,
  })
  try {
    return await time.within(sweep.run())
  } catch (error) {
    if (signal.aborted) {
      const soFar = sweep.soFar()
      if (soFar !== undefined) return soFar
    } else if (time.isOver) return sweep.result()
    throw error
  }
}

function report(found: {
  server: { version: string }
  given: Target | undefined
  room: Room
  workload: Workload
  statementMillis: number
  options: TuneOptions
  plan: Plan
  swept: Swept | SweptSoFar
  times: ReadonlyMap<number, Histogram>
  callers: (size: number) => number
}): TuneReport | CutTune {
  const { server, given, room, workload, statementMillis, options, plan, swept, times, callers } = found
  const latencies: Latencies = (size) => times.get(size)?.snapshot() ?? new Histogram().snapshot()
  const ran: Ran = {
    server: { version: server.version, embedded: given === undefined, ...room },
    workload: {
      label: workload.label,
      leftOut: workload.leftOut,
      statementMillis,
      lanes: options.lanes,
      shared: swept.shared,
      callers: { least: callers(1), most: callers(room.largest) },
    },
    run: {
      seconds: options.seconds,
      seed: options.seed,
      windowMillis: plan.timing.window,
      rounds: swept.rounds.length,
      leftOut: plan.leftOut,
    },
  }
  if ('verdict' in swept) return { interrupted: false, ...ran, ...adviceFrom(swept.verdict, latencies, room) }
  return { interrupted: true, ...ran, sizes: rowsOf(swept.sizes, latencies, undefined) }
}
