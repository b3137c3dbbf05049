/** What is wrong with the pool that the environment describes, before anybody makes it. */
import { SluiceError } from '../../base/errors.ts'
import type { Draft } from '../../monitor/rank.ts'
import type { Snapshot } from '../../monitor/snapshot.ts'
import { snapshotOf } from '../../monitor/snapshot.ts'
import type { EndpointFacts } from '../../postgres/knowledge.ts'
import { Pool } from '../../postgres/pool.ts'
import { poolConfigFromEnv } from '../../profiles/from-env.ts'
import type { Configured } from './facts.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Looks at `new Pool(poolConfigFromEnv(env))`. Opens nothing. @param met the endpoint that was found where it would connect to */
export async function configuredBy(env: Env, met: EndpointFacts): Promise<Configured> {
  try {
    const pool = new Pool(poolConfigFromEnv(env))
    // A pool that has opened nothing yet tells its options, and ends before it could.
    const ended = pool.end()
    const [told, snapshot] = [pool.endpoint(), snapshotOf(pool)]
    await ended
    return { snapshot: at(snapshot, told, met), findings: mismatch(told, met) }
  } catch (error) {
    if (!SluiceError.is(error, 'SLUICE_BAD_OPTION')) throw error
    return { snapshot: undefined, findings: [unreadable(error)] }
  }
}

/** The picture once the pool has met its endpoint. What it was told it believes; what it only assumes it finds out. */
function at(snapshot: Snapshot, told: EndpointFacts, met: EndpointFacts): Snapshot {
  if (isUncertain(told, met)) return snapshot
  const { settings } = snapshot
  const findsOut = told.known === 'assumed' && !met.preparedStatements
  return {
    ...snapshot,
    settings: {
      ...settings,
      endpoint: met.endpoint,
      preparedStatements: findsOut ? 0 : settings.preparedStatements,
      carriesPrepared: met.preparedStatements,
    },
  }
}

/** Whether a pooler lends sessions for good is not known where it has neither said nor shown it: then whoever says so is believed. */
function isUncertain(told: EndpointFacts, met: EndpointFacts): boolean {
  return told.endpoint === 'session' && met.pooler !== undefined && met.mode === undefined
}

function unreadable({ message }: SluiceError): Draft {
  return {
    code: 'bad-configuration',
    severity: 'critical',
    title: 'The environment describes no pool that could be made',
    evidence: `${message}.`,
    reason: 'new Pool(poolConfigFromEnv()) throws this, so the process does not start.',
    change: 'Correct the value; sluice config shows where each one comes from.',
  }
}

const LOST =
  'Prepared statements, SET, LISTEN and advisory locks end up in sessions of others: prepared statement does not exist (26000).'

/** What the pool was told of its endpoint, against who answered. A pool that was told nothing finds out by itself. */
function mismatch(told: EndpointFacts, met: EndpointFacts): readonly Draft[] {
  if (told.known === 'assumed' || told.endpoint === met.endpoint || isUncertain(told, met)) return []
  const evidence = `The pool goes by ${told.endpoint} (${told.evidence}); found: ${inWords(met)}, since ${met.evidence}.`
  const base = { code: 'endpoint-mismatch', evidence, explains: ['prepared-through-pooler'] } as const
  if (met.endpoint === 'transaction') return beforeTransactions(told, base)
  if (met.endpoint === 'session' && told.endpoint === 'direct')
    return [
      {
        ...base,
        severity: 'advice',
        title: 'A pooler answers where the environment says that the server does',
        reason: 'It may swallow time limits that the pool leaves to the server, and has limits of its own.',
        change: 'Set POOL_MODE=session, or use the connection string of the server itself.',
      },
    ]
  if (told.endpoint !== 'transaction') return []
  return [
    {
      ...base,
      severity: 'advice',
      title: `${met.endpoint === 'direct' ? 'The server itself' : 'A pooler in session mode'} answers where the environment says that a transaction pooler does`,
      reason:
        'Lanes and prepared statements are off for nothing, and each connection is a session of the server.',
      change: 'Leave POOL_MODE and pgbouncer=true out, or use the connection string of the pooler.',
    },
  ]
}

function beforeTransactions(
  told: EndpointFacts,
  base: Pick<Draft, 'code' | 'evidence' | 'explains'>,
): readonly Draft[] {
  const isDirect = told.endpoint === 'direct'
  return [
    {
      ...base,
      severity: 'warning',
      title: isDirect
        ? 'A pooler answers where the environment says that the server does'
        : 'The pooler lends sessions by the transaction where the environment says for good',
      reason: LOST,
      change: `${isDirect ? 'Use the connection string of the server itself, or set' : 'Set'} POOL_MODE=transaction, or leave it to the pool to find out.`,
    },
  ]
}

/** `PgBouncer 1.18.0 in transaction mode`. */
export function inWords({ endpoint, mode, pooler, version }: EndpointFacts): string {
  if (pooler === undefined) return endpoint === 'direct' ? 'the server itself' : 'a pooler'
  const name = pooler === 'unknown' ? 'a pooler' : NAMES[pooler]
  const how = mode === undefined ? 'in a mode that it does not tell' : `in ${mode} mode`
  return `${name}${version === undefined ? '' : ` ${version}`} ${how}`
}

const NAMES = {
  pgbouncer: 'PgBouncer',
  supavisor: 'Supavisor',
  neon: "Neon's pooler",
  'rds-proxy': 'RDS Proxy',
}
