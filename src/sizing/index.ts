export type { NextSize, Seen, Size } from './vertical.ts'
export { firstSize, nextSize, VERTICAL } from './vertical.ts'
