// One caller of the model, and what may be said to it.
import { SluiceError } from '../../src/base/errors.ts'
import type { Lease } from '../../src/core/lease.ts'
import type { PoolStats } from '../../src/core/stats.ts'
import type { FakeConnection } from '../support/fake-driver.ts'
import type { Queued } from './order.ts'
import type { Needs } from './share.ts'

export interface Caller extends Queued {
  readonly dueAt: number
  readonly abort: AbortController | undefined
  answers: number
  lease: Lease<FakeConnection> | undefined
}

/** The model when a caller is refused. */
export interface Moment {
  readonly now: number
  readonly mode: PoolStats['state']
  readonly max: number
  readonly idle: number
  /** What those need who wait beside it. */
  readonly needs: Needs
  /** How many more slots limited work may hold. */
  readonly shareLeft: number
  /** How many more its agent may hold, beyond those of it that wait. */
  readonly agentRoom: number
  /** Checks that the engine still counts on. */
  readonly checking: number
  /** Time has jumped and no timer has fired since. */
  readonly frozen: boolean
  /** Who is asking right now. */
  readonly asking: Caller | undefined
}

export interface Refusal {
  /** The counter of the pool that must have moved. */
  readonly counted: 'timeouts' | 'aborted' | 'rejected' | 'shed' | undefined
  /** What is wrong with it, if anything. */
  readonly wrong: string | undefined
}

const OPEN_TIMEOUT = 'Connection terminated due to connection timeout: not open after'

function judge(holds: boolean, otherwise: string, counted?: Refusal['counted']): Refusal {
  return { counted, wrong: holds ? undefined : otherwise }
}

/** Whether this caller could be refused with this error at this moment. */
export function judgeRefusal(caller: Caller, error: unknown, moment: Moment): Refusal {
  const { asking, checking, frozen, idle, max, mode, needs, now } = moment
  const { id } = caller
  if (!SluiceError.is(error)) {
    const fromDriver = /^(?:open failed|init failed|hopeless)$/.test((error as Error).message)
    return judge(fromDriver, `${id} is refused with ${String(error)}`)
  }
  if (error.numbers?.max !== max || error.phase === undefined)
    return judge(false, `${error.code} says ${error.phase} and ${JSON.stringify(error.numbers)}`)
  // While the pool ends, the error of an open goes to everybody who waits for one.
  if (error.message.startsWith(OPEN_TIMEOUT)) return judge(mode === 'ending', error.message)
  switch (error.code) {
    case 'SLUICE_ACQUIRE_TIMEOUT':
    case 'SLUICE_OPEN_TIMEOUT':
    case 'SLUICE_OPEN_FAILED':
      return judge(now >= caller.dueAt, `${id} timed out too early`, 'timeouts')
    case 'SLUICE_ABORTED':
      return judge(caller.abort?.signal.aborted === true, `${id} did not abort`, 'aborted')
    case 'SLUICE_SHED':
      if (error.message.startsWith('its turn would come')) {
        const certain = caller.ownMillis !== undefined && idle === 0 && asking === caller
        return judge(certain && (error.retryAfterMillis ?? 0) > caller.ownMillis, `${id} is shed`, 'shed')
      }
      return judge(caller.level > (asking?.level ?? 9), `${id} gave way to somebody less urgent`, 'rejected')
    case 'SLUICE_QUEUE_FULL':
      return judge(
        // An idle one beside waiters is theirs, as soon as the engine doubts the checks that they count on.
        idle === 0 ||
          mode === 'paused' ||
          idle <= needs.servable - (frozen ? 0 : checking) ||
          isStuck(caller, moment),
        `${id} is refused beside ${idle} idle`,
        'rejected',
      )
    case 'SLUICE_POOL_ENDED':
      return judge(mode !== 'running' && mode !== 'paused', `${id} is told that a ${mode} pool ended`)
    case 'SLUICE_UNSUPPORTED_ON_ENDPOINT':
    case 'SLUICE_BAD_OPTION':
    case 'SLUICE_BREAKER_OPEN':
    case 'SLUICE_CONNECTION_LOST':
    case 'SLUICE_QUERY_TIMEOUT':
    case 'SLUICE_TRANSACTION_TIMEOUT':
      return judge(false, `${id} is refused with ${error.code}`)
  }
}

/** Whether an idle connection is no use to it, because limited work holds, or those before it will hold, all that it may. */
function isStuck({ use }: Caller, { agentRoom, needs, shareLeft }: Moment): boolean {
  if (use !== 'shared' && agentRoom <= 0) return true
  return use === 'limited' && (needs.stuck > 0 || needs.turns >= shareLeft)
}
