/** One size out of several answers: which to believe where they differ, and why. */
import { SluiceError } from '../base/errors.ts'
import { readOptions } from '../base/options.ts'
import type { Answer, Formula, Span } from './answer.ts'
import { said, saidSpan } from './answer.ts'
import type { Agents, Nested, Traffic, Workers } from './demand.ts'
import { sizeForAgents, sizeForNested, sizeForTraffic, sizeForWorkers } from './demand.ts'
import type { Candidate, Preference } from './preference.ts'
import { preference, roles } from './preference.ts'
import type { Hardware, Instances } from './supply.ts'
import { allocate, memoryOf, sizeForHardware, sizeForInstances } from './supply.ts'
import type { Tier } from './tiers.ts'
import { minFor, sizeForTier } from './tiers.ts'

/** What is known. Agents, traffic, workers and nested tasks are those of one process; tier and hardware are the whole server's. */
export interface Question {
  readonly agents?: Agents
  readonly traffic?: Traffic
  readonly workers?: Workers
  readonly nested?: Nested
  /** Limit and reserve are by default those of the tier, where there is one. */
  readonly instances?: Instances
  readonly tier?: string
  /** By default the CPUs of the tier, where there is one. */
  readonly hardware?: Partial<Hardware>
}

/** An answer as the size of one process's pool: what belongs to the whole server is shared by all of them. */
export interface ProcessSize {
  readonly formula: Formula
  readonly from: number
  readonly to: number
}

/** The size of each process's pool. */
export interface Recommendation {
  readonly max: number
  readonly min: number
  /** How many processes have a pool of that size. */
  readonly processes: number
  /** The answer that decided. */
  readonly decidedBy: Formula
  /** One sentence: which answer decided, and what is not known. */
  readonly reason: string
  readonly sizes: readonly ProcessSize[]
  /** Why not the other answers, where they differ. */
  readonly preferences: readonly Preference[]
  /** Every answer by itself, in the order of the formulas; the last is the memory of what is recommended. */
  readonly answers: readonly Answer[]
}

/**
 * Every answer that can be given, and one size: the smallest of what callers ask for, what the server can work on and what it can
 * give, but never fewer than nested tasks need. `min` is a quarter of `max`, rounded down.
 * @throws SLUICE_BAD_OPTION for a number out of range, an unknown tier, or nothing to go by
 */
export function recommend(given: Question): Recommendation {
  const question = readQuestion(given)
  const answers = answersTo(question)
  const processes = question.instances?.instances ?? 1
  const tier = question.tier === undefined ? undefined : sizeForTier(question.tier).tier
  const candidates = answers.flatMap((answer) => candidateOf(answer, processes))
  const first = smallest(candidates)
  if (first === undefined)
    throw new SluiceError(
      'SLUICE_BAD_OPTION',
      'there is nothing to size by: give agents, traffic, workers, nested, instances, tier or hardware',
    )
  const { decider, max } = withoutDeadlock(first, candidates, mostOf(candidates, tier, processes))
  const others = candidates.filter((one) => one !== decider)
  const preferences = others.flatMap((other) => preference(decider, max, other) ?? [])
  return {
    max,
    min: minFor(max),
    processes,
    decidedBy: decider.formula,
    reason: `${decisionOf(decider, max, processes, preferences.length > 0)}${unknownOf(candidates)}`,
    sizes: candidates.map(({ formula, from, to }) => ({ formula, from, to })),
    preferences,
    answers: [...answers, memoryOf({ connections: max * processes })],
  }
}

const KNOWN: Readonly<Record<Exclude<keyof Question, 'tier'>, readonly string[]>> = {
  agents: ['agents', 'statements'],
  traffic: ['perSecond', 'millis'],
  workers: ['workers', 'each'],
  nested: ['tasks', 'held'],
  instances: ['instances', 'limit', 'reserved', 'surge'],
  hardware: ['cores', 'spindles', 'multiplier'],
}

function readQuestion(question: Question): Question {
  const given = readOptions(question, 'recommend()', [...Object.keys(KNOWN), 'tier'])
  for (const [name, known] of Object.entries(KNOWN)) readOptions(given[name], `${name} of recommend()`, known)
  return given
}

