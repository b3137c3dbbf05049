export type { Answer, Formula, Span } from './answer.ts'
export type {
  Agents,
  AgentsAnswer,
  Band,
  Nested,
  Traffic,
  TrafficAnswer,
  Workers,
} from './demand.ts'
export { BANDS, sizeForAgents, sizeForNested, sizeForTraffic, sizeForWorkers } from './demand.ts'
export type { Preference } from './preference.ts'
export type { Preset, TrafficAdvice, TrafficName, TrafficSeen } from './presets.ts'
export { adviceForTraffic, PRESETS, trafficOf } from './presets.ts'
export type { ProcessSize, Question, Recommendation } from './recommend.ts'
export { recommend } from './recommend.ts'
export type {
  AllocationAnswer,
  Backends,
  Hardware,
  HardwareAnswer,
  Instances,
  InstancesAnswer,
  Shares,
} from './supply.ts'
export {
  ALLOCATION,
  allocate,
  BACKEND_MEGABYTES,
  memoryOf,
  sizeForHardware,
  sizeForInstances,
} from './supply.ts'
export type { SizeResult, SweepRound, SweepVerdict } from './sweep.ts'
export { judgeSweep } from './sweep.ts'
export type { Tier, TierAnswer, TierName } from './tiers.ts'
export { minFor, sizeForTier, TIERS } from './tiers.ts'
export type { SizeThroughput, UslCurve, UslFit } from './usl.ts'
export { fitUsl, uslKnee, uslPeak, uslThroughput } from './usl.ts'
export type { NextSize, Seen, Size } from './vertical.ts'
export { firstSize, nextSize, VERTICAL } from './vertical.ts'
