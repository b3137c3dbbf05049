/** The turns of the two sides: which pool works when, each time a new and cold one. */
import { resetWorkload } from '../../demo/workload/load.ts'
import type { WorkloadPool } from '../../demo/workload/port.ts'
import { runWorkload } from '../../demo/workload/run.ts'
import type { SessionWatch } from '../sessions.ts'
import type { SideReport, Sides } from './compare.ts'
import { Meter } from './meter.ts'
import type { Show } from './show.ts'
import type { SideName } from './sides.ts'
import { openSide, sideNames } from './sides.ts'
import type { StandIn } from './stand-in.ts'
import type { Moment } from './view.ts'

/** The second half mirrors the first, so that whatever drifts with time favours nobody. */
export const order: readonly SideName[] = ['sluice', 'pg', 'pg', 'sluice']

/** What each side calls itself at the server. */
export const applicationNames: Readonly<Record<SideName, string>> = {
  sluice: 'sluice-demo',
  pg: 'sluice-demo-pg',
}

/** What the turns are asked for. */
export interface TurnOptions {
  /** The measured time of each side. */
  seconds: number
  /** Decides the data and what the agents ask. */
  seed: number
  /** The size of each pool. */
  max: number
}

/** What the turns need. */
export interface Turns {
  url: string
  admin: WorkloadPool
  sessions: SessionWatch
  options: TurnOptions
  /** Where a dashboard looks. */
  shown: StandIn | undefined
  show: Show
  signal: AbortSignal
}

/** All of them. @throws the reason of `signal` */
export async function takeTurns(turns: Turns): Promise<Sides> {
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
  { url, sessions, options, shown, signal, seconds, seed }: Turns & { seconds: number; seed: number },
  onTick: (progress: Pick<Moment, 'elapsed' | 'recentPerSecond' | 'view'>) => void,
): Promise<void> {
  const applicationName = applicationNames[name]
  const side = openSide(name, { url, max: options.max, applicationName })
  const hide = side.watchable && shown?.show(side.watchable)
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
    hide?.()
  }
}
