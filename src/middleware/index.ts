/** The database as each request has it, for Express, Fastify, Hono, Next and whatever else answers requests. */
export { type DatabaseOptions, databaseOf, type RequestDatabase } from './database.ts'
export { type HonoContext, honoDatabase, withDatabase } from './fetch.ts'
export {
  type ExpressResponse,
  expressDatabase,
  expressUnavailable,
  type FastifyHooks,
  type FastifyReply,
  fastifyDatabase,
  type NodeResponse,
} from './node.ts'
export type {
  Answer,
  CallOptions,
  LeaseOf,
  LeaseOptions,
  RequestLease,
  RequestPool,
  RequestPriority,
  RequestTransaction,
  TransactionOf,
  TransactionOptionsOf,
} from './pool.ts'
export { type Unavailable, unavailable } from './unavailable.ts'
