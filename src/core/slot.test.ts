import { expect, test } from 'vitest'
import type { SlotKind, SlotState } from './slot.ts'
import { Slots } from './slot.ts'

const connection = {
  resource: 'c',
  openedAt: 0,
  createdAt: 0,
  expiresAt: 9,
  generation: 0,
  uses: 0,
  askedAt: 0,
}

const STATES: { readonly [K in SlotKind]: () => SlotState<string> & { readonly kind: K } } = {
  opening: () => ({
    kind: 'opening',
    since: 0,
    controller: new AbortController(),
    pending: Promise.resolve('c'),
  }),
  idle: () => ({ kind: 'idle', since: 0, connection }),
  checking: () => ({ kind: 'checking', limited: false, since: 0, connection }),
  leased: () => ({
    kind: 'leased',
    limited: false,
    since: 0,
    connection,
    agent: undefined,
    longLived: false,
    origin: undefined,
  }),
  shared: () => ({
    kind: 'shared',
    limited: false,
    since: 0,
    connection,
    agent: undefined,
    longLived: false,
    origin: undefined,
  }),
  cancelling: () => ({ kind: 'cancelling', limited: false, since: 0, connection }),
  closing: () => ({ kind: 'closing', limited: false, since: 0, connection, reason: 'idle' }),
}

const KINDS = Object.keys(STATES) as SlotKind[]

/** How to reach each state by possible moves. */
const WAYS: Record<SlotKind, readonly SlotKind[]> = {
  opening: [],
  idle: ['idle'],
  checking: ['idle', 'checking'],
  leased: ['idle', 'leased'],
  shared: ['idle', 'shared'],
  cancelling: ['idle', 'leased', 'cancelling'],
  closing: ['closing'],
}

const POSSIBLE: Record<SlotKind, readonly SlotKind[]> = {
  opening: ['idle', 'closing'],
  idle: ['leased', 'shared', 'checking', 'closing'],
  checking: ['idle', 'closing'],
  leased: ['idle', 'checking', 'cancelling', 'closing'],
  shared: ['idle', 'checking', 'cancelling', 'closing'],
  cancelling: ['idle', 'checking', 'closing'],
  closing: [],
}

function slotIn(kind: SlotKind) {
  const slots = new Slots<string>()
  const slot = slots.take(STATES.opening())
  for (const step of WAYS[kind]) slots.move(slot, STATES[step]())
  return { slots, slot }
}

const moves = KINDS.flatMap((from) =>
  KINDS.map((to) => [from, to, POSSIBLE[from].includes(to) ? 'is possible' : 'throws BUG'] as const),
)

test.each(moves)('from %s to %s %s', (from, to, verdict) => {
  const { slots, slot } = slotIn(from)
  const move = () => slots.move(slot, STATES[to]())
  if (verdict === 'throws BUG') expect(move).toThrow(`BUG: slot ${slot.id} cannot move from ${from} to ${to}`)
  else expect(move).not.toThrow()
  const now = verdict === 'throws BUG' ? from : to
  expect(slot.state.kind).toBe(now)
  expect(slots.counts).toEqual({ ...Object.fromEntries(KINDS.map((kind) => [kind, 0])), [now]: 1 })
  expect([...slots.idle]).toEqual(now === 'idle' ? [slot] : [])
  expect(slots.total).toBe(1)
})

test.each(KINDS)('freeing a slot that is %s works only after a close or an open', (kind) => {
  const { slots, slot } = slotIn(kind)
  if (kind !== 'closing' && kind !== 'opening')
    return expect(() => slots.free(slot)).toThrow(`BUG: slot ${slot.id} is freed while ${kind}`)
  slots.free(slot)
  expect([slots.total, slots.counts[kind], [...slots]]).toEqual([0, 0, []])
  return expect(() => slots.free(slot)).toThrow(`BUG: slot ${slot.id} is freed twice`)
})

test('idle slots stand in the order in which they came to rest', () => {
  const slots = new Slots<string>()
  const [a, b, c] = [1, 2, 3].map(() => slots.take(STATES.opening()))
  if (a === undefined || b === undefined || c === undefined) throw new Error('three were taken')
  for (const slot of [b, c, a]) slots.move(slot, STATES.idle())
  expect([...slots.idle]).toEqual([b, c, a])
  slots.move(c, STATES.leased())
  slots.move(c, STATES.idle())
  expect([...slots.idle]).toEqual([b, a, c])
})

test('a slot held against a share of the pool counts until what it does has ended', () => {
  const { slots, slot } = slotIn('idle')
  const counts = [slots.limited]
  for (const state of [
    { ...STATES.leased(), limited: true },
    { ...STATES.cancelling(), limited: true },
  ]) {
    slots.move(slot, state)
    counts.push(slots.limited)
  }
  slots.move(slot, STATES.idle())
  expect([...counts, slots.limited]).toEqual([0, 1, 1, 0])
})
