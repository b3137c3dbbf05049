/** What should be changed about a pool, the most harmful first, from what was seen of it and of its server. */
import type { Activity, Limits } from './activity/seen.ts'
import type { Finding } from './finding.ts'
import type { Snapshot } from './snapshot.ts'

/** What the pool may take. Each overrides what `activity` has found. */
export interface AdviceLimits extends Partial<Limits> {
  /** Processes that each have such a pool. 1 or more; default 1. */
  readonly instances?: number | undefined
}

/**
 * Findings about a pool, the most harmful first, a cause before what follows from it; none where all is well. Pure: the same
 * pictures give the same findings. Without `activity` nothing is said about the server.
 */
export declare function advise(
  snapshot: Snapshot,
  activity?: Activity,
  limits?: AdviceLimits,
): readonly Finding[]
