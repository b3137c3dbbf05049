/** Pools whose size follows their load. */
export { type Adaptation, type AdaptSurroundings, adapt } from './adapt.ts'
export type { AdaptOptions, Evidence, GrowthRefusal, SizeChange } from './options.ts'
export { serverRoom } from './room.ts'
export type { Asked, Watched } from './watched.ts'
export type { WindowFigures } from './window.ts'
