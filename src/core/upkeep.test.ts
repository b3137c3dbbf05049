import { expect, test } from 'vitest'
import type { PoolOptions } from './options.ts'
import { readPoolOptions } from './options.ts'
import { Slots } from './slot.ts'
import { inspect } from './upkeep.ts'

interface Resting {
  readonly since: number
  readonly expiresAt?: number
}

/** Idle slots, oldest rest first, beside slots that are leased and closing. */
function look(
  options: PoolOptions,
  now: number,
  idle: readonly Resting[],
  others: { leased?: number; closing?: number } = {},
) {
  const slots = new Slots<string>()
  const opening = () => ({
    kind: 'opening' as const,
    since: 0,
    controller: new AbortController(),
    pending: Promise.resolve(''),
  })
  const rest = (name: string, since: number, expiresAt = Number.POSITIVE_INFINITY) => {
    const slot = slots.take(opening())
    const connection = {
      resource: name,
      openedAt: 0,
      createdAt: 0,
      expiresAt,
      generation: 0,
      uses: 0,
      askedAt: 0,
    }
    slots.move(slot, { kind: 'idle', since, connection })
    return { slot, connection }
  }
  for (const [n, { since, expiresAt }] of idle.entries()) rest(String(n), since, expiresAt)
  for (let n = 0; n < (others.leased ?? 0); n++) {
    const { slot, connection } = rest('leased', 0)
    slots.move(slot, {
      kind: 'leased',
      limited: false,
      since: 0,
      connection,
      agent: undefined,
      longLived: false,
      origin: undefined,
    })
  }
  for (let n = 0; n < (others.closing ?? 0); n++)
    slots.move(slots.take(opening()), {
      kind: 'closing',
      since: 0,
      reason: 'late',
      connection: undefined,
      limited: false,
    })
  const { due, nextAt } = inspect(slots, readPoolOptions(options), now)
  const names = due.map(({ slot, reason }) => {
    return `${slot.state.kind === 'idle' ? slot.state.connection.resource : slot.state.kind} ${reason}`
  })
  return { due: names.join(', '), nextAt }
}

const never = Number.POSITIVE_INFINITY
const soft = { idleTimeoutMillis: 0, softIdleTimeoutMillis: 10 }
const three = [{ since: 0 }, { since: 5 }, { since: 9 }]

test.each<[string, ReturnType<typeof look>, ReturnType<typeof look>]>([
  ['nothing is due before its time', look({ idleTimeoutMillis: 10 }, 9, three), { due: '', nextAt: 10 }],
  [
    'the longest idle go first, each at its time',
    look({ idleTimeoutMillis: 10 }, 15, three),
    { due: '0 idle, 1 idle', nextAt: 19 },
  ],
  [
    'min connections stay',
    look({ idleTimeoutMillis: 10, min: 2 }, 50, three),
    { due: '0 idle', nextAt: never },
  ],
  [
    'lent connections count towards min',
    look({ idleTimeoutMillis: 10, min: 2 }, 50, three, { leased: 2 }),
    { due: '0 idle, 1 idle, 2 idle', nextAt: never },
  ],
  [
    'closing connections do not count towards min',
    look({ idleTimeoutMillis: 10, min: 3 }, 50, three, { closing: 2 }),
    { due: '', nextAt: never },
  ],
  [
    'the soft timeout keeps min idle ones, whatever is lent',
    look({ ...soft, min: 2 }, 50, three, { leased: 5 }),
    { due: '0 idle', nextAt: never },
  ],
  [
    'past its lifetime a connection goes whatever min says',
    look({ idleTimeoutMillis: 0, min: 3, max: 3 }, 50, [
      { since: 0 },
      { since: 1, expiresAt: 50 },
      { since: 2 },
    ]),
    { due: '1 lifetime', nextAt: never },
  ],
  [
    'the next lifetime is waited for',
    look({ idleTimeoutMillis: 0 }, 50, [
      { since: 0, expiresAt: 80 },
      { since: 1, expiresAt: 60 },
    ]),
    { due: '', nextAt: 60 },
  ],
  ['no timeout, nothing to do', look({ idleTimeoutMillis: 0 }, 1e9, three), { due: '', nextAt: never }],
])('%s', (_name, found, expected) => {
  expect(found).toEqual(expected)
})
