/** A picture of a pool as CloudWatch's metrics. */
import type { MonitoredStats } from '../monitored.ts'
import type { MetricDatum } from './client.ts'
import type { Dimension } from './options.ts'

/** One pool at one moment: four values. */
export function dataOf(
  { idle, total, utilization, waiting }: MonitoredStats,
  dimensions: readonly Dimension[],
  epoch: number,
): MetricDatum[] {
  const datum = (MetricName: string, Value: number, Unit: MetricDatum['Unit']): MetricDatum => {
    return { MetricName, Dimensions: [...dimensions], Timestamp: new Date(epoch), Value, Unit }
  }
  return [
    datum('PoolTotalCount', total, 'Count'),
    datum('PoolIdleCount', idle, 'Count'),
    datum('PoolWaitingCount', waiting, 'Count'),
    datum('PoolUtilization', utilization, 'Percent'),
  ]
}

/**
 * What a value takes of a request at most, in bytes, whichever protocol the client speaks. The longest is the Query protocol, with a
 * prefix for each field and three bytes for each character that it escapes.
 */
export function bytesOf({ Dimensions }: MetricDatum): number {
  return Dimensions.reduce((sum, { Name, Value }) => sum + 100 + 3 * (Name.length + Value.length), 300)
}
