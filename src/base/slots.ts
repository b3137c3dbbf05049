/** The states of a pool's slots, and which of them count as busy: one meaning for statistics, metrics and pictures. */
import type { PoolNumbers } from './errors.ts'

/** Every state of a slot, in the order of its life. */
export const SLOT_STATES: readonly Exclude<keyof PoolNumbers, 'max' | 'waiting'>[] = [
  'opening',
  'idle',
  'checking',
  'leased',
  'shared',
  'cancelling',
  'closing',
]

/** Slots that somebody has, or that are not ready for anybody: what utilization is told from. */
export function busyOf({
  cancelling,
  checking,
  leased,
  shared,
}: Pick<PoolNumbers, 'cancelling' | 'checking' | 'leased' | 'shared'>): number {
  return leased + shared + checking + cancelling
}
