/** Probes and scrapes over HTTP, as standard functions from Request to Response, and a way to use them with node:http. */
export type { Handler } from './http/answer.ts'
export type {
  HealthHandlerSurroundings,
  LivenessOptions,
  LivePool,
  ReadinessOptions,
} from './http/health.ts'
export { healthHandler } from './http/health.ts'
export type { ScrapedRegistry } from './http/metrics.ts'
export { metricsHandler } from './http/metrics.ts'
export type { NodeRequest, NodeResponse } from './http/node.ts'
export { nodeHandler } from './http/node.ts'
