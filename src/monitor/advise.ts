/** What should be changed about a pool, the most harmful first, from what was seen of it and of its server. */
import type { Given } from '../base/options.ts'
import { readNumber } from '../base/options.ts'
import type { Activity, Limits } from './activity.ts'
import { bounds } from './advise/bounds.ts'
import { crowds } from './advise/crowds.ts'
import { fit } from './advise/fit.ts'
import { leaks } from './advise/leaks.ts'
import { lifetimes } from './advise/lifetimes.ts'
import { pressure } from './advise/pressure.ts'
import type { Rule, Scene } from './advise/scene.ts'
import { sessions } from './advise/sessions.ts'
import { share } from './advise/share.ts'
import { size } from './advise/size.ts'
import { windowOf } from './advise/window.ts'
import type { Finding } from './finding.ts'
import type { Draft } from './rank.ts'
import { ranked } from './rank.ts'
import type { Snapshot } from './snapshot.ts'

/** What the pool may take. Each overrides what `activity` has found. */
export interface AdviceLimits extends Partial<Limits> {
  /** Processes that each have such a pool. 1 or more; default 1. */
  readonly instances?: number | undefined
}

/** In the order in which one leads to the other: among findings of one severity the earlier kind comes first. */
const RULES: readonly Rule[] = [leaks, sessions, share, crowds, fit, pressure, lifetimes, size, bounds]

/**
 * Findings about a pool, the most harmful first, a cause before what follows from it; none where all is well. Pure: the same
 * pictures give the same findings. Without `activity` and `limits` nothing is said about the server.
 * @throws SLUICE_BAD_OPTION
 */
export function advise(
  snapshot: Snapshot,
  activity?: Activity,
  limits: AdviceLimits = {},
): readonly Finding[] {
  return ranked(draftsOf(snapshot, activity, limits))
}

/** What {@link advise} puts in order. @throws SLUICE_BAD_OPTION */
export function draftsOf(
  snapshot: Snapshot,
  activity: Activity | undefined,
  limits: AdviceLimits,
): readonly Draft[] {
  const scene: Scene = {
    ...snapshot,
    window: windowOf(snapshot),
    activity,
    ...room({ ...activity?.limits, ...defined(limits) }),
    instances: readNumber(limits as Given, 'instances', { min: 1, max: 1_000_000 }) ?? 1,
  }
  return RULES.flatMap((rule) => rule(scene))
}

/** The part of {@link draftsOf} that needs no pool. */
export function serverDrafts(activity: Activity): readonly Draft[] {
  const scene = { activity, ...room(activity.limits) }
  return [...sessions(scene), ...crowds(scene)]
}

/** What is `undefined` overrides nothing. */
function defined<T extends object>(given: T): T {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T
}

function room(limits: Partial<Limits>): Pick<Scene, 'available' | 'limits' | 'usable'> {
  const {
    databaseLimit = Infinity,
    maxConnections,
    reserved = 0,
    roleLimit = Infinity,
    superuserReserved = 0,
  } = limits
  if (maxConnections === undefined) return { available: undefined, limits, usable: undefined }
  const usable = maxConnections - superuserReserved - reserved
  return { available: Math.min(usable, roleLimit, databaseLimit), limits, usable }
}
