import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { makePaint } from '../paint.ts'
import { askFlags } from './ask.ts'

/** What becomes of the lines that a person types; `undefined` at the end is Ctrl-D. */
async function answered(...lines: (string | undefined)[]) {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const paint = makePaint(false, undefined)
  const flags = askFlags({ input, output, paint, signal: new AbortController().signal, width: 80 })
  // One answer to each question, as a person gives them.
  let said = ''
  output.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (!text.endsWith(') ')) return
    const line = lines.shift()
    if (line === undefined) input.end()
    else input.write(`${line}\n`)
  })
  return { flags: await flags, said: said.replaceAll(/\s+/g, ' ') }
}

/** A conversation whose answers are still to come. */
function conversation(width: number, signal = new AbortController().signal) {
  const [input, output] = [new PassThrough(), new PassThrough()]
  let text = ''
  output.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  const flags = askFlags({ input, output, paint: makePaint(false, undefined), signal, width })
  return { input, flags, said: () => text }
}

test('Enter skips a question, and what follows it is not asked', async () => {
  const { flags, said } = await answered('', '', '', '50', '3', '', '', '')
  expect(flags).toEqual({ agents: 50, queries: 3 })
  expect(said).toContain('How many agents run in one process at a time? (e.g. 50)')
  expect(said).not.toContain('max_connections')
})

test('what follows an answer has a default, which Enter takes', async () => {
  const { flags, said } = await answered('', '4', '5', '', '', '', '', '', '')
  expect(flags).toEqual({ cores: 4, instances: 5, limit: 100, surge: 0 })
  expect(said).toContain('(e.g. 100, Enter: 100)')
})

test('a tier makes the questions for cores and limit needless', async () => {
  const { flags, said } = await answered('medium', '5', '2', '', '', '', '')
  expect(flags).toEqual({ tier: 'medium', instances: 5, surge: 2 })
  expect(said).not.toContain('cores')
  expect(said).not.toContain('max_connections')
})

test('an answer that makes no sense is asked for again, with what it may be', async () => {
  const { flags, said } = await answered('huge', 'small', '0', '2', '', '', '', '', '')
  expect(flags).toEqual({ tier: 'small', instances: 2, surge: 0 })
  expect(said).toContain('The answer must be one of free, small, medium, large, xl, 2xl; it is "huge".')
  expect(said).toContain('The answer must be a whole number from 1 to 100,000; it is "0".')
})

test('the end of the input skips the rest', async () => {
  expect((await answered('large', undefined)).flags).toEqual({ tier: 'large' })
})

test('an interruption ends the questions with its reason', async () => {
  const reason = new Error('SIGINT')
  const asking = askFlags({
    input: new PassThrough(),
    output: new PassThrough(),
    paint: makePaint(false, undefined),
    signal: AbortSignal.abort(reason),
    width: 80,
  })
  await expect(asking).rejects.toBe(reason)
})

test.each([60, 80])('no question is wider than %i columns with its answer', async (width) => {
  const { input, said, flags } = conversation(width)
  const questions = 7
  for (let n = 1; n <= questions; n++) {
    await expect.poll(() => said().split('(e.g.').length, { timeout: 10_000 }).toBe(n + 1)
    input.write('\n')
  }
  input.end()
  await flags
  // What a person types, and ends the line with, is not in it.
  for (const line of said().split(/\n|(?<=\)) /)) expect(line.length).toBeLessThanOrEqual(width - 8)
})

test('an interruption ends the line of the question', async () => {
  const stop = new AbortController()
  const { said, flags } = conversation(80, stop.signal)
  await expect.poll(said, { timeout: 10_000 }).toContain('(e.g. medium)')
  stop.abort(new Error('SIGINT'))
  await expect(flags).rejects.toThrow('SIGINT')
  expect(said()).toMatch(/\n$/)
})
