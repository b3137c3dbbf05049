/** `sluice check`: is the database there, and what is it. */
import { connect } from 'node:net'
import { Command } from 'commander'
import type { Findings } from './check/probe.ts'
import { AdminConsole, probe } from './check/probe.ts'
import { describeFindings, describeTrouble } from './check/report.ts'
import { unlessAborted } from './interrupt.ts'
import { numberOption } from './numbers.ts'
import { toJson } from './paint.ts'
import { badInput, exitCodes } from './refusal.ts'
import { openScreen } from './screen.ts'
import type { Target } from './target.ts'
import { readTarget } from './target.ts'
import type { Trouble } from './trouble.ts'
import { explain, silent } from './trouble.ts'

interface CheckOptions {
  json?: true
  timeout: number
}

type Outcome = { found: Findings } | { trouble: Trouble }

/** The command; `signal` ends it early. */
export function checkCommand(signal: AbortSignal): Command {
  const seconds = { name: '--timeout', min: 1, max: 60, fallback: 5 }
  return new Command('check')
    .description('connect to a database and say what it is, or what is wrong')
    .argument('[url]', 'a connection string; default: the environment variable DATABASE_URL')
    .addOption(numberOption(seconds, 'seconds to wait for the server'))
    .option('--json', 'one JSON object and nothing else')
    .addHelpText(
      'after',
      `
A URL on the command line, password included, is seen by everybody on this machine
who can list processes, and stays in the history of the shell: prefer DATABASE_URL.

Exit code: 0 connected, 1 not, 2 the command or the URL makes no sense.`,
    )
    .action(async (url: string | undefined, options: CheckOptions) => {
      const target = targetFrom(url)
      const outcome = await unlessAborted(signal, examine(target, options.timeout * 1_000))
      say(target, outcome, options)
      process.exitCode = 'found' in outcome ? exitCodes.fine : exitCodes.failed
    })
}

function targetFrom(url: string | undefined): Target {
  if (url !== undefined) return readTarget(url, 'The URL')
  const { DATABASE_URL } = process.env
  if (!DATABASE_URL)
    throw badInput('Set DATABASE_URL, or give a connection string: sluice check postgres://…')
  return readTarget(DATABASE_URL, 'DATABASE_URL')
}

async function examine(target: Target, timeoutMillis: number): Promise<Outcome> {
  try {
    return { found: await probe(target, timeoutMillis) }
  } catch (error) {
    if (error instanceof AdminConsole) return { trouble: consoleTrouble(error) }
    const trouble = explain(error, target)
    if (trouble.kind === 'timeout' && (await accepts(target))) return { trouble: silent(target) }
    return { trouble }
  }
}

function consoleTrouble({ version }: AdminConsole): Trouble {
  return {
    kind: 'not-postgres',
    code: undefined,
    what: `This is the administration console of ${version}, not a database.`,
    advice: 'Name a database of yours at the end of the URL instead of "pgbouncer".',
  }
}

/** Whether a port takes connections at all: tells a mute server from a network that swallows packets. */
function accepts({ host, port }: Target): Promise<boolean> {
  if (host.startsWith('/')) return Promise.resolve(true)
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 })
    const settle = (accepted: boolean) => () => {
      socket.destroy()
      resolve(accepted)
    }
    socket.on('connect', settle(true)).on('timeout', settle(false)).on('error', settle(false))
  })
}

function say(target: Target, outcome: Outcome, { json }: CheckOptions): void {
  if (json) {
    const { host, port } = target
    const body =
      'found' in outcome
        ? { ok: true, host, port, ...outcome.found, tls: outcome.found.tls ?? null }
        : { ok: false, host, port, ...outcome.trouble }
    console.log(toJson(body))
    return
  }
  const screen = openScreen(process.stdout, process.env)
  const { paint, width } = screen
  screen.print(
    ...('found' in outcome
      ? describeFindings(outcome.found, target, paint, width)
      : describeTrouble(outcome.trouble, paint, width)),
  )
  screen.close()
}
