/** Checked by the compiler: the real loggers, and the pools, fit what `log()` takes. */
import pino from 'pino'
import winston from 'winston'
import { createPools, Pool } from '../../src/index.ts'
import type { Log, LoggedPool } from '../../src/monitor/index.ts'
import { log } from '../../src/monitor/index.ts'

declare const pool: Pool

export const asLogged: LoggedPool = pool
export const withPino: Log = log(pool, pino(), { echo: true })
export const withChild: Log = log({ web: pool }, pino().child({ part: 'database' }))
export const withWinston: Log = log(createPools({ web: {}, jobs: {} }, { max: 10 }), winston.createLogger())
export const withConsole: Log = log(new Map([['web', new Pool()]]), console, { shape: 'message-first' })

// @ts-expect-error an option that does not exist
log(pool, console, { level: 'warn' })

// @ts-expect-error no logger
log(pool, { write: (line: string) => line })
