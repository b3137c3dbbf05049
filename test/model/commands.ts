// What may happen to a pool, as data: fast-check makes lists of it, and a failing list can be read.
import fc from 'fast-check'
import type { CloseReason } from '../../src/core/driver.ts'
import type { PoolOptions, Priority } from '../../src/core/options.ts'
import type { Use } from '../../src/core/slot.ts'
import type { Operation } from '../support/fake-driver.ts'
import { OUTCOMES } from '../support/fake-driver.ts'

type Word = (typeof OUTCOMES)[number] | 'permanent'

/** `who` picks one of those it can apply to; with nobody there the command does nothing. */
export type Action =
  | { readonly do: 'nothing' }
  | {
      readonly do: 'acquire'
      readonly priority: Priority | undefined
      readonly agent: string | undefined
      readonly timeout: number | undefined
      readonly signal: 'none' | 'live' | 'aborted'
      readonly use: Use
      /** What the caller does inside its answer: nothing, give the lease back, let all join it, or after a refusal ask once more. */
      readonly react: 'none' | 'release' | 'admit all' | 'ask again'
    }
  | { readonly do: 'admit'; readonly who: number; readonly most: number }
  | { readonly do: 'release'; readonly who: number; readonly how: 'plain' | 'error' | 'cancel' }
  | { readonly do: 'release again'; readonly who: number }
  | { readonly do: 'abort'; readonly who: number }
  | { readonly do: 'script'; readonly operation: Operation; readonly outcomes: readonly Word[] }
  | { readonly do: 'verdict'; readonly reason: CloseReason }
  | { readonly do: 'plan'; readonly operation: Operation; readonly outcome: Word }
  | { readonly do: 'heal' }
  | { readonly do: 'kill'; readonly who: number; readonly told: boolean }
  | { readonly do: 'resize'; readonly max: number; readonly min: number }
  | { readonly do: 'grow' | 'drain' | 'clear' | 'pause' | 'resume' | 'end' }
  | { readonly do: 'advance' | 'jump'; readonly millis: number }

export interface Command {
  readonly action: Action
  /** How far promises get before the next one: nowhere (the same turn), one microtask, or all the way. */
  readonly until: 'at once' | 'microtask' | 'settled'
}

export interface Scenario {
  readonly options: PoolOptions & { readonly max: number; readonly maxOverflow: number }
  readonly honoursAbort: boolean
  readonly seed: number
  readonly commands: readonly Command[]
}

const operation = fc.constantFrom<Operation>('open', 'init', 'check', 'cancel', 'settle', 'close')
const word = fc.constantFrom<Word>(...OUTCOMES, 'permanent')
const who = fc.nat(20)
const millis = fc.constantFrom(0, 1, 5, 20, 30, 50, 60, 100, 350)

const acquire = fc.record({
  do: fc.constant('acquire' as const),
  priority: fc.constantFrom<Priority | undefined>(undefined, 'high', 'low', 2),
  agent: fc.constantFrom(undefined, 'a', 'a', 'b'),
  timeout: fc.constantFrom(undefined, 1, 40, 500),
  signal: fc.constantFrom('none', 'none', 'live', 'aborted'),
  use: fc.constantFrom<Use>('exclusive', 'exclusive', 'limited', 'limited', 'shared', 'shared'),
  react: fc.constantFrom('none', 'none', 'none', 'release', 'admit all', 'ask again'),
})
const release = fc.record({
  do: fc.constant('release' as const),
  who,
  how: fc.constantFrom('plain', 'plain', 'error', 'cancel'),
})
const admit = fc.record({ do: fc.constant('admit' as const), who, most: fc.constantFrom(1, 1, 2, 100) })
const advance = fc.record({ do: fc.constant('advance' as const), millis })

const action: fc.Arbitrary<Action> = fc.oneof(
  { withCrossShrink: true },
  { weight: 1, arbitrary: fc.constant<Action>({ do: 'nothing' }) },
  { weight: 16, arbitrary: acquire },
  { weight: 10, arbitrary: release },
  { weight: 8, arbitrary: advance },
  { weight: 4, arbitrary: admit },
  { weight: 1, arbitrary: fc.constant<Action>({ do: 'grow' }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release again' as const), who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('abort' as const), who }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('script' as const),
      operation,
      outcomes: fc.array(word, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('verdict' as const),
      reason: fc.constantFrom<CloseReason>('dirty', 'busy'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('plan' as const), operation, outcome: word }) },
  { weight: 2, arbitrary: fc.constant<Action>({ do: 'heal' }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const), who, told: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('resize' as const),
      max: fc.integer({ min: 1, max: 5 }),
      min: fc.integer({ min: 0, max: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('drain', 'clear', 'pause', 'resume', 'resume', 'resume') }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('jump' as const), millis }) },
)

const command: fc.Arbitrary<Command> = fc.record({
  action,
  until: fc.constantFrom('settled', 'microtask', 'at once'),
})

const options = fc
  .record({
    max: fc.integer({ min: 1, max: 4 }),
    min: fc.constantFrom(0, 0, 1),
    maxOverflow: fc.constantFrom(0, 0, 1, 2),
    acquireTimeoutMillis: fc.constant(200),
    connectionTimeoutMillis: fc.constantFrom(100, 20),
    checkTimeoutMillis: fc.constantFrom(50, 400),
    cancelTimeoutMillis: fc.constant(50),
    closeTimeoutMillis: fc.constantFrom(50, 10),
    endTimeoutMillis: fc.constantFrom(300, 0),
    queueLimit: fc.constantFrom(undefined, 0, 3),
    rejectOnFull: fc.boolean(),
    fifo: fc.constantFrom(false, false, true),
    ageMillis: fc.constant(30),
    idleTimeoutMillis: fc.constantFrom(0, 100),
    softIdleTimeoutMillis: fc.constantFrom(0, 40),
    maxLifetimeMillis: fc.constantFrom(0, 300),
    maxUses: fc.constantFrom(undefined, 3),
    evictionRunIntervalMillis: fc.constantFrom(0, 25),
    prePing: fc.constantFrom(false, true, 20),
    leakDetectionMillis: fc.constantFrom(0, 0, 60),
    allowExitOnIdle: fc.boolean(),
    agents: fc.constantFrom(
      undefined,
      { max: 1 },
      { max: { a: 2, '*': 1 } },
      { max: { b: 1 }, weight: { a: 3 } },
      { weight: { b: 2 } },
    ),
    limitedShare: fc.constantFrom(undefined, 0.5, 1),
    sharedDepth: fc.constantFrom(undefined, 1, 3),
  })
  // Plain order of arrival has no turns.
  .map(({ agents, ...rest }) => ({ ...rest, agents: rest.fifo ? undefined : agents }))

/** A pool and at least fifty things that happen to it. Sometimes the last of them come after its `end()`. */
export const scenario: fc.Arbitrary<Scenario> = fc.record({
  options,
  honoursAbort: fc.boolean(),
  seed: fc.nat(),
  commands: fc
    .tuple(
      fc.array(command, { minLength: 50, maxLength: 70 }),
      fc.option(fc.array(command, { maxLength: 12 })),
    )
    .map(([before, after]): Command[] =>
      after === null ? before : [...before, { action: { do: 'end' }, until: 'at once' }, ...after],
    ),
})
