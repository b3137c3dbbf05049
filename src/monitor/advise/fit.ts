/** Whether the kind of pool fits the process, the endpoint and the work. */
import type { Draft, Scene } from './scene.ts'
import { count, millis, SYMPTOMS } from './scene.ts'

/** `persistent` is for processes that live for hours. */
const LONG_LIFE_MILLIS = 3_600_000

const SMALL_POOL = 3
/** What a moderate statement is expected to take at most. */
const LONG_STATEMENT_MILLIS = 1_000

export function fit(scene: Scene): readonly Draft[] {
  return [...profile(scene), ...sessionMode(scene), ...prepared(scene), ...longInSmall(scene)]
}

function isShortLived(name: string | undefined): boolean {
  return name === 'serverless' || name === 'edge'
}

function profile({ serverless, settings, uptimeMillis = 0 }: Scene): readonly Draft[] {
  const name = settings.profile
  const base = { code: 'wrong-profile', severity: 'advice' } as const
  if (isShortLived(name) && serverless !== true && uptimeMillis >= LONG_LIFE_MILLIS)
    return [
      {
        ...base,
        title: `The profile ${name} is for short lives, and this process lives long`,
        evidence: `profile ${name}; the process is up for ${millis(uptimeMillis)} (an hour or more)`,
        reason: 'its connections are closed after moments and opened anew, where they could stay',
        change: "profile 'persistent'",
      },
    ]
  if ((name === 'persistent' || name === 'high-performance') && serverless === true)
    return [
      {
        ...base,
        severity: 'warning',
        title: `The profile ${name} is for processes that live for hours, and this one is serverless`,
        evidence: `profile ${name} with min ${count(settings.min)} in a serverless process`,
        reason:
          'every instance opens its min, is frozen with it, and wakes up with connections that are gone',
        change: "profile 'serverless'",
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
      evidence: `endpoint ${endpoint}, up to ${count(max)} sessions for each instance`,
      reason: 'there are as many instances as there are requests, and frozen ones keep their sessions',
      change:
        'connect through a pooler in transaction mode (on Supabase port 6543, on Neon the -pooler host)',
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
      evidence: `endpoint transaction, and ${count(preparedStatements)} prepared statements are kept for each connection`,
      reason:
        'the next statement may run in another session: prepared statement does not exist (26000), or already exists (42P05)',
      change:
        'leave prepare out or set it to false; PgBouncer carries them from 1.21 on with max_prepared_statements above 0',
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
      evidence: `max ${count(settings.max)}; ${evidence}`,
      reason: `${settings.max === 1 ? 'one of them holds' : `${count(settings.max)} of them hold`} the whole pool, and every short statement waits behind them`,
      change: 'run long work in another process or pool, or raise max to 10',
      explains: SYMPTOMS,
    },
  ]
}
