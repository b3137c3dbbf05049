/** `sluice watch`: a running dashboard in the terminal. */
import { Command } from 'commander'
import { toJson, wrap } from './paint.ts'
import { openScreen } from './screen.ts'
import { readAddress } from './watch/address.ts'
import { follow } from './watch/feed.ts'
import { Picture } from './watch/picture.ts'
import { WatchShow } from './watch/show.ts'
import type { Sheet } from './watch/view.ts'
import { view } from './watch/view.ts'

interface Flags {
  token?: string
  once?: true
  json?: true
}

/** The command; `signal` ends it, which is what it waits for. */
export function watchCommand(signal: AbortSignal): Command {
  return new Command('watch')
    .description('show a running dashboard in the terminal, live')
    .argument('<url>', 'what the dashboard prints when it starts: http://host:port')
    .option('--token <token>', 'of the dashboard; default: ?token= of the URL, else SLUICE_DASHBOARD_TOKEN')
    .option('--once', 'show the pools as they are now, and end')
    .option('--json', 'the same as one JSON object and nothing else on standard output')
    .addHelpText('after', help)
    .action(async (url: string, flags: Flags) => watch(url, flags, signal))
}

const help = `
Draws slots, answers, waiting callers, statement classes, advice and events in place;
into a pipe, and where NO_COLOR or CI is set, it writes a line for each pool every
two seconds. A dashboard that is lost is tried again until it is back. Ctrl-C ends
it, with exit code 0.

Other users of a machine can read its command lines: prefer SLUICE_DASHBOARD_TOKEN.

Examples
  sluice watch http://127.0.0.1:5480
  sluice watch http://127.0.0.1:5480 --json`

async function watch(url: string, flags: Flags, signal: AbortSignal): Promise<void> {
  const address = readAddress(url, flags.token, process.env.SLUICE_DASHBOARD_TOKEN)
  const { place } = address
  const picture = new Picture()
  const screen = openScreen(process.stdout, process.env)
  const show = new WatchShow(screen, place, picture)
  let wasShown = false
  try {
    for await (const heard of follow(address, signal)) {
      if (!flags.once && !flags.json) {
        show.take(heard)
        wasShown ||= picture.isWhole
        continue
      }
      picture.take(heard)
      if (!picture.isWhole) continue
      const { paint, width } = screen
      if (flags.json) console.log(toJson(asObject(picture, place)))
      else screen.print(...wholeView(picture, place, { paint, width }))
      return
    }
  } catch (error) {
    // It was watched for as long as somebody wanted.
    if (!(signal.aborted && wasShown)) throw error
  } finally {
    screen.close()
  }
}

/** Nothing is cut where lines may scroll. */
function wholeView(picture: Picture, place: string, sheet: Omit<Sheet, 'height'>): string[] {
  const lines = view(picture, place, { ...sheet, height: Number.POSITIVE_INFINITY })
  return lines.flatMap((line) => wrap(line, sheet.width, ' '.repeat(12)))
}

function asObject(picture: Picture, url: string): object {
  const { version, run, frame, pools, events } = picture
  return {
    ok: true,
    url,
    version,
    run,
    at: frame?.at,
    pools: pools.map(({ frame, slow }) => ({
      ...frame,
      endpoint: slow?.endpoint ?? null,
      advice: slow?.advice ?? [],
      statements: slow?.statements ?? [],
    })),
    events,
  }
}
