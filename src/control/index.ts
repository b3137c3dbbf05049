/** Pools whose size follows their load. */
export {
  type Adaptation,
  type AdaptOptions,
  type AdaptSurroundings,
  adapt,
  type Evidence,
  type GrowthRefusal,
  type SizeChange,
} from './adapt.ts'
export { serverRoom } from './room.ts'
export type { Asked, Watched } from './watched.ts'
export type { WindowFigures } from './window.ts'
