/** Whether the kind of pool fits the process, the endpoint and the work. */
import { isProcessId } from '../../base/process-id.ts'
import type { Draft } from '../rank.ts'
import { count, millis, several } from '../words.ts'
import type { Scene } from './scene.ts'
import { SYMPTOMS } from './scene.ts'

/** `persistent` is for processes that live for hours. */
const LONG_LIFE_MILLIS = 3_600_000

const SMALL_POOL = 3
/** What a moderate statement is expected to take at most. */
const LONG_STATEMENT_MILLIS = 1_000

export function fit(scene: Scene): readonly Draft[] {
  return [
    ...profile(scene),
    ...sessionMode(scene),
    ...mismatch(scene),
    ...prepared(scene),
    ...pipelined(scene),
    ...longInSmall(scene),
  ]
}

function isShortLived(name: string | undefined): boolean {
  return name === 'serverless' || name === 'edge'
}

/**
 * A process is at least as old as its pool: that it lives long can be seen. That it will not live long cannot be seen of a young one,
 * so a profile for long lives is found wrong only where the process is known to be serverless.
 */
function profile({ serverless, settings, stats, uptimeMillis = 0 }: Scene): readonly Draft[] {
  const name = settings.profile
  const life = Math.max(uptimeMillis, stats.ageMillis)
  const base = { code: 'wrong-profile', severity: 'advice' } as const
  if (isShortLived(name) && serverless !== true && life >= LONG_LIFE_MILLIS)
    return [
      {
        ...base,
        title: `The profile ${name} is for short lives, and this process lives long`,
        evidence: `Profile ${name}; the process is up for ${millis(life)} or more (an hour is long).`,
        reason: 'Its connections are closed after moments and opened anew, where they could stay.',
        change:
          "Set profile: 'persistent'; if it is a function that is frozen between requests, say so: circumstances.serverless.",
      },
    ]
  if ((name === 'persistent' || name === 'high-performance') && serverless === true)
    return [
      {
        ...base,
        severity: 'warning',
        title: `The profile ${name} is for processes that live for hours, and this one is serverless`,
        evidence: `Profile ${name} with min ${count(settings.min)} in a serverless process.`,
        reason:
          'Every instance opens its min, is frozen with it, and wakes up with connections that are gone.',
        change: "Set profile: 'serverless'.",
      },
    ]
  return []
}

function sessionMode({ serverless, settings }: Scene): readonly Draft[] {
  const { endpoint, max } = settings
  if ((serverless !== true && !isShortLived(settings.profile)) || endpoint === 'transaction') return []
  return [
    {
      code: 'session-mode-serverless',
      severity: 'warning',
      title: 'A serverless process holds sessions of the server',
      evidence: `Endpoint ${endpoint}, up to ${count(max)} sessions for each instance.`,
      reason: 'There are as many instances as there are requests, and frozen ones keep their sessions.',
      change:
        'Connect through a pooler in transaction mode (on Supabase port 6543, on Neon the -pooler host).',
    },
  ]
}

function mismatch({ connections, settings }: Scene): readonly Draft[] {
  const strange = connections.filter(
    ({ processId }) => processId !== undefined && !isProcessId(processId),
  ).length
  if (settings.endpoint !== 'direct' || strange === 0) return []
  return [
    {
      code: 'endpoint-mismatch',
      severity: 'warning',
      title: 'A pooler answers where the pool was told that the server does',
      evidence: `Endpoint direct; ${several(strange, 'connection')} with the number of no process, as PgBouncer makes them up.`,
      reason:
        'Prepared statements, SET, LISTEN and advisory locks may end up in sessions of others: prepared statement does not exist (26000).',
      change:
        "Leave endpoint out, so that the pool asks, or say endpoint: 'transaction' or 'session' as the pooler is set.",
    },
  ]
}

function prepared({ settings }: Scene): readonly Draft[] {
  const { carriesPrepared, endpoint, preparedStatements } = settings
  if (endpoint !== 'transaction' || preparedStatements === 0 || carriesPrepared === true) return []
  return [
    {
      code: 'prepared-through-pooler',
      severity: 'warning',
      title: 'Statements are prepared through a pooler that may not carry them',
      evidence: `Endpoint transaction, and ${count(preparedStatements)} prepared statements are kept for each connection.`,
      reason:
        'The next statement may run in another session: prepared statement does not exist (26000), or already exists (42P05).',
      change:
        'Leave prepare out or set it to false; PgBouncer carries them from 1.21 on with max_prepared_statements above 0.',
    },
  ]
}

function pipelined({ settings }: Scene): readonly Draft[] {
  if (settings.endpoint !== 'transaction' || settings.pipelining !== true) return []
  return [
    {
      code: 'pipelining-through-pooler',
      severity: 'advice',
      title: 'Lanes were asked for and the pooler cannot carry them',
      evidence: `Endpoint transaction, and pipelining is on${settings.profile === undefined ? '' : ` (profile ${settings.profile})`}.`,
      reason:
        'Each statement has a connection to itself all the same, so the pool does less than it was sized for.',
      change: 'Connect to the server itself, or through a pooler in session mode; else leave pipelining out.',
    },
  ]
}

function longInSmall({ activity, settings, statements }: Scene): readonly Draft[] {
  if (settings.max > SMALL_POOL) return []
  const learned = statements.find(({ highMillis }) => highMillis >= LONG_STATEMENT_MILLIS)
  const own = activity?.longest?.own === true ? activity.longest : undefined
  const runs = own?.statementMillis ?? 0
  if (learned === undefined && runs < LONG_STATEMENT_MILLIS) return []
  const evidence =
    learned === undefined
      ? `${own?.statement ?? 'a statement that could not be seen'} runs for ${millis(runs)}`
      : `${learned.text} takes up to ${millis(learned.highMillis)} (${count(learned.calls)} calls)`
  return [
    {
      code: 'long-statements-small-pool',
      severity: 'warning',
      title: `Long statements run in a pool of ${count(settings.max)}`,
      evidence: `max is ${count(settings.max)}; ${evidence}.`,
      reason: `${settings.max === 1 ? 'One of them holds' : `${count(settings.max)} of them hold`} the whole pool, and every short statement waits behind them.`,
      change: 'Run long work in another process or pool, or raise max to 10.',
      explains: SYMPTOMS,
    },
  ]
}
