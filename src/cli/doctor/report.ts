/** What `sluice doctor` says to a person. */
import type { Finding, Severity } from '../../monitor/finding.ts'
import type { Paint } from '../paint.ts'
import { bar, left, whole, wrap } from '../paint.ts'
import type { Target } from '../target.ts'
import { placeOf } from '../target.ts'
import type { Facts } from './facts.ts'
import type { Look } from './looked.ts'
import { looked } from './looked.ts'

const labelWidth = 9
const indentation = 4
const barWidth = 20
const areaWidth = 14

/** The findings, the worst first, what was looked at, and what could not be seen. */
export function describe(
  findings: readonly Finding[],
  facts: Facts,
  target: Target,
  paint: Paint,
  width: number,
): string[] {
  return [
    ...wrap(headline(findings, facts, target, paint), width, '  '),
    ...wrap(`  ${crowd(facts, paint)}`, width, '  '),
    ...findings.flatMap((finding, index) => ['', ...describeFinding(finding, index + 1, paint, width)]),
    ...describeLooked(looked(facts, findings), paint, width),
    ...(facts.unseen.length === 0 ? [] : ['', paint.dim('  Not seen:')]),
    ...facts.unseen.flatMap((what) => wrap(paint.dim(`  ${paint.glyphs.dot} ${what}`), width, '    ')),
  ]
}

/** Everything where nothing is wrong; else the names of what is well. */
function describeLooked(looks: readonly Look[], paint: Paint, width: number): string[] {
  const well = looks.filter((look) => !isHarmful(look))
  if (well.length < looks.length)
    return [
      '',
      ...wrap(
        `  ${paint.good(paint.glyphs.yes)} ${paint.dim(`well: ${well.map(({ name }) => name).join(', ')}`)}`,
        width,
        '    ',
      ),
    ]
  const indent = ' '.repeat(indentation + areaWidth)
  return [
    '',
    ...looks.flatMap(({ name, seen }) =>
      wrap(`  ${paint.good(paint.glyphs.yes)} ${left(name, areaWidth)}${paint.dim(seen)}`, width, indent),
    ),
  ]
}

function isHarmful({ worst }: Look): boolean {
  return worst !== undefined && worst !== 'advice'
}

function headline(findings: readonly Finding[], { activity }: Facts, target: Target, paint: Paint): string {
  const where = `database ${activity.database} as ${activity.role} at ${placeOf(target)}, PostgreSQL ${activity.server.version}`
  const harmful = findings.filter(({ severity }) => severity !== 'advice').length
  const advice = findings.length - harmful
  const more =
    advice === 0 ? '' : advice === 1 ? ', and one piece of advice' : `, and ${advice} pieces of advice`
  if (harmful === 0) return `${paint.good(paint.glyphs.yes)} Nothing is wrong with ${where}${more}`
  const count = harmful === 1 ? 'One thing is' : `${harmful} things are`
  return `${paint.bad(paint.glyphs.no)} ${count} wrong with ${where}${more}`
}

function crowd({ activity: { total, active, idleInTransaction, limits } }: Facts, paint: Paint): string {
  const usable = limits.maxConnections - limits.superuserReserved - limits.reserved
  const words = `${whole(total)} of ${whole(usable)} sessions, ${whole(active)} active, ${whole(idleInTransaction)} idle in transaction`
  return `${bar(total / Math.max(1, usable), barWidth, paint)} ${words}`
}

function describeFinding(finding: Finding, number: number, paint: Paint, width: number): string[] {
  const { severity, title, evidence, reason, change } = finding
  const indent = ' '.repeat(indentation + labelWidth)
  const mark = coloured(severity, paint)(left(severity, labelWidth))
  const row = (label: string, text: string): string[] =>
    wrap(`${' '.repeat(indentation)}${paint.dim(left(label, labelWidth))}${text}`, width, indent)
  return [
    ...wrap(`${left(String(number), indentation)}${mark}${paint.bold(title)}`, width, indent),
    ...row('seen', evidence),
    ...row('why', reason),
    ...row('change', change),
  ]
}

function coloured(severity: Severity, paint: Paint): (text: string) => string {
  switch (severity) {
    case 'critical':
      return paint.bad
    case 'warning':
      return paint.busy
    case 'advice':
      return paint.good
  }
}
