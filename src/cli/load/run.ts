/** A load test: a database, the ways to it in turns, and the figures of each. */
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../base/errors.ts'
import { serverRoom } from '../../control/room.ts'
import { startPostgres } from '../../demo/embedded.ts'
import { PgClient } from '../../postgres/driver.ts'
import { badInput, exitCodes, Refusal } from '../refusal.ts'
import type { SessionWatch } from '../sessions.ts'
import { openSessionWatch } from '../sessions.ts'
import type { Target } from '../target.ts'
import { readTarget, withoutName } from '../target.ts'
import type { Detour } from './detour.ts'
import { openDetour } from './detour.ts'
import { drive } from './drive.ts'
import { lookup, tryOut } from './statements.ts'
import type { Figures } from './tally.ts'
import { Tally } from './tally.ts'
import type { Way, WayName } from './ways.ts'
import { openWay } from './ways.ts'

/** What a load test is asked to do. */
export interface LoadOptions {
  readonly callers: number
  /** Connections of each pool. */
  readonly max: number
  /** The measured time of each way. */
  readonly seconds: number
  /** Added to each round trip. */
  readonly latencyMillis: number
  /** None is the built-in lookup. */
  readonly statements: readonly string[]
  readonly allowWrites: boolean
  /** All three ways, or Sluice alone. */
  readonly compare: boolean
}

/** What one way did, and what the server saw of it. */
export interface WayReport extends Figures {
  /** The most sessions seen at the server at once. */
  readonly sessions: number
}

/** What a load test ran on and what it measured. */
export interface LoadReport {
  readonly server: { readonly version: string; readonly embedded: boolean }
  readonly run: Omit<LoadOptions, 'allowWrites'> & {
    readonly order: readonly WayName[]
    /** Of the callers, those that connect for each statement at a time: all of them, where the server has the room. */
    readonly connecting: number
  }
  /** Ended early: the figures are those until then, and ways whose turn had not come are missing. */
  readonly interrupted: boolean
  readonly ways: Readonly<Partial<Record<WayName, WayReport>>>
}

/** How far a load test is. */
export interface Progress {
  readonly way: WayName
  readonly turn: number
  readonly turns: number
  /** Of the turn, 0 to 1. */
  readonly share: number
  readonly figures: Figures
}

/** Told of every step. */
export interface Watcher {
  onServer(version: string): void
  onWarming(way: WayName): void
  onProgress(progress: Progress): void
}

// The second half mirrors the first, so that whatever drifts with time favours nobody.
const compared: readonly WayName[] = ['connect', 'pg', 'sluice', 'sluice', 'pg', 'connect']

/** Runs after the work, last added first, also after a failure. */
type Undo = (() => Promise<unknown>)[]

/**
 * Runs the test and leaves no session behind.
 *
 * @param given the user's database; without one an embedded Postgres is started
 * @param onTarget told where the work is done, before anything can fail there
 * @returns what was measured, also where `signal` ended it early
 * @throws the reason of `signal` where nothing had been measured; a Refusal; what the database says
 */
export async function runLoad(
  given: Target | undefined,
  options: LoadOptions,
  tools: { watcher: Watcher; signal: AbortSignal; onTarget: (target: Target) => void },
): Promise<LoadReport> {
  const { onTarget, signal, watcher } = tools
  const undo: Undo = []
  try {
    const target = given ?? (await embedded(options, undo))
    onTarget(target)
    signal.throwIfAborted()
    const url = withoutName(target.url)
    const statements = options.statements.length === 0 ? [lookup] : options.statements
    const { version, room } = await prepare(url, statements, options, signal)
    watcher.onServer(version)
    const sessions = await openSessionWatch(url, 'sluice-load-watch')
    undo.push(() => sessions.end())
    const detour = await detourTo(target, options, undo)
    const order = options.compare ? compared : (['sluice', 'sluice'] as const)
    const connecting = connectingWithin(room, options.callers)
    const ways = await takeTurns({
      ...options,
      connecting,
      statements,
      url,
      target,
      sessions,
      detour,
      order,
      signal,
      watcher,
    })
    const { callers, max, seconds, latencyMillis, compare } = options
    return {
      server: { version, embedded: given === undefined },
      run: { callers, max, seconds, latencyMillis, statements, compare, order, connecting },
      interrupted: signal.aborted,
      ways,
    }
  } finally {
    // What fails here hides nothing: each step ends something that may have ended before.
    for (const step of undo.reverse()) await step().catch(() => {})
  }
}

async function embedded({ callers, max }: LoadOptions, undo: Undo): Promise<Target> {
  const settings = { max_connections: Math.max(100, max + 20, callers + 20) }
  const server = await startPostgres({ settings }).catch((error: unknown) => {
    // It says itself what is missing and what to do.
    throw new Refusal(messageOf(error), exitCodes.failed)
  })
  undo.push(() => server.stop())
  return readTarget(server.url, 'The URL of the embedded Postgres')
}

