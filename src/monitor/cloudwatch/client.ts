/** What is needed of CloudWatch: one method, which the class `CloudWatch` of the AWS SDK has. */

/** One value of one metric at one moment, as the API has it. */
export interface MetricDatum {
  MetricName: string
  Dimensions: { Name: string; Value: string }[]
  Timestamp: Date
  Value: number
  Unit: 'Count' | 'Percent'
}

/** The content of one request. */
export interface PutMetricDataInput {
  Namespace: string
  MetricData: MetricDatum[]
}

/** A client of CloudWatch. `CloudWatch` of `@aws-sdk/client-cloudwatch` is one; its `CloudWatchClient` has no such method. */
export interface CloudWatchClient {
  putMetricData(input: PutMetricDataInput, options?: { abortSignal?: AbortSignal }): Promise<unknown>
}

/** Errors of what is wrong with the request itself: it would be refused again. */
const REFUSALS = /^(?:Invalid(?:Parameter|Format)|Missing(?:Required)?Parameter|Validation|Serialization)/

/** Whether CloudWatch refuses a request for what is in it, so that to send it again is in vain. */
export function isRefusal(error: unknown): boolean {
  const { name, $metadata } = (error ?? {}) as {
    name?: unknown
    $metadata?: { httpStatusCode?: unknown }
  }
  return (typeof name === 'string' && REFUSALS.test(name)) || $metadata?.httpStatusCode === 413
}
