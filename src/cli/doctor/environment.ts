/** What is wrong with the pool that the environment describes, before anybody makes it. */
import { SluiceError } from '../../base/errors.ts'
import type { Limits } from '../../monitor/activity.ts'
import { advise } from '../../monitor/advise.ts'
import type { Finding } from '../../monitor/finding.ts'
import { snapshotOf } from '../../monitor/snapshot.ts'
import { Pool } from '../../postgres/pool.ts'
import type { EnvConfig } from '../../profiles/from-env.ts'
import { poolConfigFromEnv } from '../../profiles/from-env.ts'
import type { Endpoint } from '../check/probe.ts'

type Env = Readonly<Record<string, string | undefined>>

/** What the pool would meet. */
export interface Site {
  /** Who greeted the doctor. */
  readonly endpoint: Endpoint
  readonly limits: Limits
  /** Processes that each make such a pool. */
  readonly instances: number
}

/** Findings about `new Pool(poolConfigFromEnv(env))` at a server. Opens nothing. */
export async function environmentFindings(env: Env, site: Site): Promise<Finding[]> {
  try {
    const config = poolConfigFromEnv(env)
    return [...mismatch(config.endpoint, site.endpoint), ...(await adviceFor(config, site))]
  } catch (error) {
    if (!SluiceError.is(error, 'SLUICE_BAD_OPTION')) throw error
    return [unreadable(error)]
  }
}

/** A pool that has opened nothing yet tells its options, and ends before it could. */
async function adviceFor(config: EnvConfig, { limits, instances }: Site): Promise<readonly Finding[]> {
  const pool = new Pool(config)
  const ended = pool.end()
  const findings = advise(snapshotOf(pool), undefined, { ...limits, instances })
  await ended
  return findings
}

function unreadable({ message }: SluiceError): Finding {
  return {
    code: 'bad-configuration',
    severity: 'critical',
    title: 'The environment describes no pool that could be made',
    evidence: `${message}.`,
    reason: 'new Pool(poolConfigFromEnv()) throws this, so the process does not start.',
    change: 'Correct the value; sluice config shows where each one comes from.',
  }
}

/** What was said of the endpoint, against who answered. Whether a pooler lends by session cannot be told from here. */
function mismatch(said: EnvConfig['endpoint'], seen: Endpoint): Finding[] {
  if (said === 'direct' && seen === 'pooler') {
    return [
      {
        code: 'endpoint-mismatch',
        severity: 'warning',
        title: 'A pooler answers where the environment says that the server does',
        evidence: 'endpoint is direct; the process that greeted is not the one that runs the statements.',
        reason:
          'Named statements, SET, LISTEN and advisory locks end up in sessions of others: "prepared statement does not exist".',
        change:
          'Set POOL_MODE=transaction (session where the pooler is set to that), or use the string of the server itself.',
      },
    ]
  }
  if (said === 'transaction' && seen === 'direct') {
    return [
      {
        code: 'endpoint-mismatch',
        severity: 'advice',
        title: 'The server itself answers where the environment says that a pooler does',
        evidence: 'endpoint is transaction; the process that greeted also runs the statements.',
        reason:
          'Lanes and prepared statements are off for nothing, and each connection is a session of the server.',
        change: 'Leave POOL_MODE and pgbouncer=true out, or use the connection string of the pooler.',
      },
    ]
  }
  return []
}
