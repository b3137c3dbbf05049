/** The slots of a pool as a row of letters, a colour for each state, and what the letters mean. */
import type { PoolFrame, SlotFrame } from '../../dashboard/frame.ts'
import type { Paint } from '../paint.ts'
import { millis } from '../paint.ts'

type State = SlotFrame['state']

/** In the order of the legend. */
const letters: Readonly<Record<State, string>> = {
  leased: 'L',
  shared: 'S',
  idle: 'i',
  opening: 'o',
  checking: 'c',
  cancelling: 'x',
  closing: '-',
}
const order = Object.keys(letters) as State[]
const mostRows = 4

function styleOf(state: State, paint: Paint): (text: string) => string {
  switch (state) {
    case 'leased':
      return paint.busy
    case 'shared':
      return (text) => paint.bold(paint.busy(text))
    case 'idle':
      return paint.good
    case 'opening':
    case 'checking':
      return paint.bold
    case 'cancelling':
      return paint.bad
    case 'closing':
      return paint.dim
  }
}

/** Rows of `width` letters at most; empty places are dots, and what is above the pool's max stands behind a bar. */
export function slotRows({ slots, max }: PoolFrame, width: number, paint: Paint): string[] {
  const cells = slots.map(({ state }) => styleOf(state, paint)(letters[state]))
  while (cells.length < max && cells.length < mostRows * width) cells.push(paint.dim(paint.glyphs.dot))
  if (cells.length > max) cells.splice(max, 0, '|')
  const rows: string[] = []
  for (let at = 0; at < cells.length && rows.length < mostRows; at += width)
    rows.push(cells.slice(at, at + width).join(''))
  const places = Math.max(max, slots.length)
  if (places > mostRows * width) rows.push(paint.dim(`… ${places - mostRows * width} more`))
  return rows
}

/** `L 4 leased   S 2 shared, 7 deep   i 1 idle`: the states that occur, and how many places are empty. */
export function legend({ slots, max }: PoolFrame, paint: Paint): string {
  const parts = order.flatMap((state) => {
    const these = slots.filter((slot) => slot.state === state)
    if (these.length === 0) return []
    const depth = these.reduce((sum, slot) => sum + (slot.depth ?? 0), 0)
    return `${styleOf(state, paint)(letters[state])} ${these.length} ${state}${depth > 0 ? `, ${depth} deep` : ''}`
  })
  const empty = Math.max(0, max - slots.length)
  if (empty > 0) parts.push(`${paint.dim(paint.glyphs.dot)} ${empty} empty`)
  return parts.join('   ')
}

/** Who has held a connection longest: `planner for 12.3 s`. Undefined where nobody holds one. */
export function longestHeld({ slots }: PoolFrame): string | undefined {
  const held = slots.filter(({ state }) => state === 'leased')
  const [first, ...others] = held
  if (first === undefined) return undefined
  const longest = others.reduce((most, slot) => (slot.sinceMillis > most.sinceMillis ? slot : most), first)
  return `${longest.agent ?? 'no agent'} for ${millis(longest.sinceMillis)}`
}
