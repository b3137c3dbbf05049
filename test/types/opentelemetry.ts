/** Checked by the compiler: OpenTelemetry's own meter and tracer fit, and so do the pools. */
import type { Meter as RealMeter, Tracer as RealTracer } from '@opentelemetry/api'
import type { Pool as CorePool } from '../../src/core/index.ts'
import type { Pool } from '../../src/index.ts'
import { createPools } from '../../src/index.ts'
import type { Meter, MonitoredPool, Telemetry, Tracer } from '../../src/monitor/index.ts'
import { openTelemetry } from '../../src/monitor/index.ts'

declare const postgres: Pool
declare const core: CorePool<object>
declare const meter: RealMeter
declare const tracer: RealTracer

export const asMeter: Meter = meter
export const asTracer: Tracer = tracer
export const asMonitored: MonitoredPool = postgres
export const coreAsMonitored: MonitoredPool = core
export const one: Telemetry = openTelemetry(postgres, meter)
export const traced: Disposable = openTelemetry(postgres, meter, tracer)
export const grouped: Telemetry = openTelemetry(
  createPools({ web: {}, jobs: {} }, { max: 10 }),
  meter,
  undefined,
  {
    server: (name) => ({ address: 'db.example', port: 5432, namespace: name }),
  },
)
// @ts-expect-error a system that is no text
openTelemetry(postgres, meter, tracer, { server: { system: 7 } })
