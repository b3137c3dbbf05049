/** `sluice check`: is the database there, and what is it. */
import { Command } from 'commander'
import type { Outcome } from './check/examine.ts'
import { examine } from './check/examine.ts'
import { describeFindings, describeTrouble } from './check/report.ts'
import { unlessAborted } from './interrupt.ts'
import { numberOption } from './numbers.ts'
import { toJson } from './paint.ts'
import { exitCodes } from './refusal.ts'
import { openScreen } from './screen.ts'
import type { Target } from './target.ts'
import { targetFrom } from './target.ts'

interface CheckOptions {
  json?: true
  timeout: number
}

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
      const target = targetFrom(url, 'check')
      const outcome = await unlessAborted(signal, examine(target, options.timeout * 1_000))
      say(target, outcome, options)
      process.exitCode = 'found' in outcome ? exitCodes.fine : exitCodes.failed
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