async function detourTo(
  target: Target,
  { latencyMillis }: LoadOptions,
  undo: Undo,
): Promise<Detour | undefined> {
  if (latencyMillis === 0) return undefined
  const detour = await openDetour(target, latencyMillis)
  undo.push(() => detour.close())
  return detour
}

/** Finds out, before anything is loaded, whether there is room for the sessions and whether the statements are fit. */
async function prepare(
  url: string,
  statements: readonly string[],
  options: LoadOptions,
  signal: AbortSignal,
): Promise<{ version: string; room: number }> {
  const client = new PgClient({
    connectionString: url,
    application_name: 'sluice-load-watch',
    connectionTimeoutMillis: 10_000,
  })
  client.on('error', () => {})
  const leave = (): void => void client.end().catch(() => {})
  signal.addEventListener('abort', leave, { once: true })
  try {
    await client.connect()
    const { rows } = await client.query(`SELECT current_setting('server_version') AS version`)
    // This session counts as somebody else's; the one that counts sessions takes its place.
    const room = await roomFor(client)
    if (options.max > room)
      throw badInput(`--max is ${options.max}, and the server has room for ${room} more sessions.`)
    await tryOut(client, statements, options.allowWrites)
    return { version: String(rows[0]?.version), room }
  } finally {
    signal.removeEventListener('abort', leave)
    await client.end().catch(() => {})
  }
}

function roomFor(client: InstanceType<typeof PgClient>): Promise<number> {
  return serverRoom({ query: (text, values) => client.query(text, values), connections: () => [] })
}

/**
 * How many callers may connect for each statement at a time. A test that takes the last sessions of a server is an outage for
 * everybody else there, so that a tenth of the room stays free.
 */
export function connectingWithin(room: number, callers: number): number {
  return Math.min(callers, Math.max(1, Math.floor(0.9 * room)))
}

interface Turns extends LoadOptions {
  readonly connecting: number
  readonly url: string
  readonly target: Target
  readonly sessions: SessionWatch
  readonly detour: Detour | undefined
  readonly order: readonly WayName[]
  readonly signal: AbortSignal
  readonly watcher: Watcher
}

async function takeTurns(turns: Turns): Promise<LoadReport['ways']> {
  const { order, sessions, signal, target, watcher } = turns
  const names = [...new Set(order)]
  const tallies = new Map(names.map((name) => [name, new Tally(target.redact)]))
  // Without it the first turn would pay for cold caches and for code not yet compiled.
  for (const name of names) {
    signal.throwIfAborted()
    watcher.onWarming(name)
    await turn(name, new Tally(target.redact), Math.min(1, turns.seconds / 5), turns, () => {})
  }
  for (const [index, name] of order.entries()) {
    const tally = tallies.get(name) as Tally
    const seconds = (turns.seconds * names.length) / order.length
    await turn(name, tally, seconds, turns, (share) =>
      watcher.onProgress({
        way: name,
        turn: index + 1,
        turns: order.length,
        share,
        figures: tally.figures(),
      }),
    ).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    if (signal.aborted) break
  }
  const reports = names.flatMap((name) => {
    const figures = (tallies.get(name) as Tally).figures()
    const report = { ...figures, sessions: sessions.most(applicationName(name)) }
    return figures.answered + figures.failed === 0 ? [] : ([[name, report]] as const)
  })
  if (reports.length === 0) signal.throwIfAborted()
  return Object.fromEntries(reports)
}

/** Told apart from another test on the same server. */
function applicationName(name: WayName): string {
  return `sluice-load-${process.pid}-${name}`
}

/** One way, new and cold, for one round. */
async function turn(
  name: WayName,
  tally: Tally,
  seconds: number,
  { url, max, callers, connecting, statements, sessions, detour, signal }: Turns,
  onTick: (share: number) => void,
): Promise<void> {
  const ownName = applicationName(name)
  const way = openWay(name, { url, max, applicationName: ownName, detour })
  const stop = sessions.watch(ownName)
  try {
    const asking = name === 'connect' ? connecting : callers
    await drive(way, tally, { callers: asking, statements, seconds, signal, onTick })
  } finally {
    try {
      await stop()
    } finally {
      // Also where the sessions could not be counted to the end.
      await (signal.aborted ? cutOff(way, sessions, ownName) : way.end())
    }
  }
}

/** Ends a way nobody waits for any more. Again and again, since a connection may be about to open and ask its question. */
async function cutOff(way: Way, sessions: SessionWatch, applicationName: string): Promise<void> {
  let ended = false
  const ending = way.end().finally(() => {
    ended = true
  })
  while (!ended) {
    await sessions.cut(applicationName)
    await sleep(50)
  }
  await ending
}
