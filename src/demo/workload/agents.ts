/**
 * What the four kinds of agents do, turn by turn. An agent decides from its own random numbers alone, never
 * from an answer or a clock: with the same seed it asks the same things in the same order of whatever pool it
 * meets.
 */
import type { Random } from './random.ts'
import { randomOf } from './random.ts'
import type { DataSize } from './schema.ts'
import { dimensions, topics } from './schema.ts'
import type { Statement } from './statements.ts'
import {
  appendEvent,
  countTokens,
  findChunks,
  findDocument,
  findSimilar,
  latestEvents,
  recall,
  remember,
  revise,
} from './statements.ts'

export const agentKinds = ['persistent', 'serverless', 'edge', 'high-performance'] as const

/** The profiles that agents come in. */
export type AgentKind = (typeof agentKinds)[number]

/** How many agents of each kind a run has unless told otherwise: sixty. */
export const defaultAgents: Readonly<Record<AgentKind, number>> = {
  persistent: 12,
  serverless: 16,
  edge: 24,
  'high-performance': 8,
}

/** One turn: the statements asked at the same time, then a pause. */
export interface Turn {
  statements: Statement[]
  thinkMillis: number
}

/** The endless turns of one agent. */
export function turnsOf(
  kind: AgentKind,
  index: number,
  seed: number,
  size: DataSize,
): Generator<Turn, never> {
  const random = randomOf(seed, kind, index)
  // Each agent works in a memory of its own: what the runs compare is the pool, not row locks.
  const agent = 1 + ((agentKinds.indexOf(kind) + agentKinds.length * index) % size.agents)
  switch (kind) {
    case 'persistent':
      return conversation(agent, random, size)
    case 'serverless':
      return invocations(agent, random, size)
    case 'edge':
      return glances(agent, random, size)
    case 'high-performance':
      return tightLoop(agent, random, size)
  }
}

/** Lives for hours: recalls, searches, revises what it knows, notes what it did. */
function* conversation(agent: number, random: Random, size: DataSize): Generator<Turn, never> {
  for (;;) {
    yield turn(random.between(100, 250), recall(agent, key(random, size)), latestEvents(agent))
    yield turn(random.between(100, 300), similar(random))
    yield turn(random.between(20, 100), findChunks(document(random, size)))
    yield turn(random.between(20, 100), revise(agent, key(random, size), note(random)))
    yield turn(random.between(250, 750), appendEvent(agent, 'answered', random.between(50, 4_000)))
  }
}

/**
 * Wakes, asks for everything at once, writes its result, sleeps; some searches are given up by an impatient
 * caller.
 */
function* invocations(agent: number, random: Random, size: DataSize): Generator<Turn, never> {
  for (;;) {
    const burst = Array.from({ length: random.between(4, 8) }, () => lookup(agent, random, size))
    yield turn(random.between(1, 10), ...burst)
    if (random.chance(0.2)) yield turn(1, similar(random, random.between(60, 400)))
    yield turn(random.between(200, 600), remember(agent, key(random, size), note(random)))
  }
}

/** Tiny questions with short pauses: 95 % lookups, the rest a line in the log. */
function* glances(agent: number, random: Random, size: DataSize): Generator<Turn, never> {
  for (;;) {
    const statement = random.chance(0.95)
      ? lookup(agent, random, size)
      : appendEvent(agent, 'asked', random.between(1, 50))
    yield turn(random.between(15, 60), statement)
  }
}

/** Lookups with hardly a pause, a few writes, and now and then a report. */
function* tightLoop(agent: number, random: Random, size: DataSize): Generator<Turn, never> {
  for (;;) {
    const report = random.chance(0.006)
    const write = random.chance(0.05)
    if (report) {
      const first = random.between(1, Math.max(1, Math.floor(size.events / 4)))
      yield turn(random.between(5, 20), countTokens(first, first + Math.floor(size.events * 0.7)))
    } else if (write) yield turn(random.between(1, 5), remember(agent, key(random, size), note(random)))
    else yield turn(random.between(1, 5), lookup(agent, random, size))
  }
}

const turn = (thinkMillis: number, ...statements: Statement[]): Turn => ({ statements, thinkMillis })
const document = (random: Random, size: DataSize): number => random.between(1, size.documents)
const key = (random: Random, size: DataSize): number => random.between(1, size.keys)
const note = (random: Random): string => `note ${random.between(1, 1_000_000)}`

function lookup(agent: number, random: Random, size: DataSize): Statement {
  const choice = random.between(1, 4)
  if (choice === 1) return recall(agent, key(random, size))
  if (choice === 2) return findChunks(document(random, size))
  if (choice === 3) return latestEvents(agent)
  return findDocument(document(random, size))
}

function similar(random: Random, giveUpMillis?: number): Statement {
  const embedding = Array.from(
    { length: dimensions },
    () => Math.round((2 * random.next() - 1) * 1_000) / 1_000,
  )
  return findSimilar(embedding, random.between(0, topics - 1), giveUpMillis)
}
