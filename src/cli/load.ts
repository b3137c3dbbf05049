/** `sluice load`: the load test that people write by hand. */
import { Command, Option } from 'commander'
import { Interrupted, interruptedWith } from './interrupt.ts'
import { headlines, standing } from './load/headline.ts'
import { describe, progressLine } from './load/report.ts'
import type { LoadReport, Watcher } from './load/run.ts'
import { runLoad } from './load/run.ts'
import { labels } from './load/ways.ts'
import { numberOption } from './numbers.ts'
import { toJson } from './paint.ts'
import { exitCodes, Refusal } from './refusal.ts'
import type { Screen } from './screen.ts'
import { noScreen, openScreen } from './screen.ts'
import type { Target } from './target.ts'
import { placeOf, readTarget } from './target.ts'
import { troubleAt } from './trouble.ts'

interface Flags {
  callers: number
  max: number
  seconds: number
  latency: number
  statement: string[]
  allowWrites?: true
  compare?: true
  json?: true
}

/** The command; `signal` ends it early. */
export function loadCommand(signal: AbortSignal): Command {
  const statement = new Option('--statement <sql>', 'what is asked, in turns; may be given again')
    .default([], 'a lookup')
    .argParser((text: string, before: string[]) => [...before, text])
  return new Command('load')
    .description('load a database through Sluice and say how it went; --compare does it three ways')
    .argument('[url]', 'a connection string; default: DATABASE_URL, else an embedded Postgres')
    .addOption(
      numberOption(
        { name: '--callers', min: 1, max: 10_000, fallback: 50 },
        'who ask, each one after its last answer',
      ),
    )
    .addOption(
      numberOption(
        { name: '--seconds', min: 0.1, max: 3_600, fallback: 10, whole: false },
        'measured time of each way',
      ),
    )
    .addOption(numberOption({ name: '--max', min: 1, max: 500, fallback: 10 }, 'connections of each pool'))
    .addOption(statement)
    .addOption(
      numberOption(
        { name: '--latency', min: 0, max: 10_000, fallback: 0, whole: false },
        'milliseconds added to each round trip',
      ),
    )
    .option('--compare', 'connect-per-query, pg.Pool and Sluice in turns, and the headline figures')
    .option('--allow-writes', 'takes statements that write, too')
    .option('--json', 'one JSON object and nothing else on standard output')
    .addHelpText(
      'after',
      `
Every statement is tried once before the test, in a read-only transaction: one that
writes is refused. No connection is taken that the server has no room for: with
--compare, callers that connect for each statement are no more at a time than nine
tenths of what it has left; both pools always get all callers.
Statements under way at the end of a turn are waited for and counted. Ctrl-C ends the
test with the figures so far.

  sluice load --callers 200 --seconds 30 --statement "SELECT * FROM users WHERE id = 7"
  sluice load --compare --callers 100 --latency 30

Exit code: 0 all answered, 1 not, 2 the command or a statement makes no sense, 130
ended by Ctrl-C.`,
    )
    .action(async (url: string | undefined, flags: Flags) => load(url, flags, signal))
}

async function load(url: string | undefined, flags: Flags, signal: AbortSignal): Promise<void> {
  let target = targetFrom(url)
  const screen = flags.json ? progressScreen() : openScreen(process.stdout, process.env)
  try {
    const { allowWrites = false, callers, compare = false, latency, max, seconds, statement } = flags
    const report = await runLoad(
      target,
      { allowWrites, callers, compare, latencyMillis: latency, max, seconds, statements: statement },
      {
        watcher: watcherOn(screen, target),
        signal,
        onTarget: (actual) => {
          target = actual
        },
      },
    )
    say(report, flags, screen)
    if (report.interrupted) process.exitCode = (signal.reason as Interrupted).exitCode
  } catch (error) {
    if (signal.aborted) throw interruptedWith('Interrupted before anything was measured.', signal)
    if (error instanceof Refusal || error instanceof Interrupted || target === undefined) throw error
    throw troubleAt(error, target)
  } finally {
    screen.close()
  }
}

function targetFrom(url: string | undefined): Target | undefined {
  if (url !== undefined) return readTarget(url, 'The URL')
  const { DATABASE_URL } = process.env
  return DATABASE_URL ? readTarget(DATABASE_URL, 'DATABASE_URL') : undefined
}

/** With JSON on standard output, only a person at a terminal wants to see how far things are. */
function progressScreen(): Screen {
  return process.stderr.isTTY ? openScreen(process.stderr, process.env) : noScreen()
}

function watcherOn(screen: Screen, given: Target | undefined): Watcher {
  const { paint } = screen
  let turn = 0
  return {
    onServer: (version) => {
      const where = given === undefined ? 'embedded, for this test only' : `at ${placeOf(given)}`
      screen.print(` ${paint.good(paint.glyphs.yes)} PostgreSQL ${version}, ${where}`)
    },
    onWarming: (way) => screen.draw([` Warming up ${labels[way]} …`]),
    onProgress: (progress) => {
      if (screen.live) return screen.draw([progressLine(progress, paint)])
      if (progress.turn === turn) return
      turn = progress.turn
      screen.print(`  ${labels[progress.way]}, turn ${turn} of ${progress.turns}`)
    },
  }
}

function say(report: LoadReport, { json }: Flags, screen: Screen): void {
  const failed = report.ways.sluice?.failed ?? 0
  const ok = failed === 0 && !report.interrupted
  process.exitCode = ok ? exitCodes.fine : exitCodes.failed
  if (json) {
    const besidePg = standing(report) ?? null
    console.log(toJson({ ok, ...report, headlines: headlines(report), besidePg }))
  } else screen.print(...describe(report, screen))
}
