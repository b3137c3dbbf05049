/** What each agent may have: how many connections at once, and how many turns. */
import { SluiceError } from '../base/errors.ts'
import type { Given } from '../base/options.ts'
import { readNumber } from '../base/options.ts'

/** Bounds and turns of agents, by their labels. Callers without a label are one agent in turns, and without bound. */
export interface AgentOptions {
  /**
   * Connections that one agent may hold at once, until what it did on them has ended: one number for all, or a record by
   * agent in which `'*'` stands for all others. A place on a shared connection does not count. Each 1 to 10,000; default
   * without bound.
   */
  readonly max?: number | Readonly<Record<string, number>> | undefined
  /** Turns that an agent gets for each turn of the others, by agent. Each 1 to 100; default 1. */
  readonly weight?: Readonly<Record<string, number>> | undefined
}

/** {@link AgentOptions}, read. */
export interface AgentSettings {
  readonly max: ReadonlyMap<string, number>
  /** What agents may hold that are not named; infinite without a bound. */
  readonly maxOfOthers: number
  readonly weight: ReadonlyMap<string, number>
}

const ANYBODY = '*'

/** Reads the bounds of agents. @throws SLUICE_BAD_OPTION naming the agent */
export function readAgents(given: Given): AgentSettings | undefined {
  const { agents } = given
  if (agents === undefined) return undefined
  if (typeof agents !== 'object' || agents === null) bad('agents must be an object with max and weight')
  const { max, weight, ...rest } = agents as Record<string, unknown>
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) bad(`agents has max and weight, and no ${JSON.stringify(unknown)}`)
  const most = typeof max === 'object' ? readRecord(max, 'agents.max', 10_000) : new Map<string, number>()
  const all =
    typeof max === 'object'
      ? most.get(ANYBODY)
      : readNumber({ 'agents.max': max }, 'agents.max', { min: 1, max: 10_000 })
  most.delete(ANYBODY)
  return {
    max: most,
    maxOfOthers: all ?? Number.POSITIVE_INFINITY,
    weight: weight === undefined ? new Map() : readRecord(weight, 'agents.weight', 100),
  }
}

function readRecord(record: unknown, name: string, max: number): Map<string, number> {
  if (typeof record !== 'object' || record === null || Array.isArray(record))
    bad(`${name} must be ${name === 'agents.max' ? 'a number or ' : ''}a record of numbers by agent`)
  const read = new Map<string, number>()
  for (const [agent, value] of Object.entries(record)) {
    const path = `${name}[${JSON.stringify(agent)}]`
    const number = readNumber({ [path]: value }, path, { min: 1, max })
    if (number !== undefined) read.set(agent, number)
  }
  return read
}

function bad(sentence: string): never {
  throw new SluiceError('SLUICE_BAD_OPTION', sentence)
}

/** Turns that an agent gets for each turn of the others. */
export function weightOf(settings: AgentSettings | undefined, agent: string | undefined): number {
  return agent === undefined ? 1 : (settings?.weight.get(agent) ?? 1)
}

/** What one bounded agent has and waits for. */
interface Account {
  readonly max: number
  held: number
  exclusive: number
  limited: number
}

/** Keeps the accounts of the agents that are bounded. Each event costs O(1). */
export class Agents {
  readonly #settings: AgentSettings
  readonly #accounts = new Map<string, Account>()
  readonly #excess = { exclusive: 0, limited: 0 }
  /** Told when an agent may have no more, and when it may again. */
  onFull: (agent: string, isFull: boolean) => void = () => undefined

  constructor(settings: AgentSettings) {
    this.#settings = settings
  }

  /** What an agent holds and may hold, where that is all that it may hold. */
  fullness(agent: string | undefined): { readonly held: number; readonly max: number } | undefined {
    const account = agent === undefined ? undefined : this.#accounts.get(agent)
    return account !== undefined && account.held >= account.max ? account : undefined
  }

  /** How many more than those that wait could have a connection, if there was one. */
  roomBeyond(agent: string | undefined): number {
    if (agent === undefined) return Number.POSITIVE_INFINITY
    const account = this.#accounts.get(agent)
    if (account === undefined) return this.#maxOf(agent)
    return account.max - account.held - account.exclusive - account.limited
  }

  /** Waiters beyond what their agents may have, by use: of those who are counted in the share of the pool only as far as the others leave them anything. */
  get excess(): { readonly exclusive: number; readonly limited: number } {
    return this.#excess
  }

  /** Somebody begins to wait, or does not wait any more. */
  waits(agent: string | undefined, use: 'exclusive' | 'limited' | 'shared', by: 1 | -1): void {
    if (agent === undefined || use === 'shared') return
    this.#change(agent, (account) => {
      account[use] += by
    })
  }

  /** An agent takes a connection, or what it did there has ended. */
  holds(agent: string, by: 1 | -1): void {
    this.#change(agent, (account) => {
      account.held += by
    })
  }

  #maxOf(agent: string): number {
    return this.#settings.max.get(agent) ?? this.#settings.maxOfOthers
  }

  #change(agent: string, change: (account: Account) => void): void {
    const max = this.#maxOf(agent)
    if (max === Number.POSITIVE_INFINITY) return
    const account = this.#accounts.get(agent) ?? { max, held: 0, exclusive: 0, limited: 0 }
    const wasFull = account.held >= max
    this.#count(account, -1)
    change(account)
    this.#count(account, 1)
    if (account.held + account.exclusive + account.limited === 0) this.#accounts.delete(agent)
    else this.#accounts.set(agent, account)
    const isFull = account.held >= max
    if (isFull !== wasFull) this.onFull(agent, isFull)
  }

  #count({ exclusive, held, limited, max }: Account, by: 1 | -1): void {
    const room = Math.max(0, max - held)
    this.#excess.exclusive += by * Math.max(0, exclusive - room)
    this.#excess.limited += by * Math.max(0, limited - Math.max(0, room - exclusive))
  }
}
