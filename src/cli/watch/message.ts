/**
 * What a dashboard says, read with care: a server that is none must not break the command, nor its texts the terminal.
 * Only what is shown is checked; fields that a later version adds are no harm.
 */
import { harmless } from '../../base/harmless.ts'
import type { Frame, Hello, PoolFrame, Slow, SlowPoolFrame } from '../../dashboard/frame.ts'
import type { ServerEvent } from './events.ts'

/** One thing said. */
export type Message =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | { readonly kind: 'frame'; readonly frame: Frame }
  | { readonly kind: 'slow'; readonly slow: Slow }

/** What came is not what a dashboard says. */
export class NotADashboard extends Error {}

type Check = (value: unknown) => boolean
type Parts<T> = { readonly [K in keyof T]?: Check }

const text: Check = (value) => typeof value === 'string'
const number: Check = (value) => typeof value === 'number'
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function shape<T>(parts: Parts<T>): Check {
  return (value) =>
    isObject(value) && Object.entries<Check | undefined>(parts).every(([name, check]) => check?.(value[name]))
}

const states = ['opening', 'idle', 'checking', 'leased', 'shared', 'cancelling', 'closing']

const event = shape<Frame['events'][number]>({ id: number, at: number, level: text, text })

const pool = shape<PoolFrame>({
  name: text,
  state: text,
  max: number,
  counts: shape<PoolFrame['counts']>({ total: number, waiting: number, leaking: number, lost: number }),
  utilization: number,
  oldestWaitMillis: number,
  reuse: number,
  lastOpenFailure: orNull(
    shape<NonNullable<PoolFrame['lastOpenFailure']>>({ message: text, ageMillis: number }),
  ),
  wait: shape<PoolFrame['wait']>({ p95: orNull(number) }),
  perSecond: shape<PoolFrame['perSecond']>({ answered: number, failed: number }),
  classes: list(
    shape<PoolFrame['classes'][number]>({
      class: text,
      perSecond: number,
      p50: orNull(number),
      p95: orNull(number),
      p99: orNull(number),
    }),
  ),
  queue: shape<PoolFrame['queue']>({
    rows: list(
      shape<PoolFrame['queue']['rows'][number]>({
        priority: number,
        agent: orNull(text),
        waiting: number,
        oldestMillis: number,
      }),
    ),
    more: number,
  }),
  breaker: orNull(
    shape<NonNullable<PoolFrame['breaker']>>({
      state: text,
      failures: number,
      calls: number,
      retryAfterMillis: number,
    }),
  ),
  slots: list(
    shape<PoolFrame['slots'][number]>({
      state: (value) => states.includes(value as string),
      sinceMillis: number,
      agent: orNull(text),
      depth: orNull(number),
    }),
  ),
})

const slowPools = list(
  shape<SlowPoolFrame>({
    name: text,
    endpoint: orNull(text),
    advice: list(shape<SlowPoolFrame['advice'][number]>({ severity: text, title: text, change: text })),
  }),
)

const hello = shape<Hello>({ version: text, run: text, slow: slowPools, events: list(event) })
const frame = shape<Frame>({ at: number, pools: list(pool), events: list(event) })
const slow = shape<Slow>({ pools: slowPools })

/** What an event says; undefined for one of a name that is not known here. @throws NotADashboard */
export function readMessage({ name, data }: ServerEvent): Message | undefined {
  switch (name) {
    case 'hello':
      return { kind: 'hello', hello: read<Hello>(data, hello, name) }
    case 'frame':
      return { kind: 'frame', frame: read<Frame>(data, frame, name) }
    case 'slow':
      return { kind: 'slow', slow: read<Slow>(data, slow, name) }
    default:
      return undefined
  }
}

function read<T>(data: string, check: Check, name: string): T {
  let value: unknown
  try {
    value = JSON.parse(data, (_, part: unknown) => (typeof part === 'string' ? harmless(part) : part))
  } catch {
    throw new NotADashboard(`its event "${name}" is not JSON`)
  }
  if (check(value)) return value as T
  throw new NotADashboard(`its event "${name}" lacks what this version of Sluice shows`)
}
