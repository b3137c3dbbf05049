/** `sluice demo`: the sample workload through Sluice and through pg.Pool, side by side. */
import { Command } from 'commander'
import type { DemoOptions, DemoReport } from './demo/run.ts'
import { runDemo } from './demo/run.ts'
import { makeShow } from './demo/show.ts'
import { table } from './demo/table.ts'
import { explainComparison } from './demo/verdict.ts'
import { Interrupted } from './interrupt.ts'
import { numberOption } from './numbers.ts'
import { toJson, wrap } from './paint.ts'
import { badInput, Refusal } from './refusal.ts'
import type { Screen } from './screen.ts'
import { noScreen, openScreen } from './screen.ts'
import type { Target } from './target.ts'
import { readTarget } from './target.ts'
import { troubleAt } from './trouble.ts'

interface Flags extends Pick<DemoOptions, 'seconds' | 'seed' | 'max' | 'scale'> {
  keep?: true
  dashboard?: boolean
  dashboardPort?: number
  serve?: true
  json?: true
}

/** The command; `signal` ends it early. */
export function demoCommand(signal: AbortSignal): Command {
  const number = numberOption
  return new Command('demo')
    .description('run four kinds of agents on Sluice and on pg.Pool, and compare')
    .addOption(
      number(
        { name: '--seconds', min: 1, max: 3_600, fallback: 10, whole: false },
        'measured time of each side',
      ),
    )
    .addOption(number({ name: '--max', min: 1, max: 500, fallback: 10 }, 'connections of each pool'))
    .addOption(
      number(
        { name: '--seed', min: 1, max: 1_000_000, fallback: 1 },
        'decides the data and what the agents ask',
      ),
    )
    .addOption(
      number(
        { name: '--scale', min: 0.01, max: 10, fallback: 1, whole: false },
        'size of the data; 1 is 290,000 rows',
      ),
    )
    .option('--keep', 'leave the data in the database of DATABASE_URL')
    .option('--dashboard', 'open the dashboard beside the comparison, on this machine only')
    .option('--no-dashboard', 'open none')
    .addOption(
      number(
        { name: '--dashboard-port', min: 0, max: 65_535 },
        'of the dashboard; 0 is any that is free; default: 5480, or any',
      ),
    )
    .option('--serve', 'keep the dashboard up afterwards, with some agents at work, until Ctrl-C')
    .option('--json', 'one JSON object and nothing else on standard output')
    .addHelpText(
      'after',
      `
Runs on an embedded Postgres that is gone afterwards, or, where the environment
variable DATABASE_URL is set, in that database, in a schema of its own
(sluice_demo), which is removed in the end.`,
    )
    .action(async (flags: Flags) => demo(flags, signal))
}

async function demo(flags: Flags, signal: AbortSignal): Promise<void> {
  const options = optionsFrom(flags)
  const { DATABASE_URL } = process.env
  let target: Target | undefined
  if (DATABASE_URL) target = readTarget(DATABASE_URL, 'DATABASE_URL')
  const screen = flags.json ? progressScreen() : openScreen(process.stdout, process.env)
  let isReported = false
  try {
    const show = makeShow(screen, flags.max)
    await runDemo(target, options, {
      show,
      signal,
      onDashboard: (url) =>
        flags.json ? console.error(`sluice: The dashboard is at ${url}`) : show.dashboard(url),
      onTarget: (actual) => {
        target = actual
      },
      onReport: (report) => {
        isReported = true
        if (flags.json) console.log(toJson({ ok: true, ...report }))
        else screen.print(...describe(report, screen))
      },
    })
  } catch (error) {
    // After the comparison Ctrl-C is how the demo ends.
    if (signal.aborted && isReported) return
    if (signal.aborted) throw signal.reason
    if (error instanceof Refusal || error instanceof Interrupted || target === undefined) throw error
    throw troubleAt(error, target)
  }
}

function optionsFrom({ seconds, seed, max, scale, ...flags }: Flags): DemoOptions {
  const { keep = false, serve = false, json = false, dashboardPort: port } = flags
  if (flags.dashboard === false && (serve || port !== undefined))
    throw badInput(
      `${serve ? '--serve' : '--dashboard-port'} is about the dashboard, and --no-dashboard opens none: give one of them.`,
    )
  if (serve && json)
    throw badInput('--serve goes on after the comparison, and --json ends with it: give one of them.')
  const wanted = flags.dashboard ?? (serve || port !== undefined)
  return { seconds, seed, max, scale, keep, serve, dashboard: wanted ? { port } : undefined }
}

/** With JSON on standard output, only a person at a terminal wants to see how far things are. */
function progressScreen(): Screen {
  return process.stderr.isTTY ? openScreen(process.stderr, process.env) : noScreen()
}

function describe({ run, comparison, sides }: DemoReport, { paint, width }: Screen): string[] {
  const intro = `${run.agents} agents of four kinds on ${run.max} connections, ${run.secondsPerSide} s a side in turns: Sluice, pg.Pool, pg.Pool, Sluice. Times are those the agents saw, waiting included.`
  const errors = Object.entries({ ...sides.sluice.errorMessages, ...sides.pg.errorMessages })
  return [
    '',
    ...wrap(` ${intro}`, width, ' '),
    '',
    ...table(comparison, paint, width),
    '',
    ...explainComparison(comparison).flatMap((sentence) => wrap(` ${sentence}`, width, '   ')),
    ...errors.map(([message]) => ` ${paint.bad('error')} ${message}`.slice(0, width)),
  ]
}
