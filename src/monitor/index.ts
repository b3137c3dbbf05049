/** Health, activity and advice: what is wrong with a pool or its server, why, and what to change; and exporters for those who watch. */

export type {
  Activity,
  ActivityOptions,
  ActivitySurroundings,
  ApplicationSessions,
  Blocked,
  Limits,
  ServerTimeouts,
  Session,
} from './activity.ts'
export { activity } from './activity.ts'
export type { AdviceLimits } from './advise.ts'
export { advise } from './advise.ts'
export type { AlertOptions } from './alerts.ts'
export { alertRules } from './alerts.ts'
export type { CloudWatchClient, MetricDatum, PutMetricDataInput } from './cloudwatch/client.ts'
export type { CloudWatchOptions } from './cloudwatch/options.ts'
export type { CloudWatchExport, CloudWatchStats, CloudWatchSurroundings } from './cloudwatch.ts'
export { cloudWatch } from './cloudwatch.ts'
export type {
  ClassMetrics,
  CollectedPool,
  ExtraCollector,
  ExtraRequest,
  ExtraResult,
  Figures,
  MetricsListener,
  Monitor,
  MonitorOptions,
  MonitorSurroundings,
  PoolKind,
  PoolMetrics,
  RecentMetrics,
  StatsMetrics,
} from './collect.ts'
export { monitor } from './collect.ts'
export type { ExplainClient, ExplainOptions, ExplainSource, Explanation } from './explain.ts'
export { explain } from './explain.ts'
export type { Finding, Severity } from './finding.ts'
export type { GrafanaOptions } from './grafana.ts'
export { grafanaDashboard } from './grafana.ts'
export type {
  Check,
  CheckOutcome,
  ExtraCheck,
  Health,
  HealthOptions,
  HealthStatus,
  HealthSurroundings,
  NamedSources,
  PoolsHealth,
} from './health.ts'
export { health } from './health.ts'
export type {
  Handler,
  HealthHandlerSurroundings,
  LivenessOptions,
  LivePool,
  NodeRequest,
  NodeResponse,
  ReadinessOptions,
  ScrapedRegistry,
} from './http.ts'
export { healthHandler, metricsHandler, nodeHandler } from './http.ts'
export type { AutoscalerOptions } from './kubernetes.ts'
export { horizontalPodAutoscaler, prometheusAdapterRule } from './kubernetes.ts'
export type {
  BreakerChange,
  FieldsFirst,
  Log,
  LogEvent,
  LogFields,
  LoggedPool,
  LoggerShape,
  LogLevel,
  LogOptions,
  LogSurroundings,
  MessageFirst,
} from './log.ts'
export { log } from './log.ts'
export type { MonitoredPool, MonitoredStats, NamedPools } from './monitored.ts'
export type { Meter, Span, Tracer } from './opentelemetry/api.ts'
export type { OpenTelemetryOptions, ServerAttributes } from './opentelemetry/options.ts'
export type { Telemetry, TelemetrySurroundings } from './opentelemetry.ts'
export { openTelemetry } from './opentelemetry.ts'
export type { PostgresqlConfOptions } from './postgresql-conf.ts'
export { postgresqlConf } from './postgresql-conf.ts'
export type {
  PrometheusExport,
  PrometheusOptions,
  PrometheusRegistry,
  PrometheusSurroundings,
} from './prometheus.ts'
export { prometheus } from './prometheus.ts'
export type {
  ScalingAdvice,
  ScalingKind,
  ScalingOptions,
  ScalingReport,
  ScalingSample,
  ScalingUnknown,
  Seen,
} from './scaling.ts'
export { sampleOf, scalingAdvice } from './scaling.ts'
export type { Circumstances, Snapshot } from './snapshot.ts'
export { snapshotOf } from './snapshot.ts'
export type { AskOptions, Row, Source, SourceConnection, SourceSettings, SourceStatement } from './source.ts'
