/** What `sluice size` says to a person. */
import type { Answer } from '../../sizing/answer.ts'
import { saidSpan } from '../../sizing/answer.ts'
import type { ProcessSize, Recommendation } from '../../sizing/recommend.ts'
import type { Shares } from '../../sizing/supply.ts'
import type { Tier } from '../../sizing/tiers.ts'
import type { Paint } from '../paint.ts'
import { left, whole, wrap } from '../paint.ts'

const labelWidth = 12

/** Every answer with its arithmetic, pictures of what they mean for one process, and the size to take. */
export function describeSizes(found: Recommendation, paint: Paint, width: number): string[] {
  const { answers, sizes } = found
  const memory = answers.at(-1)
  return [
    ...answers.slice(0, -1).flatMap((answer) => describeAnswer(answer, paint, width)),
    ...(sizes.length > 1 ? ['', ...bars(found, paint, width)] : []),
    ...sharesOf(answers, paint, width),
    '',
    ...describeChoice(found, paint, width),
    ...(memory === undefined ? [] : ['', ...wrap(`  ${memory.arithmetic}`, width, '  ')]),
  ]
}

function describeAnswer({ formula, arithmetic, caveat }: Answer, paint: Paint, width: number): string[] {
  const indent = ' '.repeat(labelWidth + 2)
  return [
    ...wrap(`  ${paint.bold(left(formula, labelWidth))}${arithmetic}`, width, indent),
    ...wrap(`${indent}${caveat}`, width, indent).map(paint.dim),
  ]
}

/** What each answer means for one process, as bars on one scale; the lighter end of a bar is a range. */
function bars({ sizes, max, processes }: Recommendation, paint: Paint, width: number): string[] {
  const room = Math.max(10, Math.min(50, width - labelWidth - 14))
  const most = Math.max(max, ...sizes.map(({ to }) => to))
  const cells = (value: number): number => Math.max(1, Math.round((value / most) * room))
  const { full, half } = paint.glyphs
  const row = (label: string, { from, to }: Pick<ProcessSize, 'from' | 'to'>, mark: Mark): string =>
    `  ${left(label, labelWidth)}${mark(full.repeat(cells(from)) + half.repeat(cells(to) - cells(from)))} ${saidSpan({ from, to })}`
  return [
    paint.bold(processes === 1 ? '  Connections' : `  Connections of each of ${whole(processes)} processes`),
    ...sizes.map((size) => row(size.formula, size, paint.busy)),
    row('recommended', { from: max, to: max }, paint.good),
  ]
}

type Mark = (text: string) => string

/** The limit of a tier as one bar of its shares. */
function sharesOf(answers: readonly Answer[], paint: Paint, width: number): string[] {
  const tier = answers.find((answer): answer is Answer & { tier: Tier } => 'tier' in answer)?.tier
  const shares = answers.find((answer): answer is Answer & { shares: Shares } => 'shares' in answer)?.shares
  if (tier === undefined || shares === undefined) return []
  const { full, half, dot, empty } = paint.glyphs
  const parts: [name: string, count: number, drawn: string][] = [
    ['application', shares.application, full],
    ['admin', shares.admin, half],
    ['monitoring', shares.monitoring, dot],
    ['buffer', shares.buffer, empty],
    ['reserved', tier.reserved, ' '],
  ]
  const room = Math.max(20, Math.min(64, width - 6))
  const bar = parts.map(([, count, drawn]) => drawn.repeat(Math.round((count / tier.maxConnections) * room)))
  const legend = parts.map(([name, count, drawn]) => `${drawn} ${name} ${count}`.trim()).join('  ')
  return [
    '',
    paint.bold(`  The server’s ${tier.maxConnections} connections`),
    `  [${bar.join('')}]`,
    ...wrap(`  ${legend}`, width, '  ').map(paint.dim),
  ]
}

function describeChoice(found: Recommendation, paint: Paint, width: number): string[] {
  const { max, min, processes, reason, preferences } = found
  const each = processes === 1 ? '' : ` in each of ${whole(processes)} processes`
  return [
    `${paint.good(paint.glyphs.at)} ${paint.bold(`max ${whole(max)}, min ${whole(min)}`)}${each}`,
    ...wrap(`  ${reason}`, width, '  '),
    ...preferences.flatMap((one) => wrap(`  ${one.over}: ${one.reason}`, width, '    ')),
    '',
    `  new Pool({ max: ${max}, min: ${min} })`,
  ]
}
