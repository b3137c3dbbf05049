/** What a person sees while a tune works: a bar and the throughputs so far, drawn in place on a terminal, else a line a round. */
import { median } from '../../sizing/usl.ts'
import { bar, millis, right, whole, wrap } from '../paint.ts'
import type { Screen } from '../screen.ts'
import { placeOf } from '../target.ts'
import { rate } from './chart.ts'
import type { TuneShow } from './run.ts'
import type { Progress } from './sweep.ts'

/** The show on a screen. */
export function makeShow(screen: Screen, seconds: number): TuneShow {
  const done = (text: string): void => {
    const { paint, width } = screen
    screen.print(...wrap(` ${paint.good(paint.glyphs.yes)} ${text}`, width, '   '))
  }
  return {
    starting: () => screen.draw([' Starting an embedded Postgres …']),
    server(version, given, { largest, free }) {
      const where = given === undefined ? 'embedded, for this tune only' : `at ${placeOf(given)}`
      done(`PostgreSQL ${version}, ${where}: ${free} connections free, sizes up to ${largest}`)
    },
    workload({ label }, statementMillis) {
      done(`${label}, ${millis(statementMillis)} a statement alone`)
      if (!screen.live) screen.print(`   measuring for at most ${seconds} s`)
    },
    progress(progress) {
      if (screen.live) return screen.draw(frame(progress, screen, seconds))
      if (progress.complete) screen.print(...wrap(plainRound(progress), screen.width, '     '))
    },
    finish: () => screen.close(),
  }
}

const stages: Readonly<Record<Progress['stage'], string>> = { sweep: 'all sizes', closer: 'closer' }

function frame(
  { round, stage, size, done, rounds }: Progress,
  { paint, width }: Screen,
  seconds: number,
): string[] {
  const head = `Round ${round}, ${stages[stage]}, size ${size}`
  const rows = mediansOf(rounds)
  const most = Math.max(...rows.map(({ throughput }) => throughput))
  const room = Math.max(10, Math.min(60, width - 26))
  return [
    '',
    ` ${head.padEnd(30)}${bar(done, Math.max(10, Math.min(40, width - 48)), paint)}  ${Math.round(done * seconds)} of ${seconds} s`,
    '',
    ...rows.map(({ size, throughput }) => {
      const full = paint.busy(paint.glyphs.full.repeat(Math.max(1, Math.round((throughput / most) * room))))
      return ` ${right(whole(size), 6)}${right(rate(throughput), 12)}   ${full}`
    }),
  ]
}

function mediansOf(rounds: Progress['rounds']): { size: number; throughput: number }[] {
  const bySize = new Map<number, number[]>()
  for (const { size, throughput } of rounds.flat())
    bySize.set(size, [...(bySize.get(size) ?? []), throughput])
  return [...bySize]
    .map(([size, values]) => ({ size, throughput: median(values) }))
    .sort((a, b) => a.size - b.size)
}

function plainRound({ round, rounds }: Progress): string {
  const sorted = [...(rounds.at(-1) ?? [])].sort((a, b) => a.size - b.size)
  return `   round ${round}: ${sorted.map(({ size, throughput }) => `${size}: ${rate(throughput)}/s`).join(', ')}`
}
