/** Everything that can go wrong at once, by a seed: callers who abort, time out, forget and destroy, while the pool is resized, cleared and paused, and its sessions are killed. */
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import type { Random } from '../../src/demo/workload/random.ts'
import type { Pool } from '../../src/index.ts'
import { SluiceError } from '../../src/index.ts'
import { withClient } from '../support/postgres.ts'

/** What an attack has seen. */
export interface Seen {
  /** How often each outcome came. */
  readonly outcomes: Record<string, number>
  /** What must never happen, in words. */
  readonly violations: string[]
  /** Calls that have no answer yet, in words. */
  readonly open: Set<string>
}

/** A disturbance: what it does, and how long it waits before it does it again. */
export type Disturbance = readonly [millis: number, act: () => unknown]

interface Scene {
  readonly pool: Pool
  readonly random: Random
  readonly seen: Seen
  readonly owners: WeakMap<object, string>
}

/** Runs callers for `millis` under disturbances; resolves when all callers have stopped, or `graceMillis` after they should have. */
export async function attack(
  pool: Pool,
  random: Random,
  callers: number,
  millis: number,
  disturbances: readonly Disturbance[],
): Promise<Seen> {
  const seen: Seen = { outcomes: {}, violations: [], open: new Set() }
  const scene: Scene = { pool, random, seen, owners: new WeakMap() }
  const until = performance.now() + millis
  const calm = disturb(random, disturbances)
  const calling = Promise.all(
    Array.from({ length: callers }, async (_, n) => {
      for (let turn = 0; performance.now() < until; turn++) await one(scene, `${n}.${turn}`)
    }),
  )
  calling.catch(() => undefined)
  await Promise.race([calling, pause(millis + GRACE_MILLIS)])
  await calm()
  return seen
}

/** Begins disturbances. Returns the way to end them. */
export function disturb(random: Random, disturbances: readonly Disturbance[]): () => Promise<unknown> {
  let stopped = false
  const disturbing = disturbances.map(async ([every, act]) => {
    while (!stopped) {
      await pause(random.between(0, 2 * every))
      await act()
    }
  })
  return () => {
    stopped = true
    return Promise.all(disturbing)
  }
}

const GRACE_MILLIS = 15_000

async function one(scene: Scene, id: string): Promise<void> {
  const { random, seen } = scene
  const kind = random.between(0, KINDS.length - 1)
  const [name, act] = KINDS[kind] as (typeof KINDS)[number]
  const controller = new AbortController()
  if (random.chance(0.4)) setTimeout(() => controller.abort(new Error('gave up')), random.between(0, 40))
  const call = `${name} ${id}`
  seen.open.add(call)
  let outcome: string
  try {
    await act(scene, id, controller)
    outcome = 'done'
  } catch (error) {
    outcome = wordOf(error, seen)
    // Whoever is turned away at once would keep everybody else from the event loop.
    if (outcome === 'SLUICE_POOL_ENDED') await pause(2)
  }
  seen.open.delete(call)
  seen.outcomes[outcome] = (seen.outcomes[outcome] ?? 0) + 1
}

function wordOf(error: unknown, seen: Seen): string {
  if (SluiceError.is(error)) return error.code
  const { code, message } = error as pg.DatabaseError
  if (message.startsWith('BUG') || message.startsWith('wrong')) seen.violations.push(message)
  return code ?? message.replace(/\d+/g, 'N')
}

function same(seen: Seen, what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) seen.violations.push(`${what}: ${String(found)} in place of ${String(wanted)}`)
}

type Act = (scene: Scene, id: string, controller: AbortController) => Promise<unknown>

const bounds = (random: Random, { signal }: AbortController) =>
  random.chance(0.3) ? { signal, timeout: 1 + random.between(0, 60) } : { signal }

/** Notes who has a client, and finds out when two have it. */
function own({ owners, seen }: Scene, client: object, id: string): () => void {
  const owner = owners.get(client)
  if (owner !== undefined) seen.violations.push(`lent to ${id} while ${owner} has it`)
  owners.set(client, id)
  return () => owners.delete(client)
}

