/** Checked by the compiler: the AWS SDK's own client fits. */
import type { CloudWatchClient as BareClient, CloudWatch } from '@aws-sdk/client-cloudwatch'
import type { Pool } from '../../src/index.ts'
import type { CloudWatchClient, CloudWatchExport } from '../../src/monitor/index.ts'
import { cloudWatch } from '../../src/monitor/index.ts'

declare const pool: Pool
declare const client: CloudWatch
declare const bare: BareClient

export const asClient: CloudWatchClient = client
export const exported: CloudWatchExport = cloudWatch({ web: pool, jobs: pool }, client, {
  namespace: 'Shop',
  dimensions: { Service: 'checkout' },
})
export const disposable: AsyncDisposable = cloudWatch(pool, client, {
  namespace: 'Shop',
  everyMillis: 10_000,
})
// @ts-expect-error the client without methods for operations
cloudWatch(pool, bare, { namespace: 'Shop' })
// @ts-expect-error without a namespace
cloudWatch(pool, client, {})
