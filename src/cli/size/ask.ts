/** Asks a person at a terminal what `sluice size` needs to know. */
import { createInterface } from 'node:readline/promises'
import { TIERS } from '../../sizing/tiers.ts'
import { unlessAborted } from '../interrupt.ts'
import { readNumber } from '../numbers.ts'
import type { Paint } from '../paint.ts'
import { wrap } from '../paint.ts'
import { badInput, Refusal } from '../refusal.ts'
import type { Flags, NumberFlag } from './flags.ts'
import { ranges } from './flags.ts'

/** A question and its followers, which are asked where it was answered. */
interface Step {
  readonly flag: NumberFlag | 'tier'
  readonly text: string
  readonly example: string
  /** What Enter means; without it Enter skips the question. */
  readonly fallback?: string
  readonly more?: readonly Step[]
  /** Asked only while this holds. */
  readonly unless?: keyof Flags
}

const names = Object.keys(TIERS)

const steps: readonly Step[] = [
  { flag: 'tier', text: `How large is the server: ${names.join(', ')}?`, example: 'medium' },
  { flag: 'cores', text: 'How many CPU cores has it?', example: '4', unless: 'tier' },
  {
    flag: 'instances',
    text: 'How many processes of yours have a pool on it?',
    example: '5',
    more: [
      {
        flag: 'limit',
        text: 'What is its max_connections?',
        example: '100',
        fallback: '100',
        unless: 'tier',
      },
      { flag: 'surge', text: 'How many more run in a rolling deploy?', example: '2', fallback: '0' },
    ],
  },
  {
    flag: 'agents',
    text: 'How many agents run in one process at a time?',
    example: '50',
    more: [{ flag: 'queries', text: 'How many statements has each under way?', example: '3', fallback: '1' }],
  },
  {
    flag: 'rps',
    text: 'How many requests a second does one process serve at its busiest?',
    example: '100',
    more: [
      { flag: 'ms', text: 'How many ms of the database does each take?', example: '50', fallback: '50' },
    ],
  },
  {
    flag: 'workers',
    text: 'How many workers, such as queue consumers, does one process run?',
    example: '2',
    more: [{ flag: 'each', text: 'How many statements has each under way?', example: '5', fallback: '1' }],
  },
  {
    flag: 'tasks',
    text: 'How many tasks of one process hold several connections at once?',
    example: '8',
    more: [{ flag: 'held', text: 'How many does each hold?', example: '2', fallback: '2' }],
  },
]

/** Where the questions go and the answers come from. */
export interface Conversation {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
  readonly paint: Paint
  readonly signal: AbortSignal
  /** Of the terminal, in characters. */
  readonly width: number
}

/** An answer stands behind its question. */
const answerWidth = 10

/** What the person knows. Enter skips a question, the end of the input skips the rest. */
export async function askFlags({ input, output, paint, signal, width }: Conversation): Promise<Flags> {
  const lines = createInterface({ input, output })
  // In raw mode Ctrl-C is a key: it has to become the signal that ends every command.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  let isOver = false
  const over = new Promise<string>((resolve) => {
    lines.once('close', () => {
      isOver = true
      resolve('')
    })
  })
  const ask = (prompt: string): Promise<string> => {
    if (isOver) return over
    const wrapped = prompt.split('\n').flatMap((line) => wrap(line, Math.max(20, width - answerWidth)))
    // The terminal's line editor knows where the cursor is as long as its prompt is one line.
    const last = wrapped.pop() ?? ''
    output.write(wrapped.map((line) => `${spaced(line)}\n`).join(''))
    return unlessAborted(signal, Promise.race([lines.question(`${spaced(last)} `), over]))
  }
  try {
    output.write('What do you know? Enter skips a question.\n')
    return await askAll(steps, {}, { ask, paint })
  } catch (error) {
    // What the shell says next does not stand behind the question.
    output.write('\n')
    throw error
  } finally {
    lines.close()
  }
}

const noBreak = '\u00A0'
/** For `wrap`, which breaks at spaces only. */
const unbroken = (text: string): string => text.replaceAll(' ', noBreak)
const spaced = (text: string): string => text.replaceAll(noBreak, ' ')

interface Asking {
  ask(prompt: string): Promise<string>
  readonly paint: Paint
}

async function askAll(all: readonly Step[], before: Flags, asking: Asking): Promise<Flags> {
  let known = before
  for (const step of all) {
    if (step.unless !== undefined && known[step.unless] !== undefined) continue
    const value = await askOne(step, asking)
    if (value === undefined) continue
    known = await askAll(step.more ?? [], { ...known, [step.flag]: value }, asking)
  }
  return known
}

/** Asks until the answer makes sense. */
async function askOne(step: Step, { ask, paint }: Asking): Promise<number | string | undefined> {
  const { text, example, fallback } = step
  const hint = fallback === undefined ? `e.g. ${example}` : `e.g. ${example}, Enter: ${fallback}`
  let trouble = ''
  for (;;) {
    const answer = (await ask(`${trouble}${paint.bold(text)} ${paint.dim(unbroken(`(${hint})`))}`)).trim()
    const given = answer === '' ? fallback : answer
    if (given === undefined) return undefined
    try {
      return read(step, given)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      trouble = `${paint.bad(error.message)}\n`
    }
  }
}

function read({ flag }: Step, text: string): number | string {
  if (flag !== 'tier') return readNumber(text, { ...ranges[flag], name: 'The answer' })
  if (names.includes(text)) return text
  throw badInput(`The answer must be one of ${names.join(', ')}; it is ${JSON.stringify(text)}.`)
}
