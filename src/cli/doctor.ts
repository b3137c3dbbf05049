/** `sluice doctor`: what is wrong with a database and the pools at it, and what to change. */
import { Command } from 'commander'
import type { Finding } from '../monitor/finding.ts'
import type { EndpointFacts } from '../postgres/knowledge.ts'
import { examine } from './check/examine.ts'
import { describeTrouble } from './check/report.ts'
import { APPLICATION, patientAt } from './doctor/ask.ts'
import { diagnose, worst } from './doctor/diagnose.ts'
import type { Facts } from './doctor/facts.ts'
import { gather } from './doctor/gather.ts'
import { looked } from './doctor/looked.ts'
import { describe } from './doctor/report.ts'
import { unlessAborted } from './interrupt.ts'
import { numberOption } from './numbers.ts'
import { toJson } from './paint.ts'
import { exitCodes } from './refusal.ts'
import type { Screen } from './screen.ts'
import { openScreen } from './screen.ts'
import type { Target } from './target.ts'
import { targetFrom } from './target.ts'
import type { Trouble } from './trouble.ts'
import { explain } from './trouble.ts'

interface DoctorOptions {
  json?: true
  timeout: number
  instances: number
}

type Result = { facts: Facts; findings: readonly Finding[] } | { trouble: Trouble }

/** The command; `signal` ends it early. */
export function doctorCommand(signal: AbortSignal): Command {
  const processes = { name: '--instances', min: 1, max: 10_000, fallback: 1 }
  const seconds = { name: '--timeout', min: 1, max: 60, fallback: 5 }
  return new Command('doctor')
    .description('say what is wrong with a database and the pools at it, why, and what to change')
    .argument('[url]', 'a connection string; default: the environment variable DATABASE_URL')
    .addOption(numberOption(seconds, 'seconds to wait for the server'))
    .addOption(numberOption(processes, 'processes that each make the pool of the environment'))
    .option('--json', 'one JSON object and nothing else')
    .addHelpText(
      'after',
      `
It reads and changes nothing, needs no special role, and uses one session at a time, named
"${APPLICATION}"; through a pooler up to three, for the moment it takes to know its mode. It
also reads the variables that poolConfigFromEnv() reads, and judges the pool that they
describe. With pg_read_all_stats it sees more; what it could not see it says.

Exit code: 0 nothing wrong (advice at most), 3 a warning, 4 something critical,
1 not connected, 2 the command or the URL makes no sense.`,
    )
    .action(async (url: string | undefined, options: DoctorOptions) => {
      const target = targetFrom(url, 'doctor')
      const result = await unlessAborted(signal, look(target, options))
      say(target, result, options)
      process.exitCode = exitCodeOf(result)
    })
}

async function look(target: Target, { timeout, instances }: DoctorOptions): Promise<Result> {
  const timeoutMillis = timeout * 1_000
  // First over a connection that ends at once: only that tells a pooler from a server, and every kind of trouble apart.
  const outcome = await examine(target, timeoutMillis, APPLICATION)
  if ('trouble' in outcome) return outcome
  const env = { ...process.env, DATABASE_URL: target.url }
  const patient = patientAt(target, timeoutMillis)
  try {
    const endpoint = outcome.found.endpoint === 'direct' ? direct() : await patient.endpoint()
    const facts = await gather(patient, target, { env, endpoint, instances, timeoutMillis })
    return { facts, findings: diagnose(facts) }
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    return { trouble: explain(cause, target) }
  } finally {
    await patient.end()
  }
}

/** Whoever was greeted by the process that runs the statements has nobody in between, whatever the address looks like. */
function direct(): EndpointFacts {
  return {
    endpoint: 'direct',
    ...{ pooler: undefined, version: undefined, mode: undefined },
    known: 'asked',
    evidence: 'the process that greeted also runs the statements',
    isOpen: false,
    ...{ lanes: true, preparedStatements: true, sessionWork: 'here', limits: 'server' },
  }
}

function exitCodeOf(result: Result): number {
  if ('trouble' in result) return exitCodes.failed
  switch (worst(result.findings)) {
    case 'critical':
      return exitCodes.critical
    case 'warning':
      return exitCodes.warning
    case 'advice':
    case undefined:
      return exitCodes.fine
  }
}

function say(target: Target, result: Result, { json }: DoctorOptions): void {
  if (json) {
    console.log(toJson(bodyOf(target, result)))
    return
  }
  const screen = openScreen(process.stdout, process.env)
  screen.print(...linesOf(target, result, screen))
  screen.close()
}

function bodyOf({ host, port }: Target, result: Result): object {
  if ('trouble' in result) return { ok: false, host, port, ...result.trouble }
  const { activity, endpoint, health, unseen } = result.facts
  const { pooler, version, mode, known, evidence } = endpoint
  const { server, role, database, limits, total, active, idleInTransaction } = activity
  return {
    ok: true,
    host,
    port,
    ...{ server, role, database },
    endpoint: { is: endpoint.endpoint, pooler, version, mode, known, evidence },
    // The pool's own check is about the doctor's.
    health: { database: health.checks.database, sessions: health.checks.sessions },
    looked: looked(result.facts, result.findings),
    sessions: { total, active, idleInTransaction, ...limits },
    findings: result.findings,
    unseen,
  }
}

function linesOf(target: Target, result: Result, { paint, width }: Screen): string[] {
  return 'trouble' in result
    ? describeTrouble(result.trouble, paint, width)
    : describe(result.findings, result.facts, target, paint, width)
}
