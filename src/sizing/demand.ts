/** How many connections the callers of one process ask for: by agents, traffic, workers, and what each task holds. */
import type { Answer, Span } from './answer.ts'
import { said, saidSpan } from './answer.ts'
import { need } from './need.ts'

/** Agents of one process. */
export interface Agents {
  /** How many run at a time, 1 or more. */
  readonly agents: number
  /** Statements that one of them has under way at a time, 1 or more. */
  readonly statements: number
}

/** What is usual for so many agents. */
export interface Band {
  readonly agents: Span
  readonly connections: Span
}

export interface AgentsAnswer extends Answer {
  readonly formula: 'agents'
  readonly buffer: number
  /** Undefined above 200 agents. */
  readonly band: Band | undefined
}

/** The usual sizes. An edge belongs to the lower band. */
export const BANDS: readonly Band[] = [
  { agents: { from: 1, to: 10 }, connections: { from: 5, to: 25 } },
  { agents: { from: 10, to: 50 }, connections: { from: 20, to: 200 } },
  { agents: { from: 50, to: 200 }, connections: { from: 50, to: 1_000 } },
]

const AGENT_BUFFER = { percent: 20, least: 5 } as const

/**
 * Agents × statements at a time, and a buffer of 20 %, rounded up, of 5 at least.
 * @throws SLUICE_BAD_OPTION
 */
export function sizeForAgents(given: Agents): AgentsAnswer {
  const agents = need(given, 'agents', { min: 1 })
  const statements = need(given, 'statements', { min: 1 })
  const wanted = agents * statements
  const buffer = Math.max(AGENT_BUFFER.least, Math.ceil((wanted * AGENT_BUFFER.percent) / 100))
  const value = wanted + buffer
  const band = BANDS.find(({ agents: span }) => agents <= span.to)
  return {
    formula: 'agents',
    value,
    arithmetic: `${said(agents)} agents × ${said(statements)} + buffer ${said(buffer)} (20 %, at least 5) = ${said(value)}`,
    caveat: `It counts all of them in a statement at once; agents wait for models most of the time. ${inBand(value, band)}`,
    source: 'planning rule for agents: everybody at once, and a fifth more',
    buffer,
    band,
  }
}

function inBand(value: number, band: Band | undefined): string {
  if (band === undefined) return 'More than 200 agents have no usual size: spread them over processes.'
  const { agents, connections } = band
  const place =
    value > connections.to ? 'this is above' : value < connections.from ? 'this is below' : 'this is within'
  return `For ${saidSpan(agents)} agents ${saidSpan(connections)} are usual, ${place}.`
}

/** What one process is asked. */
export interface Traffic {
  /** Requests a second, 0 or more. */
  readonly perSecond: number
  /** Milliseconds of connection time that each needs, all its statements together, 0 or more. */
  readonly millis: number
}

export interface TrafficAnswer extends Answer {
  readonly formula: 'traffic'
  /** Connections that are busy on average. */
  readonly busy: number
}

/**
 * Little's law: busy connections = requests a second × seconds each; and half as many again, rounded up, at least one.
 * Source: Little, "A Proof for the Queuing Formula L = λW", Operations Research 9(3), 1961.
 * @throws SLUICE_BAD_OPTION
 */
export function sizeForTraffic(given: Traffic): TrafficAnswer {
  const perSecond = need(given, 'perSecond', { min: 0, whole: false })
  const millis = need(given, 'millis', { min: 0, whole: false, unit: ' (milliseconds)' })
  const busy = (perSecond * millis) / 1_000
  const value = Math.max(1, Math.ceil((perSecond * millis * 3) / 2_000))
  return {
    formula: 'traffic',
    value,
    arithmetic: `${said(perSecond)}/s × ${said(millis)} ms = ${said(busy)} busy; + 50 %, rounded up, at least 1 = ${said(value)}`,
    caveat:
      'It is true of averages: give it the rate of the busiest minute, and the time that statements take under that load. Statements that share lanes need fewer.',
    source: 'Little’s law, L = λW (Operations Research 9(3), 1961)',
    busy,
  }
}

/** Workers of one process, such as consumers of a queue. */
export interface Workers {
  readonly workers: number
  /** Statements that each has under way at a time. */
  readonly each: number
}

/** Workers × statements of each at a time. @throws SLUICE_BAD_OPTION */
export function sizeForWorkers(given: Workers): Answer & { readonly formula: 'workers' } {
  const workers = need(given, 'workers', { min: 1 })
  const each = need(given, 'each', { min: 1 })
  const value = workers * each
  return {
    formula: 'workers',
    value,
    arithmetic: `${said(workers)} workers × ${said(each)} = ${said(value)}`,
    caveat: 'It is the most they can use. Workers that do anything but ask the database use fewer.',
    source: 'counting: no caller beyond these exists',
  }
}

/** Tasks that take a second connection while they hold a first. */
export interface Nested {
  /** How many run at a time. */
  readonly tasks: number
  /** Connections that one of them holds at once. */
  readonly held: number
}

/**
 * Tasks × (connections held at once − 1) + 1: with fewer, all tasks may wait for each other for ever. A floor, not a size.
 * Source: HikariCP, "About Pool Sizing", on pool-locking.
 * @throws SLUICE_BAD_OPTION
 */
export function sizeForNested(given: Nested): Answer & { readonly formula: 'nested' } {
  const tasks = need(given, 'tasks', { min: 1 })
  const held = need(given, 'held', { min: 1 })
  const value = tasks * (held - 1) + 1
  return {
    formula: 'nested',
    value,
    arithmetic: `${said(tasks)} tasks × (${said(held)} − 1) + 1 = ${said(value)}`,
    caveat:
      'It only keeps them from waiting for each other for ever: one task at a time gets on. Passing the held connection down is better than a larger pool.',
    source: 'HikariCP, About Pool Sizing (pool-locking)',
  }
}
