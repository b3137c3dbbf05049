/** Why one answer is believed and another is not. */
import type { Answer, Formula } from './answer.ts'
import { said, saidSpan } from './answer.ts'

/** Two answers that differ, for one process. */
export interface Preference {
  readonly prefer: Formula
  readonly over: Formula
  readonly reason: string
}

/** What an answer is about: what callers ask for, what the server can work on, what it gives at most, what is safe at least. */
export type Role = 'demand' | 'capacity' | 'limit' | 'floor'

/** An answer as the size of one process's pool. */
export interface Candidate {
  readonly formula: Formula
  readonly role: Role
  readonly from: number
  readonly to: number
  readonly answer: Answer
}

/** Undefined for what is no size. */
export const roles: Readonly<Record<Formula, Role | undefined>> = {
  agents: 'demand',
  traffic: 'demand',
  workers: 'demand',
  nested: 'floor',
  hardware: 'capacity',
  tier: 'capacity',
  instances: 'limit',
  allocation: undefined,
  memory: undefined,
}

/** Why `decider` with its `max` is believed rather than `other`; undefined where they agree. */
export function preference(decider: Candidate, max: number, other: Candidate): Preference | undefined {
  if (agree(max, other)) return undefined
  return { prefer: decider.formula, over: other.formula, reason: reasonAgainst(decider, max, other) }
}

function agree(max: number, { role, from, to }: Candidate): boolean {
  return role === 'floor' ? max >= to : max >= from && max <= to
}

function reasonAgainst(decider: Candidate, max: number, other: Candidate): string {
  const [here, there] = [said(max), saidSpan(other)]
  if (other.role === 'limit') return `${here} of the ${there} that each process may open; the rest is room.`
  switch (decider.role) {
    case 'floor':
      if (other.from > max) return belowCapacity(here, there)
      return `${there} would be enough for the work, but with fewer than ${here} nested tasks may wait for each other for ever.`
    case 'limit':
      return `${there} would be of use, but the server gives each process ${here}: whoever comes above that waits in the pool rather than being refused by the server.`
    case 'capacity':
      return other.role === 'capacity' ? betweenCapacities(decider, other) : beyondCapacity(here, there)
    case 'demand':
      return other.role === 'capacity' ? belowCapacity(here, there) : betweenDemands(decider, other)
  }
}

function beyondCapacity(here: string, there: string): string {
  return `${there} may be asked for, but more than ${here} at a time only queue inside the server; in the pool they queue by priority, fairly, and where you see it.`
}

function belowCapacity(here: string, there: string): string {
  return `${there} would not hurt, but nobody asks for more than ${here}, and each connection takes the server’s memory; there is room to grow.`
}

function betweenCapacities(decider: Candidate, other: Candidate): string {
  const there = saidSpan(other)
  return decider.formula === 'tier'
    ? `${there} is what its CPUs could work on; the vendor allows less, since memory is short before the CPUs are.`
    : `${there} is what the vendor recommends for all its CPUs; those that you name are busy with fewer.`
}

function betweenDemands({ formula }: Candidate, other: Candidate): string {
  const there = saidSpan(other)
  if (other.formula === 'traffic')
    return `${there} by traffic would be more than these callers can have under way: rate or time is too high, or other callers are missing.`
  if (formula === 'traffic')
    return `${there} counts every caller in a statement at once; the traffic is what is busy, and half as many again. A moment above that waits for milliseconds.`
  return `${there} is taken for another view of the same callers, and the smaller is enough; where they are other callers, add both.`
}
