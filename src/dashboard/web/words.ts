/** What the page says of one slot: in a cell, in a sentence, and for those who listen. */
import type { SlotFrame } from '../frame.ts'
import { age, duration, several, shortAge } from './format.ts'

/** A state of a slot. */
export type State = SlotFrame['state']

/** In the order in which a slot goes through them. */
export const STATES: readonly State[] = [
  'opening',
  'idle',
  'checking',
  'leased',
  'shared',
  'cancelling',
  'closing',
]

/** Held for longer than a statement should take, and longer than one may: the targets of a pool. */
export const HELD_WARN_MILLIS = 5_000
export const HELD_BAD_MILLIS = 30_000

/** How long a lease stands out: null where it does not. */
export type Held = 'warn' | 'bad' | null

export function heldOf({ sinceMillis, state }: SlotFrame): Held {
  if (state !== 'leased' || sinceMillis < HELD_WARN_MILLIS) return null
  return sinceMillis < HELD_BAD_MILLIS ? 'warn' : 'bad'
}

/** The sign of a state, so that nobody needs to tell colours apart. */
export function signOf(state: State): string {
  switch (state) {
    case 'opening':
      return '↑'
    case 'idle':
      return '·'
    case 'checking':
      return '?'
    case 'leased':
      return 'L'
    case 'shared':
      return '≡'
    case 'cancelling':
      return '×'
    case 'closing':
      return '↓'
  }
}

/** What stands in a cell: the sign, how many statements share it, or how long it is held where there is room for that. */
export function cellText(slot: SlotFrame, hasRoom: boolean): string {
  if (slot.state === 'shared' && slot.depth !== null) return String(slot.depth)
  if (slot.state === 'leased' && hasRoom && slot.sinceMillis >= 1000) return shortAge(slot.sinceMillis)
  return signOf(slot.state)
}

/** The name of a cell, without what changes all the time. */
export function cellName({ agent, depth, id, state }: SlotFrame, isOverflow: boolean): string {
  const words = [`Slot ${id}: ${state}`]
  if (state === 'shared' && depth !== null) words.push(several(depth, 'statement'))
  if (agent !== null) words.push(`agent ${agent}`)
  if (isOverflow) words.push('overflow')
  return words.join(', ')
}

/** Everything about a slot, as pairs of name and value. */
export function describe(slot: SlotFrame): readonly (readonly [name: string, value: string])[] {
  const held = heldOf(slot) === null ? '' : ' (long)'
  return [
    ['state', slot.reason === null ? slot.state : `${slot.state} (${slot.reason})`],
    [slot.state === 'leased' ? 'held for' : 'for', `${duration(slot.sinceMillis)}${held}`],
    ['agent', slot.agent ?? 'none'],
    ...(slot.depth === null ? [] : [['together', several(slot.depth, 'statement')] as const]),
    ['backend', slot.processId === null ? 'not known' : `pid ${slot.processId}`],
    ['age', age(slot.ageMillis)],
    ['uses', String(slot.uses)],
  ]
}

/** The same in one sentence, for those who listen. */
export function say(slot: SlotFrame): string {
  const rest = describe(slot).map(([name, value]) => `${name} ${value}`)
  return `Slot ${slot.id}: ${rest.join(', ')}.`
}
