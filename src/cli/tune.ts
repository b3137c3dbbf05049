/** `sluice tune`: the size of a pool, found by experiment. */
import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { messageOf } from '../base/errors.ts'
import { Interrupted, interruptedWith } from './interrupt.ts'
import { numberOption } from './numbers.ts'
import { wrap } from './paint.ts'
import { badInput, Refusal } from './refusal.ts'
import type { Screen } from './screen.ts'
import { noScreen, openScreen } from './screen.ts'
import type { Target } from './target.ts'
import { readTarget } from './target.ts'
import { troubleAt } from './trouble.ts'
import { chart } from './tune/chart.ts'
import type { CutTune, TuneOptions, TuneReport } from './tune/run.ts'
import { runTune } from './tune/run.ts'
import { makeShow } from './tune/show.ts'
import { svg } from './tune/svg.ts'
import { code, conclusion, cutShort, remarks } from './tune/words.ts'
import { fromFile, fromStatements } from './tune/workload.ts'

interface Flags {
  seconds: number
  share: number
  max: number
  seed: number
  callers: number
  statement?: string[]
  file?: string
  lanes: boolean
  svg?: string
  json?: true
}

/** The command; `signal` ends it early. */
export function tuneCommand(signal: AbortSignal): Command {
  return new Command('tune')
    .description('find the pool size by experiment, with statements that only read')
    .argument('[url]', 'a connection string; default: DATABASE_URL, else an embedded Postgres')
    .option('--statement <sql>', 'what to ask; may be given several times', collect)
    .option('--file <path>', 'statements in a file, each ended by a semicolon at the end of a line')
    .addOption(
      numberOption({ name: '--seconds', min: 5, max: 3_600, fallback: 30 }, 'all the time that it may take'),
    )
    .addOption(
      numberOption(
        { name: '--share', min: 0.01, max: 1, fallback: 0.5, whole: false },
        'the part of the free connections that may be used',
      ),
    )
    .addOption(numberOption({ name: '--max', min: 3, max: 1_000, fallback: 64 }, 'the largest size to try'))
    .addOption(
      numberOption(
        { name: '--callers', min: 0, max: 10_000, fallback: 0 },
        'how many ask at once; 0 is twice the size, and 64 at least for what shares connections',
      ),
    )
    .option('--no-lanes', 'give every statement a connection of its own')
    .addOption(
      numberOption(
        { name: '--seed', min: 1, max: 1_000_000, fallback: 1 },
        'decides the order of everything',
      ),
    )
    .option('--svg <path>', 'draw the curve into a file')
    .option('--json', 'one JSON object and nothing else on standard output')
    .addHelpText('after', help)
    .action(async (url: string | undefined, flags: Flags) => tune(url, flags, signal))
}

const help = `
Without --statement and --file it asks what pg_stat_statements says is read most, as
far as the server has kept it whole; on an embedded Postgres, sample data.

Its sessions only read (default_transaction_read_only), are never more than the share
of the free connections, and are gone at the end. While it runs it asks for all that
the database can give: prefer a copy, or a quiet hour. Little time is spent on fewer
sizes; an embedded Postgres takes some seconds of it to start. Ctrl-C ends it with the figures so far, if two rounds are over.

Examples
  sluice tune
  sluice tune postgres://… --statement "SELECT * FROM users WHERE id = 42"
  sluice tune --file reads.sql --seconds 60 --svg curve.svg`

function collect(text: string, before: string[] = []): string[] {
  return [...before, text]
}

async function tune(url: string | undefined, flags: Flags, signal: AbortSignal): Promise<void> {
  let target = targetFrom(url)
  const options = optionsFrom(flags, target)
  const screen = flags.json ? progressScreen() : openScreen(process.stdout, process.env)
  try {
    const report = await runTune(target, options, {
      show: makeShow(screen, flags.seconds),
      signal,
      onTarget: (actual) => {
        target = actual
      },
    })
    if (!report.interrupted && flags.svg !== undefined) draw(flags.svg, report)
    if (flags.json) console.log(toJson(report))
    else screen.print(...(report.interrupted ? describeCut(report, screen) : describe(report, screen)))
    if (report.interrupted) process.exitCode = (signal.reason as Interrupted).exitCode
  } catch (error) {
    if (signal.aborted)
      throw interruptedWith(
        'Interrupted before two rounds were measured: there is nothing to show yet.',
        signal,
      )
    if (error instanceof Refusal || error instanceof Interrupted || target === undefined) throw error
    throw troubleAt(error, target)
  }
}

function targetFrom(url: string | undefined): Target | undefined {
  if (url !== undefined) return readTarget(url, 'The URL')
  const { DATABASE_URL } = process.env
  return DATABASE_URL ? readTarget(DATABASE_URL, 'DATABASE_URL') : undefined
}

function optionsFrom(flags: Flags, target: Target | undefined): TuneOptions {
  const { seconds, share, max, seed, lanes, callers, statement = [], file } = flags
  if (statement.length > 0 && file !== undefined)
    throw badInput('--statement and --file say the same thing: give one of them.')
  if (target === undefined && (statement.length > 0 || file !== undefined))
    throw badInput(
      'Statements need the database that they are for: give a connection string, or set DATABASE_URL.',
    )
  const given = statement.length > 0 ? fromStatements(statement, '--statement') : undefined
  const workload = given ?? (file === undefined ? undefined : fromFile(file))
  return { seconds, share, max, seed, lanes, callers: callers || undefined, workload }
}

function draw(path: string, report: TuneReport): void {
  const title = `${report.recommended.max} connections: ${Math.round(100 * report.recommended.ofBest)} % of the best throughput`
  const { workload, server } = report
  try {
    writeFileSync(path, svg(report, title, `PostgreSQL ${server.version}, ${workload.label}.`))
  } catch (error) {
    throw badInput(`--svg cannot be written: ${messageOf(error)}.`)
  }
}

function describe(report: TuneReport, { paint, width }: Screen): string[] {
  const { callers } = report.workload
  const asking = `Callers at once: ${callers.least === callers.most ? callers.least : `${callers.least} to ${callers.most}, by the size`}. Times are theirs, waiting included.`
  return [
    '',
    ...chart(report, paint, width),
    '',
    ...wrap(` ${paint.bold(conclusion(report))}`, width, ' '),
    '',
    `     ${paint.good(code(report))}`,
    '',
    ...[...remarks(report), asking].flatMap((sentence) => wrap(` ${sentence}`, width, '   ')),
  ]
}

function describeCut(report: CutTune, { paint, width }: Screen): string[] {
  return ['', ...chart(report, paint, width), '', ...wrap(` ${cutShort(report)}`, width, ' ')]
}

/** With JSON on standard output, only a person at a terminal wants to see how far things are. */
function progressScreen(): Screen {
  return process.stderr.isTTY ? openScreen(process.stderr, process.env) : noScreen()
}

/** κ is small: what counts of it are its first digits, not its place. */
function toJson(report: TuneReport | CutTune): string {
  const shorter = (_: string, part: unknown): unknown =>
    typeof part === 'number' ? Number(part.toPrecision(6)) : part
  // A curve that does not fit is said to be none.
  const fit = report.interrupted ? {} : { fit: report.fit ?? null }
  return JSON.stringify({ ok: !report.interrupted, ...report, ...fit }, shorter, 2)
}
