import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../test/support/manual-clock.ts'
import { numbersWith } from '../../test/support/numbers.ts'
import { SluiceError } from '../base/errors.ts'
import type { BreakerOptions } from '../resilience/breaker.ts'
import { Breaker, readBreaker } from '../resilience/breaker.ts'
import type { Told } from './call.ts'
import type { Scene } from './gate.ts'
import { Gate } from './gate.ts'

const coded = (code: string, more = {}) => Object.assign(new Error(`failed with ${code}`), { code, ...more })
const away = coded('ECONNRESET', { syscall: 'read' })
const numbers = numbersWith({ max: 3 })

function scene(options: BreakerOptions = {}) {
  const clock = new ManualClock()
  const settings = readBreaker({ openFailures: 2, minimumCalls: 4, cooldownMillis: 1_000, ...options })
  if (settings === undefined) throw new Error('no breaker')
  const states: string[] = []
  const breaker = new Breaker(
    settings,
    () => 0.999_999,
    (state) => states.push(state),
  )
  let state: Scene['state'] = 'running'
  const lastOpenFailure = { message: 'refused', code: 'ECONNREFUSED', ageMillis: 3 }
  const gate = new Gate(breaker, clock, () => ({ state, numbers, lastOpenFailure }))
  const said: unknown[] = []
  /** Lets calls through that end with these errors; undefined is a result. */
  const pass = (...errors: unknown[]) => {
    for (const error of errors)
      gate.pass<string>(
        (told) => (error === undefined ? told(undefined, 'rows') : told(error, undefined)),
        (failure, result) => said.push(result ?? (failure as { code?: string }).code ?? failure),
      )
  }
  /** Lets one through whose end is still to come. */
  const begin = (): Told<string> => {
    let end: Told<string> | undefined
    gate.pass<string>(
      (told) => {
        end = told
      },
      (failure, result) => said.push(result ?? (failure as { code?: string }).code),
    )
    return end ?? (() => said.push('never begun'))
  }
  const openFails = (error: unknown, times = 1) => {
    for (let n = 0; n < times; n++) gate.hooks.openFailed?.(error, 1)
  }
  return {
    begin,
    breaker,
    clock,
    gate,
    openFails,
    pass,
    said,
    states,
    become: (next: Scene['state']) => {
      state = next
    },
  }
}

describe('what opens it', () => {
  test('is opens that fail in a row', () => {
    const { breaker, gate, openFails } = scene()
    openFails(away)
    gate.hooks.opened?.({} as never, 1)
    openFails(away)
    expect(breaker.state).toBe('closed')
    openFails(away)
    expect(breaker.state).toBe('open')
  })

  test('is calls that the server does not answer', () => {
    const { breaker, pass, states } = scene()
    pass(undefined, undefined, away)
    expect(breaker.state).toBe('closed')
    pass(away)
    expect(states).toEqual(['open'])
  })

  test.each([
    ['SQL errors', coded('23505')],
    ['aborts', new SluiceError('SLUICE_ABORTED', '')],
    ['a full queue', new SluiceError('SLUICE_QUEUE_FULL', '')],
    ['a full pool', new SluiceError('SLUICE_ACQUIRE_TIMEOUT', '')],
    [
      'statements whose time was over before their turn',
      new SluiceError('SLUICE_QUERY_TIMEOUT', '', { outcome: 'not-sent' }),
    ],
    ['bad options', new SluiceError('SLUICE_BAD_OPTION', '')],
    [
      'those behind the head of a lost connection',
      new SluiceError('SLUICE_CONNECTION_LOST', '', { cause: away }),
    ],
  ])('is never %s', (_, error) => {
    const { pass, states } = scene()
    pass(...Array.from({ length: 100 }, () => error))
    expect(states).toEqual([])
  })

  test.each(['53300', '53400'])(
    'is never a server that has no more places (%s), since it serves those it has',
    (code) => {
      const { openFails, states } = scene()
      openFails(coded(code), 10)
      expect(states).toEqual([])
    },
  )
})

describe('while it is open', () => {
  test('a call is refused in its turn, with all that is known', () => {
    const { gate, openFails } = scene()
    openFails(away, 2)
    const told: unknown[] = []
    gate.pass(
      () => told.push('started'),
      (error) => told.push(error),
    )
    expect(told).toEqual([
      expect.objectContaining({
        code: 'SLUICE_BREAKER_OPEN',
        phase: 'queue',
        outcome: 'not-sent',
        retryAfterMillis: 1_000,
        numbers,
        lastOpenFailure: expect.objectContaining({ code: 'ECONNREFUSED' }),
      }),
    ])
  })

  test.each(['draining', 'ending', 'ended'] as const)('a pool that is %s says that instead', (state) => {
    const { become, openFails, pass, said, states } = scene()
    openFails(away, 2)
    become(state)
    pass(new SluiceError('SLUICE_POOL_ENDED', ''))
    expect([said, states]).toEqual([['SLUICE_POOL_ENDED'], ['open']])
  })

  test('what was let go before is told how it ended', () => {
    const { begin, breaker, openFails, said } = scene()
    const [good, bad] = [begin(), begin()]
    openFails(away, 2)
    good(undefined, 'rows')
    bad(away, undefined)
    expect([said, breaker.state]).toEqual([['rows', 'ECONNRESET'], 'open'])
  })
})

describe('after the cooldown', () => {
  const halfOpen = async () => {
    const parts = scene()
    parts.openFails(away, 2)
    await parts.clock.advance(1_000)
    return parts
  }

  test('one call goes to see, and the others are refused until it has ended', async () => {
    const { begin, breaker, pass, said } = await halfOpen()
    const end = begin()
    pass(undefined, undefined)
    expect([breaker.state, said]).toEqual(['half-open', ['SLUICE_BREAKER_OPEN', 'SLUICE_BREAKER_OPEN']])
    end(undefined, 'rows')
    pass(undefined)
    expect([breaker.state, said.slice(2)]).toEqual(['closed', ['rows', 'rows']])
  })

  test('an SQL error closes it: the server has answered', async () => {
    const { breaker, pass } = await halfOpen()
    pass(coded('42P01'))
    expect(breaker.state).toBe('closed')
  })

  test('a call that is not answered opens it again, for longer', async () => {
    const { breaker, gate, pass } = await halfOpen()
    pass(away)
    expect([breaker.state, gate.stats().retryAfterMillis]).toEqual(['open', 2_000])
  })

  test('a call that says nothing of the server leaves its place to the next', async () => {
    const { breaker, pass, said } = await halfOpen()
    pass(new SluiceError('SLUICE_ABORTED', ''), new SluiceError('SLUICE_QUEUE_FULL', ''))
    expect([breaker.state, said]).toEqual(['half-open', ['SLUICE_ABORTED', 'SLUICE_QUEUE_FULL']])
    pass(undefined)
    expect(breaker.state).toBe('closed')
  })

  test('a call that cannot even be started leaves its place to the next', async () => {
    const { breaker, gate, pass, said } = await halfOpen()
    const start = () => {
      throw new SluiceError('SLUICE_BAD_OPTION', 'priority')
    }
    expect(() => gate.pass(start, () => said.push('told'))).toThrow('priority')
    expect(said).toEqual([])
    pass(undefined)
    expect(breaker.state).toBe('closed')
  })
})