function answersTo({ agents, traffic, workers, nested, instances, tier, hardware }: Question): Answer[] {
  const row = tier === undefined ? undefined : sizeForTier(tier)
  const limits = row && { limit: row.tier.maxConnections, reserved: row.tier.reserved }
  const cores = row && { cores: row.tier.cpu }
  return [
    ...(agents === undefined ? [] : [sizeForAgents(agents)]),
    ...(traffic === undefined ? [] : [sizeForTraffic(traffic)]),
    ...(workers === undefined ? [] : [sizeForWorkers(workers)]),
    ...(nested === undefined ? [] : [sizeForNested(nested)]),
    ...(row === undefined ? [] : [row]),
    ...(row === undefined && hardware === undefined
      ? []
      : [sizeForHardware({ ...cores, ...hardware } as Hardware)]),
    ...(instances === undefined ? [] : [sizeForInstances({ ...limits, ...instances })]),
    ...(row === undefined ? [] : [allocate(row.tier.available)]),
  ]
}

/** What an answer means for one process; allocation and memory are no sizes. */
function candidateOf(answer: Answer, processes: number): Candidate[] {
  const role = roles[answer.formula]
  if (role === undefined) return []
  const { from, to } = 'range' in answer ? (answer.range as Span) : { from: answer.value, to: answer.value }
  const each = (value: number): number =>
    role === 'capacity' ? Math.max(1, Math.floor(value / processes)) : value
  return [{ formula: answer.formula, role, from: each(from), to: each(to), answer }]
}

interface Chosen {
  readonly decider: Candidate
  readonly max: number
}

/** The smallest of the exact answers, unless even the top of a range is below it; of ranges alone, the lower end. */
function smallest(candidates: readonly Candidate[]): Chosen | undefined {
  const sizes = candidates.filter(({ role }) => role !== 'floor')
  const exact = lowest(sizes.filter(({ from, to }) => from === to))
  const ranged = lowest(sizes.filter(({ from, to }) => from < to))
  if (exact !== undefined && (ranged === undefined || exact.to <= ranged.to))
    return { decider: exact, max: exact.to }
  if (ranged !== undefined) return { decider: ranged, max: exact === undefined ? ranged.from : ranged.to }
  const floor = candidates[0]
  return floor && { decider: floor, max: floor.to }
}

function lowest(candidates: readonly Candidate[]): Candidate | undefined {
  return candidates.toSorted((a, b) => a.to - b.to)[0]
}

/** What the server gives one process at most, where that is known. */
function mostOf(
  candidates: readonly Candidate[],
  tier: Tier | undefined,
  processes: number,
): number | undefined {
  const limit = candidates.find(({ role }) => role === 'limit')
  if (limit !== undefined) return limit.to
  return tier === undefined ? undefined : Math.floor(tier.available / processes)
}

/** Nested tasks need what they need, up to what the server can give. */
function withoutDeadlock(
  chosen: Chosen,
  candidates: readonly Candidate[],
  most = Number.POSITIVE_INFINITY,
): Chosen {
  const floor = candidates.find(({ role }) => role === 'floor')
  if (floor === undefined || floor.to <= chosen.max) return chosen
  if (floor.to <= most) return { decider: floor, max: floor.to }
  throw new SluiceError(
    'SLUICE_BAD_OPTION',
    `nested tasks need ${said(floor.to)} connections so as not to wait for each other for ever, and the server can give a process ${said(most)}: run fewer tasks at a time, or have each hold fewer`,
  )
}

/** `Decided by hardware, the smallest, the upper end of 24–64.` */
function decisionOf(
  { formula, role, from, to }: Candidate,
  max: number,
  processes: number,
  disputed: boolean,
): string {
  const why = role === 'floor' ? ', the least that is safe' : ', the smallest'
  const range = from < to ? `, the ${max === from ? 'lower' : 'upper'} end of ${saidSpan({ from, to })}` : ''
  const each = processes > 1 && role === 'capacity' ? `, shared by ${said(processes)} processes` : ''
  return `Decided by ${formula}${disputed ? why : ''}${range}${each}.`
}

function unknownOf(candidates: readonly Candidate[]): string {
  return candidates.some((one) => one.role === 'limit' || one.formula === 'tier')
    ? ''
    : ' What the server can give is not known: PostgreSQL’s own limit is 100, for all processes together.'
}
