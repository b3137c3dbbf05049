/** Earlier pictures of pools, so that what is asked every few seconds can tell what lasts from what was long ago. */
import type { PoolStats } from '../../core/stats.ts'
import type { Snapshot } from '../snapshot.ts'
import type { Source } from '../source.ts'

/** The alerts look back on five minutes. */
const WINDOW_MILLIS = 300_000

/** Pictures are kept no closer together than that. */
const STEP_MILLIS = 30_000

interface Kept {
  readonly at: number
  readonly stats: PoolStats
}

export class Past {
  // A pool that nobody has any more takes its pictures with it.
  readonly #kept = new WeakMap<Source, readonly Kept[]>()

  /** Keeps a picture. Returns the youngest one that is five minutes old or older, else the oldest there is. */
  add(pool: Source, stats: PoolStats, now: number): Snapshot['earlier'] {
    const known = this.#kept.get(pool) ?? []
    const young = known.findIndex(({ at }) => now - at < WINDOW_MILLIS)
    const kept = known.slice(young < 0 ? -1 : Math.max(0, young - 1))
    const [first] = kept
    const last = kept.at(-1)
    if (last === undefined || now - last.at >= STEP_MILLIS)
      this.#kept.set(pool, [...kept, { at: now, stats }])
    return first && now > first.at ? { stats: first.stats, agoMillis: now - first.at } : undefined
  }
}
