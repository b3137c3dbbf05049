/** The dashboard beside the demo: open for as long as the demo runs, on this machine only. */
import { codeOf } from '../../base/errors.ts'
import { dashboard } from '../../dashboard/dashboard.ts'
import { Pool } from '../../postgres/pool.ts'
import { badInput } from '../refusal.ts'
import type { SideOptions } from './sides.ts'
import { StandIn } from './stand-in.ts'

/** Taken where it is free, so that a page that is open finds the next demo too. */
const USUAL_PORT = 5_480

/** A dashboard that is open. */
export interface OpenDashboard {
  readonly url: string
  /** Whose pool it shows. */
  readonly pools: StandIn
  close(): Promise<void>
}

/**
 * Opens it.
 * @param port 0 for any that is free; undefined for the usual one, and any other where that is taken
 * @throws Refusal where the port cannot be had
 */
export async function openDashboard(port: number | undefined, options: SideOptions): Promise<OpenDashboard> {
  const { url, max, applicationName } = options
  const resting = new Pool({ connectionString: url, max, applicationName })
  const pools = new StandIn(resting)
  const listening = await listen({ sluice: pools }, port).catch(async (error: unknown) => {
    await resting.end()
    throw error
  })
  return {
    url: listening.url,
    pools,
    close: async () => {
      await listening.close()
      await resting.end()
    },
  }
}

async function listen(pools: Readonly<Record<string, StandIn>>, port: number | undefined) {
  try {
    return await dashboard({ pools, port: port ?? USUAL_PORT })
  } catch (error) {
    const why = reasonOf(error)
    if (why === undefined) throw error
    if (port === undefined) return dashboard({ pools, port: 0 })
    throw badInput(`--dashboard-port ${port} ${why}: give another, or 0 for any that is free.`)
  }
}

function reasonOf(error: unknown): string | undefined {
  const code = codeOf(error) ?? codeOf((error as Error).cause)
  if (code === 'EADDRINUSE') return 'is taken by another program'
  return code === 'EACCES' ? 'may not be used by this user' : undefined
}