async function remembers(
  query: (text: string, values: unknown[]) => Promise<pg.QueryResult>,
  id: string,
  scene: Scene,
) {
  await query(`SELECT set_config('sluice.owner', $1, false)`, [id])
  if (scene.random.chance(0.5)) await pause(scene.random.between(0, 10))
  const { rows } = await query(`SELECT current_setting('sluice.owner') AS owner`, [])
  same(scene.seen, `session of ${id}`, rows[0]?.owner, id)
}

const KINDS: readonly (readonly [string, Act])[] = [
  [
    'lookup',
    async ({ pool, random, seen }, id, controller) => {
      const { rows } = await pool.query('SELECT $1::text AS id', [id], bounds(random, controller))
      same(seen, 'lookup', rows[0]?.id, id)
    },
  ],
  [
    'burst',
    async ({ pool, random, seen }, id, controller) => {
      const all = Array.from({ length: 10 }, (_, n) =>
        pool.query('SELECT $1::text AS id', [`${id}.${n}`], bounds(random, controller)),
      )
      const ends = await Promise.allSettled(all)
      ends.forEach((end, n) => {
        if (end.status === 'fulfilled') same(seen, 'burst', end.value.rows[0]?.id, `${id}.${n}`)
      })
      const failed = ends.find((end) => end.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    },
  ],
  [
    'slow statement',
    async ({ pool, random, seen }, id, controller) => {
      const { rows } = await pool.query(
        'SELECT $1::text AS id, pg_sleep($2)',
        [id, random.between(0, 60) / 1_000],
        bounds(random, controller),
      )
      same(seen, 'slow statement', rows[0]?.id, id)
    },
  ],
  [
    'lease',
    async (scene, id, controller) => {
      const { pool, random } = scene
      const lease = await pool.lease({ signal: controller.signal })
      const disown = own(scene, lease.client, id)
      try {
        await remembers((text, values) => lease.query(text, values, bounds(random, controller)), id, scene)
      } finally {
        disown()
        lease.release(random.chance(0.1))
      }
    },
  ],
  [
    'client',
    async (scene, id) => {
      const { pool, random } = scene
      const client = await pool.connect()
      const disown = own(scene, client, id)
      try {
        await remembers((text, values) => client.query(text, values), id, scene)
        // Left under way, whatever happens to it.
        if (random.chance(0.3)) client.query('SELECT pg_sleep(0.02)').catch(() => undefined)
        if (random.chance(0.1)) client.query('BEGIN').catch(() => undefined)
      } finally {
        disown()
        client.release(random.chance(0.1))
      }
    },
  ],
  [
    'transaction',
    async ({ pool, random, seen }, id, { signal }) => {
      await pool.transaction(
        async (tx) => {
          await tx.query(`SELECT set_config('sluice.owner', $1, true)`, [id])
          const { rows } = await tx.query(`SELECT current_setting('sluice.owner') AS owner`)
          same(seen, 'transaction', rows[0]?.owner, id)
          if (random.chance(0.2)) throw new Error('rolled back')
        },
        random.chance(0.5) ? { signal, timeout: 1 + random.between(0, 60) } : { signal },
      )
    },
  ],
  [
    'batch',
    async ({ pool, random, seen }, id, controller) => {
      const results = await pool.batch(
        [{ text: 'SELECT $1::text AS id', values: [id] }, 'SELECT 2 AS n'],
        bounds(random, controller),
      )
      same(seen, 'batch', `${results[0]?.rows[0]?.id} ${results[1]?.rows[0]?.n}`, `${id} 2`)
    },
  ],
]

/** Ends a session of the pool, or all of them. */
export function kill(name: string, all = false): Promise<void> {
  return withClient(async (client) => {
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = $1 AND backend_type = 'client backend' ORDER BY random() LIMIT $2`,
      [name, all ? 1_000 : 1],
    )
  })
}
