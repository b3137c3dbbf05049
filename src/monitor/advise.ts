/** What should be changed about a pool, the most harmful first, from what was seen of it and of its server. */
import type { Given } from '../base/options.ts'
import { readNumber } from '../base/options.ts'
import type { Activity, Limits } from './activity.ts'
import { bounds } from './advise/bounds.ts'
import { fit } from './advise/fit.ts'
import { leaks } from './advise/leaks.ts'
import { lifetimes } from './advise/lifetimes.ts'
import { pressure } from './advise/pressure.ts'
import type { Draft, Rule, Scene } from './advise/scene.ts'
import { sessions } from './advise/sessions.ts'
import { share } from './advise/share.ts'
import { size } from './advise/size.ts'
import { windowOf } from './advise/window.ts'
import type { Finding, Severity } from './finding.ts'
import type { Snapshot } from './snapshot.ts'

/** What the pool may take. Each overrides what `activity` has found. */
export interface AdviceLimits extends Partial<Limits> {
  /** Processes that each have such a pool. 1 or more; default 1. */
  readonly instances?: number | undefined
}

/** In the order in which one leads to the other: among findings of one severity the earlier kind comes first. */
const RULES: readonly Rule[] = [leaks, share, sessions, fit, pressure, lifetimes, size, bounds]

const SEVERITIES: readonly Severity[] = ['critical', 'warning', 'advice']

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
  const scene: Scene = {
    ...snapshot,
    window: windowOf(snapshot),
    activity,
    ...room(activity, limits),
    instances: readNumber(limits as Given, 'instances', { min: 1, max: 1_000_000 }) ?? 1,
  }
  return rank(RULES.flatMap((rule) => rule(scene)))
}

function room(
  activity: Activity | undefined,
  given: AdviceLimits,
): Pick<Scene, 'available' | 'maxConnections'> {
  const seen = activity?.limits
  const maxConnections = given.maxConnections ?? seen?.maxConnections
  if (maxConnections === undefined) return { available: undefined, maxConnections }
  const superuser = given.superuserReserved ?? seen?.superuserReserved ?? 0
  const reserved = given.reserved ?? seen?.reserved ?? 0
  const role = given.roleLimit ?? seen?.roleLimit ?? Number.POSITIVE_INFINITY
  const database = given.databaseLimit ?? seen?.databaseLimit ?? Number.POSITIVE_INFINITY
  return { available: Math.min(maxConnections - superuser - reserved, role, database), maxConnections }
}

/** A cause is at least as severe as what follows from it, so that it comes first. */
function rank(drafts: readonly Draft[]): readonly Finding[] {
  const placeOf = ({ code, explains = [], severity }: Draft): number => {
    const caused = drafts.filter((draft) => draft.code !== code && explains.includes(draft.code))
    return Math.min(
      ...[severity, ...caused.map((draft) => draft.severity)].map((word) => SEVERITIES.indexOf(word)),
    )
  }
  return Object.freeze(
    drafts
      .map((draft) => ({ draft, place: placeOf(draft) }))
      .sort((a, b) => a.place - b.place)
      .map(({ draft: { explains: _, ...finding }, place }) =>
        Object.freeze({ ...finding, severity: SEVERITIES[place] as Severity }),
      ),
  )
}
